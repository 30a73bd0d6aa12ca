//! The configuration as values that need no further check.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::organization::Organization;
use crate::proxy::Proxy;
use crate::shard::Shard;

/// The configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// How requests reach the cloud.
    pub http: Http,
    /// The state file, `None` to persist nothing.
    pub state_file: Option<PathBuf>,
    /// The most records of the change feed.
    pub keep_changes: usize,
    /// The accounts of the configuration, by name. A fleet may have thousands, and shares them.
    pub accounts: Vec<Arc<Account>>,
    /// The organizations, by name.
    pub organizations: Vec<Organization>,
    /// The part of the accounts that this process polls. It is not part of the file, because each
    /// process has another one; it covers everything unless the caller sets it.
    pub shard: Shard,
    /// What works but should be changed. Never contains a secret.
    pub warnings: Vec<String>,
}

impl Config {
    /// Returns a number that depends on the meaning of the configuration, and not on its layout. It
    /// depends on the folder of the file only through the path of `http.ca_file`.
    ///
    /// It is a hash of the accounts, the organizations, the HTTP settings and the size of the change
    /// feed. A secret serializes as `true`, so the number allows no guesses at its text, and does not
    /// change if only the text changes. A new inline `secret_id` changes it. The state file and the
    /// shard do not count, because they differ between processes with the same configuration.
    pub fn hash(&self) -> u64 {
        let mut accounts: Vec<&Account> = self.accounts.iter().map(AsRef::as_ref).collect();
        accounts.sort_by_key(|account| &account.name);
        let mut organizations: Vec<&Organization> = self.organizations.iter().collect();
        organizations.sort_by_key(|organization| &organization.name);
        let all = json!({
            "changes": self.keep_changes,
            "http": self.http,
            "accounts": accounts,
            "organizations": organizations,
        });
        let digest = Sha256::digest(all.to_string());
        // A Prometheus sample, a double, holds 53 bits exactly; these are the whole bytes of that.
        let first = digest[..6].iter();
        first.fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// Returns the accounts of the configuration that this shard polls.
    pub fn own_accounts(&self) -> impl Iterator<Item = &Account> {
        let accounts = self.accounts.iter().map(AsRef::as_ref);
        accounts.filter(|account| self.shard.owns(&account.shard_key()))
    }
}

/// How requests reach the cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Http {
    /// PEM certificates to trust in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// The proxy of the file or of the environment.
    pub proxy: Option<Proxy>,
}
