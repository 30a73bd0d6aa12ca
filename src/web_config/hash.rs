//! The bcrypt hash of a password.

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString};

/// The costs that bcrypt allows.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// The usual cost.
pub(super) const USUAL_COST: u32 = 10;

/// The lengths of the salt and of the hash after it, in characters.
const SALT: usize = 22;
const HASH: usize = 31;

/// A valid salt and hash of no known password.
const DUMMY_HASH: &str = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// The last character of a salt has four unused bits, which some programs set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A bcrypt hash that a password can match.
#[derive(Clone)]
pub(super) struct Hash {
    cost: u32,
    /// In the spelling `$2b$cost$salt-and-hash`.
    text: SecretString,
}

impl Hash {
    /// Parses a hash like the bcrypt package of Go, which other exporters use: all versions up to 2
    /// are treated alike, and text after the hash is ignored.
    ///
    /// # Errors
    ///
    /// If the hash is invalid or no password can match it. The message does not quote the hash.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bytes = text.as_bytes();
        match bytes {
            [] => return Err("the hash is empty".to_owned()),
            [b'$', b'\0'..=b'2', ..] => {}
            _ => return Err("not a bcrypt hash; it starts with $2a$, $2b$ or $2y$".to_owned()),
        }
        let at = if bytes.get(2) == Some(&b'$') { 3 } else { 4 };
        let cost = text.get(at..at + 2).and_then(|cost| cost.parse().ok());
        let cost: u32 = cost.ok_or("the cost is not a number of two digits")?;
        if !COSTS.contains(&cost) {
            let (least, most) = (COSTS.start(), COSTS.end());
            return Err(format!(
                "bcrypt has no cost {cost}; allowed are {least} to {most}"
            ));
        }
        let at = at + 3;
        let whole = (
            text.get(at..at + SALT),
            text.get(at + SALT..at + SALT + HASH),
        );
        let (Some(salt), Some(hash)) = whole else {
            return Err("the hash is cut off; a bcrypt hash has 60 characters".to_owned());
        };
        let salt = BASE64.decode(salt).ok();
        let salt = salt.ok_or("the salt has characters that bcrypt does not use")?;
        let same = BASE64.decode(hash).map(|bytes| BASE64.encode(bytes));
        if same.as_deref() != Ok(hash) {
            return Err("the hash has characters that bcrypt does not write there".to_owned());
        }
        let salt = BASE64.encode(salt);
        Ok(Self {
            cost,
            text: format!("$2b${cost:02}${salt}{hash}").into(),
        })
    }

    /// Returns the hash that an unknown user's password is compared with.
    pub(super) fn dummy(cost: u32) -> Self {
        Self {
            cost,
            text: format!("$2b${cost:02}${DUMMY_HASH}").into(),
        }
    }

    /// Returns the cost. Each step doubles the time of a check.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// Returns the text of the hash.
    pub(super) fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Returns whether the password matches. Blocks the thread for tens of milliseconds up to hours,
    /// depending on the cost.
    pub(super) fn matches(&self, password: &str) -> bool {
        bcrypt::verify(password.as_bytes(), self.expose()).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_hash_lets_the_password_in() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let rest = &hash[7..];
        // The four bits beyond the salt, set.
        let last = char::from(rest.as_bytes()[SALT - 1]);
        let odd = match last {
            '.' => '/',
            'O' => 'P',
            'e' => 'f',
            _ => 'v',
        };
        let odd = format!("{}{odd}{}", &rest[..SALT - 1], &rest[SALT..]);
        for spelling in [
            format!("$2a$04${rest}"),
            format!("$2x$04${rest}"),
            format!("$2y$04${rest}"),
            format!("$2$04${rest}"),
            format!("$1a$+4${rest}"),
            format!("$2b$04${rest} \n"),
            format!("$2b$04${odd}"),
        ] {
            let hash = Hash::parse(&spelling).unwrap();
            assert!(hash.matches("secret"), "{spelling:?}");
            assert!(!hash.matches("Secret"), "{spelling:?}");
        }
    }

    #[test]
    fn an_error_does_not_quote_the_hash() {
        for cost in ["03", "32", "99"] {
            let error = Hash::parse(&format!("$2b${cost}${DUMMY_HASH}"))
                .err()
                .unwrap();
            assert!(error.ends_with("allowed are 4 to 31"), "{error}");
            assert!(!error.contains("N9qo8"), "{error}");
        }
        assert!(Hash::parse("$2b$10$Nä").is_err());
        assert!(Hash::parse("$2bä10$").is_err());
    }

    #[test]
    fn the_dummy_is_a_hash() {
        assert!(Hash::parse(Hash::dummy(12).expose()).is_ok());
    }
}
