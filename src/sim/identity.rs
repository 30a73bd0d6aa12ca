//! The keys of users, and temporary keys.

use std::fmt;
use std::time::SystemTime;

use crate::sim::denials::Denials;

/// A secret id with its key, and a token if it is temporary.
#[derive(Clone)]
pub struct Identity {
    pub(super) secret_id: String,
    pub(super) secret_key: String,
    pub(super) temporary: Option<Temporary>,
    pub(super) denials: Denials,
}

/// The token and the expiry of a temporary key.
#[derive(Clone)]
pub(super) struct Temporary {
    pub(super) token: String,
    pub(super) expires: SystemTime,
}

impl Identity {
    /// Creates a permanent key of a user.
    pub fn permanent(secret_id: &str, secret_key: &str) -> Self {
        Self {
            secret_id: secret_id.to_owned(),
            secret_key: secret_key.to_owned(),
            temporary: None,
            denials: Denials::default(),
        }
    }

    /// Creates a temporary key with a token.
    pub fn temporary(secret_id: &str, secret_key: &str, token: &str, expires: SystemTime) -> Self {
        let temporary = Temporary {
            token: token.to_owned(),
            expires,
        };
        Self {
            temporary: Some(temporary),
            ..Self::permanent(secret_id, secret_key)
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("temporary", &self.temporary.is_some())
            .field("denials", &self.denials)
            .finish_non_exhaustive()
    }
}
