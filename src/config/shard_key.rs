//! By what an account is given to a shard.

use super::credentials::Credentials;
use super::types::Account;

impl Account {
    /// What decides which shard the account belongs to: who asks for it.
    ///
    /// The cloud counts calls by identity, so the accounts of one identity stay together: its rate
    /// is then kept by one process and needs no division, which would leave one account behind a
    /// key most of the rate unused and several of them slow. An identity is known here by its
    /// source, since every process has to come to the same answer, also the one that has no secret
    /// at hand: the role that is assumed, the secret id where it is written down, else where the
    /// key comes from. One key that comes from two places is two identities here.
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
            // A machine has one role, a pod has one, and the chain ends at one key.
            Credentials::CvmRole { .. } | Credentials::TkeOidc { .. } | Credentials::Default => "",
        };
        format!("{}: {source}", self.credentials.kind())
    }
}
