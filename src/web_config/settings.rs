//! The validated content of the file.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;

use super::basic_auth::Users;
use super::certificates::{self, Certificates};
use super::file::{File, Tls};
use super::rate_limit::RateLimiter;

/// The headers that may be set, and their allowed values. An empty list allows any value.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// The most exempt paths.
const MAX_EXEMPT_PATHS: usize = 32;

/// The content of a valid file.
#[derive(Clone)]
pub(super) struct Settings {
    /// `None` if TLS is not configured.
    pub(super) certificates: Option<Certificates>,
    /// The headers to add to responses, unless the rate limit is exceeded or the file is unusable.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    pub(super) exempt_paths: Vec<String>,
    pub(super) rate: Option<RateLimiter>,
}

impl Settings {
    /// Parses and validates a file's text. Relative paths start at `folder`.
    pub(super) fn read(text: &str, folder: &Path) -> Result<Self, String> {
        Self::of(File::parse(text)?, folder)
    }

    /// Validates a file's text, as far as the files of TLS exist. Returns a warning for each absent
    /// one.
    pub(super) fn check(text: &str, folder: &Path) -> Result<Vec<String>, String> {
        let mut file = File::parse(text)?;
        let absent = certificates::absent_files(&file.tls_server_config, folder);
        if !absent.is_empty() {
            file.tls_server_config = Tls::default();
        }
        Self::of(file, folder)?;
        let warn = |file: &String| {
            format!("{file} does not exist; the exporter does not start without it")
        };
        Ok(absent.iter().map(warn).collect())
    }

    fn of(file: File, folder: &Path) -> Result<Self, String> {
        let http = &file.http_server_config;
        let tls = &file.tls_server_config;
        let certificates = if tls.is_enabled() {
            let http2 = http.http2.unwrap_or(true);
            Some(certificates::load(tls, http2, folder)?)
        } else {
            None
        };
        let headers = http.headers.iter();
        let headers = headers.map(|(name, value)| (name, value.as_deref().unwrap_or_default()));
        let headers = headers.map(|(name, value)| header(name, value));
        let mut headers = headers.collect::<Result<Vec<_>, _>>()?;
        headers.retain(|(_, value)| !value.is_empty());
        let exempt_paths = file.auth_exempt_paths;
        let is_path = |path: &String| path.starts_with('/');
        if exempt_paths.len() > MAX_EXEMPT_PATHS || !exempt_paths.iter().all(is_path) {
            return Err(format!(
                "auth_exempt_paths: up to {MAX_EXEMPT_PATHS} paths are allowed, each with a / at its beginning"
            ));
        }
        Ok(Self {
            certificates,
            headers,
            users: Users::new(hashes(file.basic_auth_users))?,
            exempt_paths,
            rate: RateLimiter::new(file.rate_limit.interval, file.rate_limit.burst),
        })
    }
}

/// Gives a user without a hash an empty hash, which is rejected as invalid.
fn hashes(users: BTreeMap<String, Option<SecretString>>) -> BTreeMap<String, SecretString> {
    let users = users.into_iter();
    users
        .map(|(name, hash)| (name, hash.unwrap_or_default()))
        .collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HEADERS.iter().find(|(known, _)| *known == name);
    let (_, allowed) = known.ok_or_else(|| {
        let names: Vec<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
        format!(
            "headers: {name:?} cannot be set; allowed are {}",
            names.join(", ")
        )
    })?;
    if !allowed.is_empty() && !allowed.contains(&value) {
        return Err(format!("headers: {name} may be {}", allowed.join(" or ")));
    }
    let name = HeaderName::from_bytes(name.as_bytes()).expect("it is one of five");
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("headers: {name} has a character that a header value cannot have"))?;
    Ok((name, value))
}
