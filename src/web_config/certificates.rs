//! Builds the listener's TLS configuration, with its own certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::client_auth::{self, ClientAuth};
use super::file::{MAX_BYTES, Tls};
use super::suites;
use crate::escape::visible_path;
use crate::files::{Presence, presence};
use crate::{files, pem};

/// The ALPN protocols. `h2` is offered if HTTP/2 is enabled.
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The TLS configuration of the listener.
#[derive(Clone)]
pub(super) struct Certificates {
    pub(super) config: Arc<ServerConfig>,
    /// When the certificate expires.
    pub(super) expires: Option<SystemTime>,
    /// Whether every client needs a certificate.
    pub(super) requires_clients: bool,
}

impl Tls {
    /// Returns whether any key of TLS is set.
    pub(super) fn is_enabled(&self) -> bool {
        let texts = [
            &self.cert,
            &self.cert_file,
            &self.key_file,
            &self.client_ca,
            &self.client_ca_file,
            &self.client_auth_type,
        ];
        texts.iter().any(|text| !text.is_empty()) || !self.key.expose_secret().is_empty()
    }
}

/// Returns the key and the path of each file that does not exist.
pub(super) fn absent_files(tls: &Tls, folder: &Path) -> Vec<String> {
    let files = [
        ("cert_file", &tls.cert_file),
        ("key_file", &tls.key_file),
        ("client_ca_file", &tls.client_ca_file),
    ];
    let files = files.into_iter().filter(|(_, file)| !file.is_empty());
    let files = files.map(|(key, file)| (key, folder.join(file)));
    let absent = files.filter(|(_, path)| matches!(presence(path), Ok(Presence::Absent)));
    absent
        .map(|(key, path)| format!("{key} {}", visible_path(&path)))
        .collect()
}

/// Reads the certificates and keys and builds the TLS configuration. Relative paths start at
/// `folder`.
pub(super) fn load(tls: &Tls, http2: bool, folder: &Path) -> Result<Certificates, String> {
    let cert = inline_or_file("cert", &tls.cert, &tls.cert_file, folder)?;
    let cert = cert.ok_or("tls_server_config: cert_file or cert is missing")?;
    let key = inline_or_file("key", tls.key.expose_secret(), &tls.key_file, folder)?;
    let key = key.ok_or("tls_server_config: key_file or key is missing")?;
    let authorities = inline_or_file("client_ca", &tls.client_ca, &tls.client_ca_file, folder)?;

    let chain = pem::certificates(cert.as_bytes()).map_err(|error| format!("cert: {error}"))?;
    let first = chain.first().ok_or("cert: it contains no certificate")?;
    let expires = expiry(first);
    // The error of the parser might quote the key.
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| "key: not a private key in PEM".to_owned())?;

    let versions = suites::versions(&tls.min_version, &tls.max_version)?;
    let provider = Arc::new(suites::provider(
        &tls.cipher_suites,
        &tls.curve_preferences,
    )?);
    let policy = ClientAuth::parse(&tls.client_auth_type)?;
    let sans = tls.client_allowed_sans.clone();
    let authorities = authorities.as_ref().map(|pem| pem.as_str());
    let clients = client_auth::verifier(policy, authorities, sans, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| {
            format!(
                "tls_server_config: {error}; add a TLS_ECDHE suite with GCM or CHACHA20 to cipher_suites, or allow TLS13 in max_version"
            )
        })?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("cert and key: {error}"))?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = if http2 {
        vec![HTTP2.to_vec(), HTTP1.to_vec()]
    } else {
        vec![HTTP1.to_vec()]
    };
    Ok(Certificates {
        config: Arc::new(config),
        expires,
        requires_clients: policy.requires(),
    })
}

/// Returns a PEM text that is inline or in a file of its own. The file wins, as in the
/// exporter-toolkit.
fn inline_or_file(
    key: &str,
    inline: &str,
    file: &str,
    folder: &Path,
) -> Result<Option<Zeroizing<String>>, String> {
    if file.is_empty() {
        return Ok((!inline.is_empty()).then(|| Zeroizing::new(inline.to_owned())));
    }
    let path = folder.join(file);
    let at = |error: &dyn std::fmt::Display| format!("{key}_file {}: {error}", visible_path(&path));
    let contents = files::read(&path, MAX_BYTES).map_err(|error| at(&error))?;
    let text = contents.text().map_err(|error| at(&error))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Returns when a certificate expires. `None` if it cannot be parsed.
fn expiry(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    UNIX_EPOCH.checked_add(since)
}
