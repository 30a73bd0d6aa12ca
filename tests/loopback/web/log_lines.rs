//! What clients can write into the log.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::door::{Door, folder_with};
use crate::support::pki::Authority;

const CONNECTIONS: usize = 20;

/// The answer to a PING that was never sent (RFC 9113, section 6.7).
const PING_ACK: [u8; 17] = [0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

fn http2_client(authority: &Authority) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let pem = CertificateDer::from_pem_slice(authority.pem.as_bytes());
    roots.add(pem.unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A GET of `/` that is given up at once.
fn request_and_reset(stream: u8) -> Vec<u8> {
    let mut frames = vec![0, 0, 8, 1, 5, 0, 0, 0, stream];
    frames.extend([0x82, 0x87, 0x84, 0x01, 3, b'o', b'u', b'r']);
    frames.extend([0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 8]);
    frames
}

#[tokio::test]
async fn connections_without_a_password_cost_few_lines() {
    let authority = Authority::new("ours");
    let folder = folder_with(&[]);
    authority.server(2040).write(folder.path(), "server");
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web = format!(
        "tls_server_config: {{cert_file: server.crt, key_file: server.key}}\nbasic_auth_users: {{me: '{hash}'}}\n"
    );
    let door = Door::open(folder, &web);
    let before = door.log().lines().count();
    let connector = http2_client(&authority);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    bytes.extend(PING_ACK.repeat(10));
    bytes.extend((0..60).flat_map(|it| request_and_reset(2 * it + 1)));
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(door.address).await.unwrap();
        let name = door.address.ip().into();
        let mut stream = connector.connect(name, stream).await.unwrap();
        drop(stream.write_all(&bytes).await);
        drop(stream.flush().await);
        drop(stream.read(&mut [0; 1024]).await);
        // Neither TLS nor HTTP.
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        drop(stream.write_all(b"\x16\x03junk").await);
    }
    let log = door.log();
    let new: Vec<&str> = log.lines().skip(before).collect();
    let warnings = new
        .iter()
        .filter(|line| line.contains("warn") || line.contains("error"));
    let warnings = warnings.count();
    assert!((1..=5).contains(&warnings), "{warnings} lines: {log}");
}
