//! The transport over real sockets: many requests share a connection, and every failure has its own
//! kind of error.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::tencent::{
    HttpOptions, HttpTransport, MAX_CA_BYTES, MAX_RESPONSE_BYTES, Network, Transport,
    TransportError, TransportErrorKind,
};
use futures_util::future::join_all;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

mod handshake;
mod reuse;

/// A time limit that no operation reaches, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

const BODY: &str = r#"{"PageNumber":1,"PageSize":50}"#;
const SECRET: &str = "hunter2";

/// A server that replies to every request with the same bytes.
struct Server {
    authority: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// What the server does after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    KeepOpen,
    Close,
    /// Resets the connection.
    Reset,
}

async fn server(response: impl Into<Bytes>, then: Then) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        authority: listener.local_addr().unwrap().to_string(),
        connections: Arc::default(),
        requests: Arc::default(),
    };
    let (connections, requests) = (
        Arc::clone(&server.connections),
        Arc::clone(&server.requests),
    );
    let response = response.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            let (requests, response) = (Arc::clone(&requests), response.clone());
            tokio::spawn(async move { serve(stream, &requests, &response, then).await });
        }
    });
    server
}

async fn serve(mut stream: TcpStream, requests: &AtomicUsize, response: &[u8], then: Then) {
    while read_request(&mut stream).await.is_some() {
        requests.fetch_add(1, Ordering::Relaxed);
        if stream.write_all(response).await.is_err() {
            return;
        }
        match then {
            Then::KeepOpen => {}
            Then::Close => return,
            Then::Reset => return stream.set_zero_linger().unwrap(),
        }
    }
}

/// Reads one request with its body, or returns `None` if the connection ended.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.ok()?;
        if count == 0 {
            return None;
        }
        read.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                (name.eq_ignore_ascii_case("content-length")).then(|| value.parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
    }
}

/// Formats an HTTP response.
fn raw(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

fn request(url: &str, authority: &str) -> Request<Bytes> {
    Request::post(url)
        .header("host", authority)
        .header("content-type", "application/json; charset=utf-8")
        .header("authorization", format!("TC3 Signature={SECRET}"))
        .body(Bytes::from_static(BODY.as_bytes()))
        .unwrap()
}

async fn send(
    transport: &HttpTransport,
    scheme: &str,
    authority: &str,
) -> Result<Response<Bytes>, TransportError> {
    let request = request(&format!("{scheme}://{authority}/"), authority);
    let sent = timeout(PATIENCE, transport.send(request)).await;
    sent.expect("a response or an error in time")
}

/// Sends one request over a new transport to a server that replies with `response`.
async fn call(response: impl Into<Bytes>, then: Then) -> Result<Response<Bytes>, TransportError> {
    let server = server(response, then).await;
    let transport = HttpTransport::plain().unwrap();
    let result = send(&transport, "http", &server.authority).await;
    assert_eq!(
        server.requests.load(Ordering::Relaxed),
        1,
        "the request is not repeated"
    );
    result
}

#[tokio::test]
async fn a_response_has_its_status_headers_and_body() {
    let body = r#"{"Response":{}}"#;
    let headers = "Date: Mon, 25 Feb 2019 23:59:10 GMT\r\n";
    let response = call(raw("200 OK", headers, body), Then::KeepOpen).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["date"], "Mon, 25 Feb 2019 23:59:10 GMT");
    assert_eq!(response.body(), body);
}

