//! The log lines about keys that are read from files.

use std::sync::{Mutex, PoisonError};

use tracing::info;

use super::{Credential, Provider};

/// Logs each key that a provider reads from its files: which file, and whose key it is. Never the
/// key itself, not even its id.
#[derive(Default)]
pub(super) struct KeyLog {
    /// The id of the key that was logged last.
    last: Mutex<Option<String>>,
}

impl KeyLog {
    /// Logs a key of `provider` unless it is the one that was logged last. `uin` is the account that
    /// the key belongs to, if known.
    pub(super) fn note(&self, provider: &dyn Provider, credential: &Credential, uin: Option<&str>) {
        let Some(file) = provider.location() else {
            return;
        };
        // It is replaced as a whole, and so is whole.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let id = credential.secret_id();
        if last.as_deref() == Some(id) {
            return;
        }
        let before = last.replace(id.to_owned());
        drop(last);
        let provider = provider.name();
        if before.is_some() {
            info!(provider, file, uin, "the key has changed");
        } else {
            info!(provider, file, uin, "the key is loaded");
        }
    }
}
