//! One generation of a key.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

    /// Whether the other is the same: id, key and token.
    pub fn same_as(&self, other: &Self) -> bool {
        self.secret_id == other.secret_id
            && self.has_the_key_of(other)
            && self.has_the_token_of(other)
    }

    /// Whether the other has the same key, whatever its id.
    pub fn has_the_key_of(&self, other: &Self) -> bool {
        self.secret_key.expose_secret() == other.secret_key.expose_secret()
    }

    /// Whether the other has the same token, or neither has one.
    pub fn has_the_token_of(&self, other: &Self) -> bool {
        let token = self.token.as_ref().map(ExposeSecret::expose_secret);
        let others = other.token.as_ref().map(ExposeSecret::expose_secret);
        token == others
    }
}

/// A credential that ends.
#[derive(Debug)]
pub struct Temporary {
    /// The key and its token.
    pub credential: Credential,
    /// When it ends by the clock of the one who gave it.
    pub expires: SystemTime,
    /// How long it lives from now on. Our clock may be wrong by more than that.
    pub lifetime: Duration,
}

impl Temporary {
    /// One that ends at `expired_time`, in Unix seconds, and was given `now` to last `longest`.
    pub fn new(
        credential: Credential,
        expired_time: u64,
        now: SystemTime,
        longest: Duration,
    ) -> Self {
        let expires = UNIX_EPOCH
            .checked_add(Duration::from_secs(expired_time))
            // A time beyond the range of the clock is no end, so the longest lifetime counts.
            .unwrap_or(now + longest);
        // What has ended before it came is a matter of clocks.
        let left = expires.duration_since(now).unwrap_or(longest);
        Self {
            credential,
            expires,
            lifetime: left.min(longest),
        }
    }
}

/// What [`Credential::new`] refuses, for messages.
pub(super) const REFUSED: &str =
    "it is in quotes, or has a blank, a control character or one beyond ASCII in it";

fn is_printable(text: &str) -> bool {
    let is_quoted = text.starts_with(QUOTES) || text.ends_with(QUOTES);
    !text.is_empty() && !is_quoted && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Some tools keep the quotes around a value that a shell would remove. No key has them.
const QUOTES: [char; 2] = ['"', '\''];

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even the id: it is half of what a thief needs.
        f.write_str("Credential(…)")
    }
}
