//! One generation of a key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// An id, its key, and the token of a temporary one, which belong together.
pub struct Credential {
    secret_id: String,
    secret_key: SecretString,
    token: Option<SecretString>,
}

impl Credential {
    /// A key as it is sent and signed with.
    ///
    /// # Errors
    ///
    /// Which part cannot be one: it goes into a header, so it has to be printable ASCII without
    /// blanks, and `/` and `,` end an id there. The message does not show it.
    pub fn new(
        secret_id: String,
        secret_key: SecretString,
        token: Option<SecretString>,
    ) -> Result<Self, &'static str> {
        if !is_printable(&secret_id) || secret_id.contains(['/', ',']) {
            return Err("secret id");
        }
        if !is_printable(secret_key.expose_secret()) {
            return Err("secret key");
        }
        if token
            .as_ref()
            .is_some_and(|token| !is_printable(token.expose_secret()))
        {
            return Err("token");
        }
        Ok(Self {
            secret_id,
            secret_key,
            token,
        })
    }

    /// `SecretId`.
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// `SecretKey`.
    pub fn secret_key(&self) -> &SecretString {
        &self.secret_key
    }

    /// `X-TC-Token`, of temporary credentials.
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even the id: it is half of what a thief needs.
        f.write_str("Credential(…)")
    }
}
