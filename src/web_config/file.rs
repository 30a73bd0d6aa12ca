//! The keys of the file.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// The longest file, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The file. As in Go's YAML, a key without a value has its default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    #[serde(deserialize_with = "or_default")]
    pub(super) tls_server_config: Tls,
    #[serde(deserialize_with = "or_default")]
    pub(super) http_server_config: Http,
    #[serde(deserialize_with = "or_default")]
    pub(super) basic_auth_users: BTreeMap<String, Option<SecretString>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) rate_limit: RateLimit,
    /// The paths that need no password. The exporter-toolkit does not have this key.
    #[serde(deserialize_with = "or_default")]
    pub(super) auth_exempt_paths: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    #[serde(deserialize_with = "or_default")]
    pub(super) cert: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) key: SecretString,
    #[serde(deserialize_with = "or_default")]
    pub(super) client_ca: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) cert_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) key_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) client_auth_type: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) client_ca_file: String,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) min_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) max_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) cipher_suites: Vec<String>,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(super) curve_preferences: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Http {
    pub(super) http2: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub(super) headers: BTreeMap<String, Option<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimit {
    #[serde(with = "duration_text")]
    pub(super) interval: std::time::Duration,
    #[serde(deserialize_with = "or_default")]
    pub(super) burst: i64,
}

/// Deserializes a value, or the default for a null.
fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl File {
    /// Parses the file. The error quotes only an unknown key, because a wrong value may be a
    /// password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let file: Result<Option<Self>, _> = serde_saphyr::from_str(text);
        let file = file.map_err(|error| without_excerpt(&error))?;
        Ok(file.unwrap_or_default())
    }
}

/// Returns the position of an error without the lines around it, which may hold secrets.
fn without_excerpt(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let position = error
        .location()
        .map(|at| format!("line {} column {}: ", at.line(), at.column()));
    let unknown = first.find("unknown field").map(|at| first[at..].to_owned());
    format!(
        "{}{}",
        position.unwrap_or_default(),
        unknown
            .unwrap_or_else(|| "a value has the wrong type, or this is not valid YAML".to_owned())
    )
}

/// `1s`, `500ms`, and 0.
mod duration_text {
    use std::time::Duration;

    use serde::{Deserializer, de::Error};

    use crate::duration::parse_duration;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text: String = super::or_default(from)?;
        if text.is_empty() || text == "0" {
            return Ok(Duration::ZERO);
        }
        parse_duration(&text).ok_or_else(|| D::Error::custom("not a duration"))
    }
}

/// Shows no content, because the file holds a key and hashes.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("File(…)")
    }
}
