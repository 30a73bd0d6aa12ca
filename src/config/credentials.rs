//! Who asks: where a key comes from, and the role that may be assumed with it.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::named_file::NamedFile;
use super::secret::Secret;

/// Where an account's credentials come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// From the configuration itself.
    Inline {
        /// The key's public half, as it is sent.
        secret_id: String,
        /// The key that signs.
        secret_key: Secret,
        /// Of temporary credentials.
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
        /// The file; none: where the SDKs look.
        file: Option<NamedFile>,
    },
    /// From the metadata service of the virtual machine that this runs on.
    CvmRole {
        /// The role that is bound to it; none: the service says which.
        name: Option<String>,
        /// The metadata service.
        endpoint: Endpoint,
    },
    /// From the identity of the pod that this runs in.
    TkeOidc {
        /// The STS that takes the pod's token.
        endpoint: Endpoint,
    },
    /// From where the official SDKs look.
    Default,
}

impl Credentials {
    /// The kind, as `check` and the label `provider` name it.
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

/// A role that is assumed with an account's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// `qcs::cam::uin/100000000001:roleName/audit-reader`.
    pub arn: String,
    /// What the other account's audit log calls the session.
    pub session_name: String,
    /// What the role's trust policy may ask for.
    pub external_id: Option<Secret>,
    /// How long the temporary key is good for.
    pub duration: Duration,
    /// The STS that is asked.
    pub endpoint: Endpoint,
}

impl AssumeRole {
    /// The UIN in the ARN: the account that the role is of.
    pub fn uin(&self) -> Option<&str> {
        let (uin, _) = self.arn.strip_prefix("qcs::cam::uin/")?.split_once(':')?;
        Some(uin)
    }
}
