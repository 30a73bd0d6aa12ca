//! One generation of a key.

use std::fmt;

use secrecy::SecretString;

/// An id, its key, and the token of a temporary one, which belong together.
pub struct Credential {
    /// `SecretId`.
    pub secret_id: String,
    /// `SecretKey`.
    pub secret_key: SecretString,
    /// `X-TC-Token`, of temporary credentials.
    pub token: Option<SecretString>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even the id: it is half of what a thief needs.
        f.write_str("Credential(…)")
    }
}
