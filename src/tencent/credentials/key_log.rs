//! The log lines about keys from files.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::info;

use super::{Credential, Provider};

/// Logs each key that a provider reads from files: the file, and the account of the key. It never
/// logs the key or its id.
#[derive(Default)]
pub(super) struct KeyLog {
    /// The id of the latest logged key.
    last: Mutex<Option<String>>,
}

impl KeyLog {
    /// Logs a key of `provider`, unless it is the latest logged key. `uin` is the account of the
    /// key, if known.
    pub(super) fn note(&self, provider: &dyn Provider, credential: &Credential, uin: Option<&str>) {
        let Some(file) = provider.location() else {
            return;
        };
        let mut last = self.last();
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

    /// Continues another log of the same keys.
    pub(super) fn resume(&self, other: &Self) {
        let last = other.last().clone();
        *self.last() = last;
    }

    /// It is replaced as a whole, so a poisoned lock is consistent.
    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
