//! What the file says, checked.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;

use super::basic_auth::Users;
use super::certificates::{self, Certificates};
use super::file::File;
use super::rate_limit::RateLimiter;

/// The headers that may be set, and the values that they may have; none: any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-ClientAuth", &[]),
];

/// No more paths are exempt.
const MAX_EXEMPT_PATHS: usize = 32;

/// A file that can be taken up.
#[derive(Clone)]
pub(super) struct Settings {
    /// None where the file says nothing of TLS.
    pub(super) certificates: Option<Certificates>,
    /// What every response to those who are let in, or asked for a password, has besides its own.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    pub(super) exempt_paths: Vec<String>,
    pub(super) rate: Option<RateLimiter>,
}

impl Settings {
    /// Reads a file's text; what it names lies beside it in `folder`.
    pub(super) fn read(text: &str, folder: &Path) -> Result<Self, String> {
        let file = File::parse(text)?;
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

/// A user without a hash gets an empty hash, which is refused as invalid.
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
        .map_err(|_| format!("headers: {name} has a value that no header can have"))?;
    Ok((name, value))
}
