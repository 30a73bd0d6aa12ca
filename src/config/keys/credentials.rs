//! The keys of credentials and of the role on top of them.

use super::super::defaults;
use super::super::endpoint;
use super::super::leaf::{
    ExternalId, FileBelowHome, FilePath, Host, MetadataHost, ProfileName, RoleArn, RoleDuration,
    RoleName, SecretId, SecretText, SessionName, VariableName,
};
use super::mapping::mapping;
use crate::duration::format_duration;

mapping! {
    struct CredentialKeys as "credentials" {
        /// The secret id.
        secret_id: SecretId,
        /// The secret key. If a configuration file contains it, the exporter logs a warning,
        /// because every reader of the file has the key.
        secret_key: SecretText,
        /// The token of a temporary key. If a configuration file contains it, the exporter logs a
        /// warning.
        token: SecretText,
        /// The file with the secret id. The exporter reads key files before each use of
        /// the key.
        secret_id_file: FilePath,
        /// The file with the secret key.
        secret_key_file: FilePath,
        /// The file with the token of a temporary key. Default: no token.
        token_file: FilePath,
        /// A profile in a credentials file of the official SDKs.
        profile: ProfileKeys,
        /// The role of the CVM that the exporter runs on.
        cvm_role: CvmRoleKeys,
        /// The identity of the TKE pod that the exporter runs in.
        tke_oidc: TkeOidcKeys,
        /// The names of the environment variables with the API key.
        env: EnvKeys,
    }
    // One source, complete or in part: the environment can add the rest.
    extra {"anyOf": [
        {"propertyNames": {"enum": ["secret_id", "secret_key", "token"]}},
        {"propertyNames": {"enum": ["secret_id_file", "secret_key_file", "token_file"]}},
        {"propertyNames": {"enum": ["env"]}},
        {"propertyNames": {"enum": ["profile"]}},
        {"propertyNames": {"enum": ["cvm_role"]}},
        {"propertyNames": {"enum": ["tke_oidc"]}}
    ]}
}

mapping! {
    struct EnvKeys as "env" {
        /// The name of the variable with the secret id.
        secret_id: VariableName,
        /// The name of the variable with the secret key.
        secret_key: VariableName,
        /// The name of the variable with the token of a temporary key. Default: no token.
        token: VariableName,
    }
}

mapping! {
    struct ProfileKeys as "profile" {
        /// The name of the profile, a section of the file.
        name: ProfileName = defaults::PROFILE,
        /// The file with the profile. Default: the credentials file of the official SDKs.
        file: FileBelowHome,
    }
}

mapping! {
    struct CvmRoleKeys as "cvm_role" {
        /// The name of the CVM's role. Default: the name that the metadata service returns.
        name: RoleName,
        /// The host of the metadata service.
        endpoint: MetadataHost = endpoint::METADATA,
    }
}

mapping! {
    struct TkeOidcKeys as "tke_oidc" {
        /// The host of STS, which exchanges the pod's token for a temporary key. Default: the
        /// account's `sts_endpoint`.
        endpoint: Host,
    }
}

mapping! {
    struct AssumeRoleKeys as "assume_role" {
        /// The ARN of the role: `qcs::cam::uin/UIN:roleName/NAME`, `…:role/ID` or
        /// `…:role/tencentcloudServiceRoleName/NAME`.
        arn: RoleArn,
        /// The session's name in the audit log of the role's account.
        session_name: SessionName = defaults::SESSION_NAME,
        /// The external id that the role's trust policy requires.
        external_id: ExternalId,
        /// The lifetime of a temporary key.
        duration: RoleDuration = format_duration(defaults::ROLE_DURATION),
        /// The host of STS, which issues the temporary key. Default: the account's `sts_endpoint`.
        endpoint: Host,
    }
}

impl AssumeRoleKeys {
    /// Returns these keys, with the keys of `other` for absent keys.
    pub(in crate::config) fn or(self, other: Self) -> Self {
        Self {
            arn: self.arn.or(other.arn),
            session_name: self.session_name.or(other.session_name),
            external_id: self.external_id.or(other.external_id),
            duration: self.duration.or(other.duration),
            endpoint: self.endpoint.or(other.endpoint),
        }
    }
}
