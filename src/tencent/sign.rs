//! The signature method TC3-HMAC-SHA256, one pure function for each stage of its specification
//! (CloudAudit API 3.0, "Signature Method v3").

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The name of the method, in the string to sign and in the header.
const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// The end of every scope.
const TERMINATION: &str = "tc3_request";

/// The scope of a signature: one service on one UTC day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The UTC date of the sent timestamp, `YYYY-MM-DD`.
    pub date: String,
    /// The first label of the default host, such as `cloudaudit`.
    pub service: &'a str,
}

impl<'a> Scope<'a> {
    /// Returns the scope of a Unix time. The date is in UTC, whatever the time zone of the machine.
    ///
    /// # Panics
    ///
    /// If the time is after the year 9999.
    pub fn at(unix_seconds: i64, service: &'a str) -> Self {
        let time = Timestamp::from_second(unix_seconds).expect("a time of this era");
        Self {
            date: time.strftime("%Y-%m-%d").to_string(),
            service,
        }
    }
}

impl std::fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{TERMINATION}", self.date, self.service)
    }
}

/// Stage 1: the six parts of a canonical request. `headers` are the headers to sign, in order, with
/// lower-case names.
pub fn canonical_request(
    method: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let mut canonical = format!("{method}\n/\n{query}\n");
    for (name, value) in headers {
        canonical.push_str(name);
        canonical.push(':');
        canonical.push_str(&value.trim().to_lowercase());
        canonical.push('\n');
    }
    canonical.push('\n');
    canonical.push_str(&signed_headers(headers));
    canonical.push('\n');
    canonical.push_str(&sha256_hex(body));
    canonical
}

/// Returns the list of signed headers, for the canonical request and the header.
pub fn signed_headers(headers: &[(&str, &str)]) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

/// Stage 2: the string to sign.
pub fn string_to_sign(unix_seconds: i64, scope: &Scope<'_>, canonical_request: &str) -> String {
    let hash = sha256_hex(canonical_request.as_bytes());
    format!("{ALGORITHM}\n{unix_seconds}\n{scope}\n{hash}")
}

/// Stage 3, first key: bound to a date.
pub fn secret_date(secret_key: &SecretString, date: &str) -> [u8; 32] {
    // The prefix is part of the key, so both are in one buffer that wipes itself.
    let key = SecretString::from(format!("TC3{}", secret_key.expose_secret()));
    hmac_sha256(key.expose_secret().as_bytes(), date)
}

/// Stage 3, second key: bound to a service.
pub fn secret_service(secret_date: &[u8; 32], service: &str) -> [u8; 32] {
    hmac_sha256(secret_date, service)
}

/// Stage 3, third key: the signing key.
pub fn secret_signing(secret_service: &[u8; 32]) -> [u8; 32] {
    hmac_sha256(secret_service, TERMINATION)
}

/// Stage 3: the signature in lower-case hexadecimal.
pub fn signature(secret_signing: &[u8; 32], string_to_sign: &str) -> String {
    base16ct::lower::encode_string(&hmac_sha256(secret_signing, string_to_sign))
}

/// Stage 4: the value of the header `Authorization`.
pub fn authorization(
    secret_id: &str,
    scope: &Scope<'_>,
    signed_headers: &str,
    signature: &str,
) -> String {
    format!(
        "{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    )
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

fn hmac_sha256(key: &[u8], message: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of every length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().into()
}
