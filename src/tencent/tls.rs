//! TLS to the cloud. All connections share one configuration, because the system's authorities take
//! milliseconds to load and half a megabyte of memory.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

/// The only protocol that is offered.
const ALPN: &[u8] = b"http/1.1";

/// Returns a configuration that trusts the system's authorities and these.
pub(super) fn trust_system_and(
    authorities: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, String> {
    let provider = provider();
    let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider));
    let verifier = verifier.map_err(|error| error.to_string())?;
    let builder = builder(provider)?.dangerous();
    let builder = builder.with_custom_certificate_verifier(Arc::new(verifier));
    Ok(with_alpn(builder.with_no_client_auth()))
}

/// Returns a configuration that trusts no authority.
pub(super) fn trust_none() -> Result<ClientConfig, String> {
    let builder = builder(provider())?.with_root_certificates(RootCertStore::empty());
    Ok(with_alpn(builder.with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    builder.map_err(|error| error.to_string())
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![ALPN.to_vec()];
    config
}
