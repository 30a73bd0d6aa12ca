//! A credential of the API.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};

/// A secret id, its key, and the token of a temporary key.
pub struct Credential {
    secret_id: String,
    secret_key: SecretString,
    token: Option<SecretString>,
}

impl Credential {
    /// Creates a credential.
    ///
    /// # Errors
    ///
    /// The invalid part. It is sent in a header, so it must be printable ASCII without whitespace,
    /// and the id must not contain `/` or `,`. The message does not show it.
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

    /// Returns whether both have the same id, key and token.
    pub fn same_as(&self, other: &Self) -> bool {
        self.secret_id == other.secret_id && self.has_same_key(other) && self.has_same_token(other)
    }

    /// Returns whether both have the same key.
    pub fn has_same_key(&self, other: &Self) -> bool {
        self.secret_key.expose_secret() == other.secret_key.expose_secret()
    }

    /// Returns whether both have the same token, or none.
    pub fn has_same_token(&self, other: &Self) -> bool {
        let token = self.token.as_ref().map(ExposeSecret::expose_secret);
        let others = other.token.as_ref().map(ExposeSecret::expose_secret);
        token == others
    }
}

/// A temporary credential.
#[derive(Debug)]
pub struct Temporary {
    /// The credential.
    pub credential: Credential,
    /// When it expires, by the clock of the issuer.
    pub expires: SystemTime,
    /// The remaining lifetime. The local clock may be wrong by more than that.
    pub lifetime: Duration,
}

impl Temporary {
    /// Creates a credential that expires at `expired_time`, in Unix seconds, and lives at most
    /// `longest` from `now` on.
    pub fn new(
        credential: Credential,
        expired_time: u64,
        now: SystemTime,
        longest: Duration,
    ) -> Self {
        let expires = UNIX_EPOCH
            .checked_add(Duration::from_secs(expired_time))
            // If the time is out of range, the longest lifetime applies.
            .unwrap_or(now + longest);
        // A key that expires before it arrives shows that the clocks differ.
        let left = expires.duration_since(now).unwrap_or(longest);
        Self {
            credential,
            expires,
            lifetime: left.min(longest),
        }
    }
}

/// The reasons why [`Credential::new`] rejects a part, for messages.
pub(super) const INVALID_REASONS: &str =
    "it is in quotes, or contains whitespace, a control character or a non-ASCII character";

fn is_printable(text: &str) -> bool {
    let is_quoted = text.starts_with(QUOTES) || text.ends_with(QUOTES);
    !text.is_empty() && !is_quoted && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Some tools keep the quotes around a value, which a shell would remove. No key contains quotes.
const QUOTES: [char; 2] = ['"', '\''];

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id is confidential too.
        f.write_str("Credential(…)")
    }
}