/// Every signed header and the body are sent unchanged, and no other signed header is added.
#[tokio::test]
async fn the_signed_request_is_sent_unchanged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let transport = HttpTransport::plain().unwrap();
    let accepting = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await.unwrap();
        let response = raw("200 OK", "", "{}");
        stream.write_all(response.as_bytes()).await.unwrap();
        request
    };
    let (arrived, response) = tokio::join!(accepting, send(&transport, "http", &authority));
    response.unwrap();
    let (head, body) = arrived.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST / HTTP/1.1"));
    let mut headers: Vec<String> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            format!("{}: {value}", name.to_lowercase())
        })
        .collect();
    headers.sort();
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        "accept: */*".to_owned(),
        format!("authorization: TC3 Signature={SECRET}"),
        format!("content-length: {}", BODY.len()),
        "content-type: application/json; charset=utf-8".to_owned(),
        format!("host: {authority}"),
        format!("user-agent: cloudaudit-exporter/{version}"),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn sequential_requests_share_a_connection() {
    let server = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    for _ in 0..50 {
        send(&transport, "http", &server.authority).await.unwrap();
    }
    assert_eq!(server.requests.load(Ordering::Relaxed), 50);
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

/// Concurrent requests use a connection each, and most connections are closed afterwards.
#[tokio::test]
async fn few_connections_are_kept_after_a_burst() {
    const CALLS: usize = 60;
    const KEPT: usize = 4;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let transport = HttpTransport::plain().unwrap();
    let serving = async {
        let mut streams = Vec::new();
        while streams.len() < CALLS {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await.unwrap();
            streams.push(stream);
        }
        for stream in &mut streams {
            let response = raw("200 OK", "", "{}");
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        streams
    };
    let calls = (0..CALLS).map(|_| send(&transport, "http", &authority));
    let (mut streams, responses) = tokio::join!(serving, join_all(calls));
    assert!(responses.iter().all(Result::is_ok));
    let closed = streams.iter_mut().map(|stream| async {
        let end = timeout(Duration::from_secs(1), stream.read_u8()).await;
        usize::from(end.is_ok())
    });
    let closed: usize = join_all(closed).await.into_iter().sum();
    assert_eq!(closed, CALLS - KEPT);
}

/// An error response does not close the connection.
#[tokio::test]
async fn a_connection_is_reused_after_an_error_response() {
    let server = server(raw("502 Bad Gateway", "", "<html>"), Then::KeepOpen).await;
    let transport = HttpTransport::plain().unwrap();
    for _ in 0..5 {
        let response = send(&transport, "http", &server.authority).await.unwrap();
        assert_eq!(response.status(), 502);
        assert_eq!(response.body(), "<html>");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

/// A connection that the server closed is not used again.
#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let response = raw("200 OK", "Connection: close\r\n", "{}");
    let server = server(response, Then::Close).await;
    let transport = HttpTransport::plain().unwrap();
    for _ in 0..3 {
        send(&transport, "http", &server.authority).await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 3);
}

/// Following a redirect would send a signed request to another server.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = server(raw("200 OK", "", "{}"), Then::KeepOpen).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: http://{}/\r\n", target.authority);
        let response = call(raw(status, &location, ""), Then::KeepOpen)
            .await
            .unwrap();
        assert_eq!(response.status().as_str(), &status[..3]);
    }
    assert_eq!(target.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_size_of_a_response_is_limited() {
    let exactly = "x".repeat(MAX_RESPONSE_BYTES);
    let response = call(raw("200 OK", "", &exactly), Then::KeepOpen).await;
    assert_eq!(response.unwrap().body().len(), MAX_RESPONSE_BYTES);

    let more = "x".repeat(MAX_RESPONSE_BYTES + 1);
    let declared = raw("200 OK", "", &more);
    let undeclared = format!("HTTP/1.1 200 OK\r\n\r\n{more}");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{more}\r\n0\r\n\r\n",
        more.len()
    );
    for response in [declared, undeclared, chunked] {
        let error = call(response, Then::Close).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::TooLarge, "{error}");
        assert!(error.message.contains("4194304"), "{error}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_a_connect_error_with_a_cause() {
    let truncated = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Response\":";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"Resp";
    for (name, response, then) in [
        ("truncated", truncated, Then::Close),
        ("truncated chunk", chunk, Then::Close),
        ("reset in the body", truncated, Then::Reset),
        ("closed without a response", "", Then::Close),
        ("reset without a response", "", Then::Reset),
        ("half a head", "HTTP/1.1 200 O", Then::Close),
        ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Then::Close),
    ] {
        let error = call(response, then).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect, "{name}: {error}");
        assert!(error.message.contains(": "), "{name}: no cause in {error}");
        assert_no_secret(&error);
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    drop(listener);
    let transport = HttpTransport::plain().unwrap();
    let error = send(&transport, "http", &authority).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(error.message.contains("refused"), "no cause in {error}");
    assert_no_secret(&error);
}

/// Checks that an error contains neither the signature nor a URL.
fn assert_no_secret(error: &TransportError) {
    let printed = format!("{error} {error:?}");
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(!printed.contains("http://"), "{printed}");
    assert!(!printed.contains("https://"), "{printed}");
}

#[tokio::test]
async fn errors_do_not_contain_the_url() {
    let server = server("", Then::Close).await;
    let transport = HttpTransport::plain().unwrap();
    let url = format!("http://user:{SECRET}@{}/?key={SECRET}", server.authority);
    let sent = transport.send(request(&url, &server.authority)).await;
    assert_no_secret(&sent.unwrap_err());
}

#[tokio::test]
async fn an_invalid_ca_file_is_an_error_that_names_it() {
    let https = |ca_file: &str| {
        let options = HttpOptions {
            ca_file: Some(ca_file.into()),
            proxy: None,
        };
        Network::default().https(&options).map(|_| ())
    };
    let error_of = |ca_file: &str| https(ca_file).unwrap_err();
    let error = error_of("tests/support/nowhere.pem");
    assert!(
        error.contains("http.ca_file tests/support/nowhere.pem: "),
        "{error}"
    );
    let error = error_of("tests/loopback/transport/mod.rs");
    assert!(error.contains("it contains no certificate"), "{error}");
    // A file without an end.
    let error = error_of("/dev/zero");
    assert!(
        error.contains("http.ca_file /dev/zero: it is a device"),
        "{error}"
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    let name = file.path().to_str().unwrap();
    let mut pem = std::fs::read("tests/support/ca.pem").unwrap();
    pem.resize(MAX_CA_BYTES, b' ');
    std::fs::write(name, &pem).unwrap();
    https(name).unwrap();
    pem.push(b' ');
    std::fs::write(name, &pem).unwrap();
    let error = error_of(name);
    let expected = format!("http.ca_file {name}: it is longer than {MAX_CA_BYTES} bytes");
    assert!(error.contains(&expected), "{error}");
}
