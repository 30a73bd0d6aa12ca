//! HTTP/2 with a well-behaved client.

use std::time::{Duration, Instant};

use base64::Engine;
use bytes::Bytes;
use cloudaudit_exporter::http::{Limits, Options};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::listener::{LARGE, PATIENCE, Secure, long_limits, negotiated_protocol};

const SHORT: Duration = Duration::from_millis(500);

type Sender = SendRequest<Full<Bytes>>;

/// Returns a connection, and a handle that ends with it.
async fn connect(secure: &Secure) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let stream = secure.connect(&["h2", "http/1.1"]).await;
    assert_eq!(negotiated_protocol(&stream), "h2");
    let io = TokioIo::new(stream);
    let (sender, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let uri = format!("https://here{path}");
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let response = timeout(PATIENCE, sender.send_request(request)).await;
    let response = response.unwrap().unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    response
}

async fn content(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn status(sender: &mut Sender, method: &str, path: &str) -> u16 {
    let response = send(sender, request(method, path, &[])).await;
    response.status().as_u16()
}

fn header<'a>(response: &'a Response<Incoming>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn scrapes_with_and_without_gzip_are_served() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    let gzip = request("GET", "/metrics", &[("accept-encoding", "gzip")]);
    let response = send(&mut sender, gzip).await;
    assert_eq!(header(&response, "content-encoding"), "gzip");
    assert_eq!(header(&response, "content-length"), "6");
    assert_eq!(content(response).await, "zipped");
    let response = send(&mut sender, request("GET", "/metrics", &[])).await;
    assert_eq!(content(response).await.len(), LARGE);
}

#[tokio::test]
async fn http_2_can_be_disabled() {
    let no = "http_server_config: {http2: false}\n";
    let secure = Secure::start(no, Options::default()).await;
    let stream = secure.connect(&["h2", "http/1.1"]).await;
    assert_eq!(negotiated_protocol(&stream), "http/1.1");
    let secure = Secure::with(long_limits()).await;
    assert_eq!(
        negotiated_protocol(&secure.connect(&["http/1.1"]).await),
        "http/1.1"
    );
    assert_eq!(negotiated_protocol(&secure.connect(&[]).await), "");
}

#[tokio::test]
async fn responses_equal_those_of_http_1() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    for (method, path, expected, allow) in [
        ("GET", "/-/healthy", 200, ""),
        ("GET", "/nope", 404, ""),
        ("GET", "/%2e%2e/metrics", 404, ""),
        ("PUT", "/metrics", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/-/reload", 405, "POST, OPTIONS"),
        ("POST", "/-/reload", 403, ""),
        ("OPTIONS", "/metrics", 204, "GET, HEAD, OPTIONS"),
        ("HEAD", "/-/healthy", 200, ""),
        ("HEAD", "/metrics", 200, ""),
        ("HEAD", "/nope", 404, ""),
    ] {
        let response = send(&mut sender, request(method, path, &[])).await;
        let case = format!("{method} {path}");
        assert_eq!(response.status(), expected, "{case}");
        assert_eq!(header(&response, "allow"), allow, "{case}");
        let declared = header(&response, "content-length").parse().unwrap_or(0);
        let length = content(response).await.len();
        if method == "HEAD" {
            assert!(declared > 0 && length == 0, "{case}: {declared}, {length}");
        } else {
            assert_eq!(declared, length, "{case}");
        }
    }
}

#[tokio::test]
async fn passwords_are_required() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = format!("basic_auth_users: {{me: '{hash}'}}\nauth_exempt_paths: [/-/healthy]\n");
    let secure = Secure::start(&users, Options::default()).await;
    let (mut sender, _) = connect(&secure).await;
    let refused = send(&mut sender, request("GET", "/", &[])).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(header(&refused, "www-authenticate"), "Basic");
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    let login = base64::engine::general_purpose::STANDARD.encode("me:secret");
    let login = format!("Basic {login}");
    let admitted = request("GET", "/", &[("authorization", &login)]);
    assert_eq!(send(&mut sender, admitted).await.status(), 200);
}

/// The limit is 16, and a client that knows it waits.
#[tokio::test]
async fn more_concurrent_requests_than_the_limit_are_all_served() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    let mut scrapes = JoinSet::new();
    for _ in 0..20 {
        let mut sender = sender.clone();
        scrapes.spawn(async move {
            let response = send(&mut sender, request("GET", "/metrics", &[])).await;
            content(response).await.len()
        });
    }
    let lengths = timeout(PATIENCE, scrapes.join_all()).await.unwrap();
    assert_eq!(lengths, [LARGE; 20]);
}

#[tokio::test]
async fn a_body_that_is_too_large_fails_only_its_request() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    for (length, expected) in [(1, 403), (64 * 1024, 403), (64 * 1024 + 1, 413)] {
        let mut post = request("POST", "/-/reload", &[]);
        *post.body_mut() = Full::from(vec![b'x'; length]);
        let response = send(&mut sender, post).await;
        assert_eq!(response.status(), expected, "{length}");
        assert_eq!(header(&response, "connection"), "");
    }
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
}

#[tokio::test]
async fn a_header_list_that_is_too_large_is_refused() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    let long = "y".repeat(17 * 1024);
    let response = send(&mut sender, request("GET", "/metrics", &[("x", &long)])).await;
    assert_eq!(response.status(), 431);
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
}

#[tokio::test]
async fn a_panic_in_one_request_does_not_affect_another() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, _) = connect(&secure).await;
    let panics = sender.send_request(request("GET", "/-/ready", &[]));
    assert!(timeout(PATIENCE, panics).await.unwrap().is_err());
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_timeout() {
    let limits = Limits {
        idle: SHORT,
        ..long_limits()
    };
    let secure = Secure::with(limits).await;
    let (mut sender, ended) = connect(&secure).await;
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    let began = Instant::now();
    assert!(timeout(PATIENCE / 2, ended).await.is_ok());
    assert!(began.elapsed() >= SHORT / 2, "{:?}", began.elapsed());
}

/// A canceled request does not count as in flight.
#[tokio::test]
async fn after_a_reset_stream_the_connection_is_usable_and_becomes_idle() {
    let limits = Limits {
        idle: SHORT,
        ..long_limits()
    };
    let secure = Secure::with(limits).await;
    let (mut sender, ended) = connect(&secure).await;
    for _ in 0..3 {
        let mut response = send(&mut sender, request("GET", "/metrics", &[])).await;
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        drop(response);
        assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    }
    let mut canceled = sender.clone();
    drop(
        timeout(
            Duration::from_millis(1),
            canceled.send_request(request("GET", "/metrics", &[])),
        )
        .await,
    );
    assert!(
        timeout(PATIENCE / 2, ended).await.is_ok(),
        "the connection is not idle"
    );
}

#[tokio::test]
async fn a_shutdown_completes_responses_in_flight() {
    let secure = Secure::with(long_limits()).await;
    let (mut sender, ended) = connect(&secure).await;
    let (mut idle, idle_ended) = connect(&secure).await;
    assert_eq!(status(&mut idle, "GET", "/-/healthy").await, 200);
    let response = send(&mut sender, request("GET", "/metrics", &[])).await;
    let stopped = secure.stop();
    assert!(
        timeout(PATIENCE / 2, idle_ended)
            .await
            .unwrap()
            .unwrap()
            .is_ok()
    );
    assert!(!stopped.is_finished());
    assert_eq!(content(response).await.len(), LARGE);
    timeout(PATIENCE / 2, stopped).await.unwrap().unwrap();
    assert!(timeout(PATIENCE / 2, ended).await.unwrap().unwrap().is_ok());
}
