//! TLS versions, cipher suites and curves by their names in Go.
//!
//! rustls does not support TLS 1.0, TLS 1.1, CBC suites and `CurveP521`. Their names are accepted, but
//! not offered.
//! Suites that Go calls insecure are not accepted.

use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// The versions of TLS in ascending order. `None` if rustls does not support the version.
const VERSIONS: [(&str, Option<&SupportedProtocolVersion>); 4] = [
    ("TLS10", None),
    ("TLS11", None),
    ("TLS12", Some(&rustls::version::TLS12)),
    ("TLS13", Some(&rustls::version::TLS13)),
];

/// The suites that the file may name. The last three belong to TLS 1.3, and Go always offers them.
const SUITES: [(&str, Option<SupportedCipherSuite>); 13] = [
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
    (
        "TLS_AES_128_GCM_SHA256",
        Some(cipher_suite::TLS13_AES_128_GCM_SHA256),
    ),
    (
        "TLS_AES_256_GCM_SHA384",
        Some(cipher_suite::TLS13_AES_256_GCM_SHA384),
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        Some(cipher_suite::TLS13_CHACHA20_POLY1305_SHA256),
    ),
];

/// The curves, or key exchange groups.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 5] = [
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
    ("X25519MLKEM768", Some(kx_group::X25519MLKEM768)),
];

/// Returns the versions from `least` to `most`. An empty text stands for the default.
pub(super) fn versions(
    least: &str,
    most: &str,
) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let index = |key: &str, name: &str, default: usize| match name {
        "" => Ok(default),
        name => VERSIONS
            .iter()
            .position(|(known, _)| *known == name)
            .ok_or_else(|| {
                format!("{key}: no such version of TLS; allowed are TLS10, TLS11, TLS12 and TLS13")
            }),
    };
    let least = index("min_version", least, 2)?;
    let most = index("max_version", most, 3)?;
    let between = VERSIONS.get(least..=most).unwrap_or_default();
    let versions: Vec<_> = between.iter().filter_map(|(_, version)| *version).collect();
    if versions.is_empty() {
        return Err(
            "min_version and max_version leave no version of TLS; supported are TLS12 and TLS13"
                .to_owned(),
        );
    }
    Ok(versions)
}

/// Returns a provider with these suites and curves. An empty list stands for the default.
pub(super) fn provider(suites: &[String], curves: &[String]) -> Result<CryptoProvider, String> {
    let mut provider = aws_lc_rs::default_provider();
    if !suites.is_empty() {
        let named = by_name("cipher_suites", suites, &SUITES)?;
        let is_13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        // As in Go, all suites of TLS 1.3 are always offered.
        provider.cipher_suites.retain(is_13);
        provider
            .cipher_suites
            .extend(named.into_iter().filter(|suite| !is_13(suite)));
    }
    if !curves.is_empty() {
        let named = by_name("curve_preferences", curves, &CURVES)?;
        if named.is_empty() {
            return Err("curve_preferences: none of these is supported; supported are CurveP256, CurveP384, X25519 and X25519MLKEM768".to_owned());
        }
        provider.kx_groups = named;
    }
    Ok(provider)
}

fn by_name<T: Copy>(
    key: &str,
    names: &[String],
    known: &[(&str, Option<T>)],
) -> Result<Vec<T>, String> {
    let mut found = Vec::new();
    for name in names {
        let entry = known.iter().find(|(known, _)| known == name);
        let (_, value) = entry.ok_or_else(|| {
            format!("{key}: {name:?} is unknown, or Go lists it as insecure; remove it")
        })?;
        found.extend(*value);
    }
    Ok(found)
}
