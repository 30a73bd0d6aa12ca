//! Where a key for the API comes from, and the role to assume with it.

use std::time::Duration;

use serde::Serialize;

use super::endpoint::Endpoint;
use super::named_file::NamedFile;
use super::secret::Secret;

/// Where an account's credentials come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Credentials {
    /// From the configuration itself.
    Inline {
        /// The key's public half, as it is sent.
        secret_id: String,
        /// The key that signs.
        secret_key: Secret,
        /// The token of temporary credentials.
        token: Option<Secret>,
    },
    /// From these environment variables.
    Env {
        /// The name of the variable with the secret id.
        secret_id: String,
        /// The name of the variable with the secret key.
        secret_key: String,
        /// The name of the variable with the token of temporary credentials.
        token: Option<String>,
    },
    /// From files that hold one value each.
    Files {
        /// The file with the secret id.
        secret_id: NamedFile,
        /// The file with the secret key.
        secret_key: NamedFile,
        /// The file with the token of temporary credentials.
        token: Option<NamedFile>,
    },
    /// From a section of a file that the official tools share.
    Profile {
        /// The section.
        name: String,
        /// The file, `None` for the file that the SDKs read.
        file: Option<NamedFile>,
    },
    /// From the metadata service of the virtual machine that the exporter runs on.
    CvmRole {
        /// The role of the machine, `None` for the role that the service returns.
        name: Option<String>,
        /// The metadata service.
        endpoint: Endpoint,
    },
    /// From the identity of the pod that the exporter runs in.
    TkeOidc {
        /// The STS that exchanges the pod's token.
        endpoint: Endpoint,
    },
    /// From the default chain.
    Default,
}

impl Credentials {
    /// Returns the kind, as in the output of `check` and the label `provider`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Inline { .. } => "inline",
            Self::Env { .. } => "env",
            Self::Files { .. } => "files",
            Self::Profile { .. } => "profile",
            Self::CvmRole { .. } => "cvm_role",
            Self::TkeOidc { .. } => "tke_oidc",
            Self::Default => "default",
        }
    }
}

/// A role to assume with an account's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AssumeRole {
    /// `qcs::cam::uin/100000000001:roleName/audit-reader`.
    pub arn: String,
    /// The name of the session in the other account's audit log.
    pub session_name: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<Secret>,
    /// The lifetime of the temporary key.
    pub duration: Duration,
    /// The STS that assumes the role.
    pub endpoint: Endpoint,
}

impl AssumeRole {
    /// Returns the UIN in the ARN: the account of the role.
    pub fn uin(&self) -> Option<&str> {
        let (uin, _) = self.arn.strip_prefix("qcs::cam::uin/")?.split_once(':')?;
        Some(uin)
    }
}
