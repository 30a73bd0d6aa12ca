//! What assigns an account to a shard.

use super::account::Account;
use super::credentials::Credentials;

impl Account {
    /// Returns what decides the shard of the account: the identity that polls it.
    ///
    /// The cloud counts requests by identity, so all accounts of an identity belong to one shard,
    /// which can then keep the rate limit alone. Every process must compute the same key, even a
    /// process without the secret. So an identity is the role to assume, or else the secret id of
    /// the configuration, or else the source of the key. A key with two sources is two identities.
    pub fn shard_key(&self) -> String {
        if let Some(role) = &self.assume_role {
            return role.arn.clone();
        }
        let source = match &self.credentials {
            Credentials::Inline { secret_id, .. } | Credentials::Env { secret_id, .. } => secret_id,
            Credentials::Files { secret_id, .. } => &secret_id.name,
            Credentials::Profile { name, file: None } => name,
            Credentials::Profile {
                name,
                file: Some(file),
            } => &format!("{name} of {}", file.name),
            // A machine and a pod have one role each, and the chain ends at one key.
            Credentials::CvmRole { .. } | Credentials::TkeOidc { .. } | Credentials::Default => "",
        };
        format!("{}: {source}", self.credentials.kind())
    }
}
