//! Errors of the way to the server: handshakes and proxies.

use cloudaudit_exporter::proxy::Proxy;
use cloudaudit_exporter::tencent::{HttpOptions, HttpTransport, Network, TransportErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{SECRET, assert_no_secret, read_request, send};

/// A transport that reaches everything through this proxy, so that no proxy of the machine's own
/// environment comes in between.
fn through(proxy: &str) -> HttpTransport {
    let proxy = Some(format!("http://user:{SECRET}@{proxy}"));
    Network::default()
        .https(&HttpOptions {
            ca_file: Some("tests/support/ca.pem".into()),
            proxy: proxy.map(|url| Proxy::parse(&url).unwrap()),
        })
        .unwrap()
}

/// A proxy that opens the tunnel and then says this to whatever comes through.
async fn tunnel(opening: &'static str, inside: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = read_request(&mut stream).await.unwrap();
        assert!(asked.starts_with("CONNECT cloud.example:443 "), "{asked}");
        let asked = asked.to_lowercase();
        assert!(asked.contains("proxy-authorization: basic "), "{asked}");
        stream.write_all(opening.as_bytes()).await.unwrap();
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(inside).await;
        // Until the client goes away: an end of ours would be an error of its own.
        while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
    });
    authority
}

#[tokio::test]
async fn a_handshake_that_fails_is_told_from_a_connection_that_does() {
    let opened = "HTTP/1.1 200 OK\r\n\r\n";
    let garbage = b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP is spoken here";
    let proxy = tunnel(opened, garbage).await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert_no_secret(&error);

    // handshake_failure, as a server says it that shares no cipher with us.
    let alert = &[0x15, 3, 3, 0, 2, 2, 40];
    let proxy = tunnel(opened, alert).await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert_no_secret(&error);
}

/// Without a proxy the error comes wrapped once more.
#[tokio::test]
async fn a_handshake_that_fails_on_a_straight_way_is_one_too() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0x15, 3, 3, 0, 2, 2, 40],
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(answer).await;
            while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
        });
        let transport = HttpTransport::plain().unwrap();
        let error = send(&transport, "https", &authority).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
        assert_no_secret(&error);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses() {
    let refused = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = tunnel(refused, b"").await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    assert!(error.message.contains("proxy"), "{error}");
    assert_no_secret(&error);
}
