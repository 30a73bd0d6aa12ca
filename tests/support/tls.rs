//! A TLS client that trusts one authority of the tests.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pki::Authority;

/// Trusts the authority and offers these protocols by ALPN.
pub fn connector(authority: &Authority, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let pem = CertificateDer::from_pem_slice(authority.pem.as_bytes());
    roots.add(pem.unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Connects to a loopback address that the certificate names.
pub async fn connect(address: SocketAddr, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    connector
        .connect(address.ip().into(), stream)
        .await
        .unwrap()
}
