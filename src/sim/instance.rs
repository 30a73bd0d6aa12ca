//! The machine that the metadata service answers, and its role.

use std::time::SystemTime;

use crate::sim::keys::{Key, Keys};

/// A CVM instance with a role.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) uin: String,
    pub(super) role: String,
    pub(super) issued_key: Option<IssuedKey>,
}

/// The key that the metadata service returns until it is time for a new key.
#[derive(Clone)]
pub(super) struct IssuedKey {
    pub(super) secret_id: String,
    pub(super) until: SystemTime,
}

impl Instance {
    pub(super) fn new(uin: &str, role: &str) -> Self {
        Self {
            uin: uin.to_owned(),
            role: role.to_owned(),
            issued_key: None,
        }
    }

    /// Returns the current key, or `None` if it is time for a new key or the role was removed.
    pub(super) fn current_key(&self, keys: &Keys, now: SystemTime) -> Option<Key> {
        let issued = self.issued_key.as_ref().filter(|key| now < key.until)?;
        keys.get(&issued.secret_id).cloned()
    }
}
