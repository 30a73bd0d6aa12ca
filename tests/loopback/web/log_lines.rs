//! How many log lines clients can cause.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::exporter::{Exporter, folder_with};
use crate::support::http2::{ACK, CANCEL, PING, PREFACE, RST_STREAM, SETTINGS, frame, get};
use crate::support::pki::Authority;
use crate::support::tls;

const CONNECTIONS: usize = 20;

/// A GET of `/` that the client cancels at once.
fn request_and_reset(stream: u32) -> Vec<u8> {
    let reset = frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    [get(stream, "/"), reset].concat()
}

#[tokio::test]
async fn unauthenticated_connections_cause_few_log_lines() {
    let authority = Authority::new("ours");
    let folder = folder_with(&[]);
    authority.server(2040).write(folder.path(), "server");
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web = format!(
        "tls_server_config: {{cert_file: server.crt, key_file: server.key}}\nbasic_auth_users: {{me: '{hash}'}}\n"
    );
    let exporter = Exporter::open(folder, &web);
    let before = exporter.log().lines().count();
    let connector = tls::connector(&authority, &["h2"]);
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    // Each acknowledges a PING that was never sent (section 6.7).
    bytes.extend(frame(PING, ACK, 0, &[1, 2, 3, 4, 5, 6, 7, 8]).repeat(10));
    bytes.extend((0..60).flat_map(|it| request_and_reset(2 * it + 1)));
    for _ in 0..CONNECTIONS {
        let mut stream = tls::connect(exporter.address, &connector).await;
        drop(stream.write_all(&bytes).await);
        drop(stream.flush().await);
        drop(stream.read(&mut [0; 1024]).await);
        // Neither TLS nor HTTP.
        let mut stream = TcpStream::connect(exporter.address).await.unwrap();
        drop(stream.write_all(b"\x16\x03junk").await);
    }
    let log = exporter.log();
    let new: Vec<&str> = log.lines().skip(before).collect();
    let warnings = new
        .iter()
        .filter(|line| line.contains("warn") || line.contains("error"));
    let warnings = warnings.count();
    assert!((1..=5).contains(&warnings), "{warnings} lines: {log}");
}
