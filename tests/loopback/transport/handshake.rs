//! Errors of TLS handshakes and proxies.

use cloudaudit_exporter::proxy::Proxy;
use cloudaudit_exporter::tencent::{HttpOptions, HttpTransport, Network, TransportErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{SECRET, assert_no_secret, read_request, send};

/// Returns a transport with this proxy, so that a proxy in the environment has no effect.
fn through(proxy: &str) -> HttpTransport {
    let proxy = Some(format!("http://user:{SECRET}@{proxy}"));
    Network::default()
        .https(&HttpOptions {
            ca_file: Some("tests/support/ca.pem".into()),
            proxy: proxy.map(|url| Proxy::parse(&url).unwrap()),
        })
        .unwrap()
}

/// Starts a proxy that replies to CONNECT with `opening`, and then sends `inside`.
async fn tunnel(opening: &'static str, inside: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await.unwrap();
        assert!(
            request.starts_with("CONNECT cloud.example:443 "),
            "{request}"
        );
        let request = request.to_lowercase();
        assert!(request.contains("proxy-authorization: basic "), "{request}");
        stream.write_all(opening.as_bytes()).await.unwrap();
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(inside).await;
        // Waits for the client to disconnect, because closing first would cause another error.
        while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
    });
    authority
}

#[tokio::test]
async fn a_failed_handshake_through_a_proxy_is_a_tls_error() {
    let opened = "HTTP/1.1 200 OK\r\n\r\n";
    let garbage = b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP is spoken here";
    let proxy = tunnel(opened, garbage).await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert_no_secret(&error);

    // handshake_failure, which a server without a common cipher suite sends.
    let alert = &[0x15, 3, 3, 0, 2, 2, 40];
    let proxy = tunnel(opened, alert).await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert_no_secret(&error);
}

/// Without a proxy, the error is wrapped in another error.
#[tokio::test]
async fn a_failed_handshake_without_a_proxy_is_a_tls_error() {
    for response in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0x15, 3, 3, 0, 2, 2, 40],
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(response).await;
            while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {}
        });
        let transport = HttpTransport::plain().unwrap();
        let error = send(&transport, "https", &authority).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
        assert_no_secret(&error);
    }
}

#[tokio::test]
async fn a_refusal_of_the_proxy_is_a_connect_error() {
    let refused = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let proxy = tunnel(refused, b"").await;
    let error = send(&through(&proxy), "https", "cloud.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    assert!(error.message.contains("proxy"), "{error}");
    assert_no_secret(&error);
}
