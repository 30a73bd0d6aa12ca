//! Versions, cipher suites and curves by the names that Go has for them.
//!
//! rustls has no TLS 1.0 and 1.1 and no CBC: such names are known and not offered. What Go calls
//! insecure is no name here either.

use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// The versions of TLS, by name and in their order; those that rustls has.
const VERSIONS: [(&str, Option<&SupportedProtocolVersion>); 4] = [
    ("TLS10", None),
    ("TLS11", None),
    ("TLS12", Some(&rustls::version::TLS12)),
    ("TLS13", Some(&rustls::version::TLS13)),
];

/// Suites that the file can name, all of them for TLS 1.2 but the last three, which Go always
/// offers.
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

/// Curves, or groups, as Go names them.
const CURVES: [(&str, Option<&dyn SupportedKxGroup>); 5] = [
    ("CurveP256", Some(kx_group::SECP256R1)),
    ("CurveP384", Some(kx_group::SECP384R1)),
    ("CurveP521", None),
    ("X25519", Some(kx_group::X25519)),
    ("X25519MLKEM768", Some(kx_group::X25519MLKEM768)),
];

/// The versions from `least` to `most`, as the file names them; empty texts are the defaults.
pub(super) fn versions(
    least: &str,
    most: &str,
) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let index = |key: &str, name: &str, default: usize| {
        match name {
        "" => Ok(default),
        name => VERSIONS.iter().position(|(known, _)| *known == name).ok_or_else(|| {
            format!("{key}: no version of TLS is called so; allowed are TLS10, TLS11, TLS12 and TLS13")
        }),
    }
    };
    let least = index("min_version", least, 2)?;
    let most = index("max_version", most, 3)?;
    let between = VERSIONS.get(least..=most).unwrap_or_default();
    let versions: Vec<_> = between.iter().filter_map(|(_, version)| *version).collect();
    if versions.is_empty() {
        return Err("no version of TLS is left: this exporter has TLS 1.2 and 1.3 only".to_owned());
    }
    Ok(versions)
}

/// The cryptography of a file that names these suites and curves; empty lists are the defaults.
pub(super) fn provider(suites: &[String], curves: &[String]) -> Result<CryptoProvider, String> {
    let mut provider = aws_lc_rs::default_provider();
    if !suites.is_empty() {
        let named = by_name("cipher_suites", suites, &SUITES)?;
        let is_13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        // Suites of TLS 1.3 cannot be chosen: all of them are always offered.
        provider.cipher_suites.retain(is_13);
        provider
            .cipher_suites
            .extend(named.into_iter().filter(|suite| !is_13(suite)));
    }
    if !curves.is_empty() {
        let named = by_name("curve_preferences", curves, &CURVES)?;
        if named.is_empty() {
            return Err("curve_preferences: none of these is offered here".to_owned());
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
        let (_, value) = entry.ok_or_else(|| format!("{key}: {name:?} is none that Go knows"))?;
        found.extend(*value);
    }
    Ok(found)
}
