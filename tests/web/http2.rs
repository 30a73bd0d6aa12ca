//! HTTP/2 with a good client.

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

use crate::listener::{LARGE, STALL_TIMEOUT, Secure, agreed, patient};

const SHORT: Duration = Duration::from_millis(500);

type Sender = SendRequest<Full<Bytes>>;

/// A connection, and what becomes of it.
async fn connect(secure: &Secure) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let stream = secure.connect(&["h2", "http/1.1"]).await;
    assert_eq!(agreed(&stream), "h2");
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
    let response = timeout(STALL_TIMEOUT, sender.send_request(request)).await;
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
async fn a_scrape_with_gzip_and_one_without() {
    let secure = Secure::with(patient()).await;
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
async fn only_http_1_is_offered_where_the_file_says_so() {
    let no = "http_server_config: {http2: false}\n";
    let secure = Secure::start(no, Options::default()).await;
    let stream = secure.connect(&["h2", "http/1.1"]).await;
    assert_eq!(agreed(&stream), "http/1.1");
    let secure = Secure::with(patient()).await;
    assert_eq!(agreed(&secure.connect(&["http/1.1"]).await), "http/1.1");
    assert_eq!(agreed(&secure.connect(&[]).await), "");
}

#[tokio::test]
async fn responses_are_those_of_http_1() {
    let secure = Secure::with(patient()).await;
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
        let told = header(&response, "content-length").parse().unwrap_or(0);
        let length = content(response).await.len();
        if method == "HEAD" {
            assert!(told > 0 && length == 0, "{case}: {told}, {length}");
        } else {
            assert_eq!(told, length, "{case}");
        }
    }
}

#[tokio::test]
async fn passwords_are_asked_for() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = format!("basic_auth_users: {{me: '{hash}'}}\nauth_exempt_paths: [/-/healthy]\n");
    let secure = Secure::start(&users, Options::default()).await;
    let (mut sender, _) = connect(&secure).await;
    let refused = send(&mut sender, request("GET", "/", &[])).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(header(&refused, "www-authenticate"), "Basic");
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    let who = base64::engine::general_purpose::STANDARD.encode("me:secret");
    let who = format!("Basic {who}");
    let admitted = request("GET", "/", &[("authorization", &who)]);
    assert_eq!(send(&mut sender, admitted).await.status(), 200);
}

/// The limit is 16, and who knows it waits.
#[tokio::test]
async fn more_requests_at_a_time_than_the_limit_are_all_answered() {
    let secure = Secure::with(patient()).await;
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
    let lengths = timeout(STALL_TIMEOUT, scrapes.join_all()).await.unwrap();
    assert_eq!(lengths, [LARGE; 20]);
}

#[tokio::test]
async fn bodies_have_the_same_limit_and_cost_one_request() {
    let secure = Secure::with(patient()).await;
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
    let secure = Secure::with(patient()).await;
    let (mut sender, _) = connect(&secure).await;
    let long = "y".repeat(17 * 1024);
    let response = send(&mut sender, request("GET", "/metrics", &[("x", &long)])).await;
    assert_eq!(response.status(), 431);
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
}

#[tokio::test]
async fn a_panic_in_one_request_is_no_business_of_another() {
    let secure = Secure::with(patient()).await;
    let (mut sender, _) = connect(&secure).await;
    let panics = sender.send_request(request("GET", "/-/ready", &[]));
    assert!(timeout(STALL_TIMEOUT, panics).await.unwrap().is_err());
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
}

#[tokio::test]
async fn an_idle_connection_ends_after_its_time() {
    let limits = Limits {
        idle: SHORT,
        ..patient()
    };
    let secure = Secure::with(limits).await;
    let (mut sender, ended) = connect(&secure).await;
    assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    let began = Instant::now();
    assert!(timeout(STALL_TIMEOUT / 2, ended).await.is_ok());
    assert!(began.elapsed() >= SHORT / 2, "{:?}", began.elapsed());
}

/// Requests that were given up half-way do not count as under way for ever.
#[tokio::test]
async fn a_reset_stream_leaves_a_connection_that_is_usable_and_then_idle() {
    let limits = Limits {
        idle: SHORT,
        ..patient()
    };
    let secure = Secure::with(limits).await;
    let (mut sender, ended) = connect(&secure).await;
    for _ in 0..3 {
        let mut response = send(&mut sender, request("GET", "/metrics", &[])).await;
        assert!(response.body_mut().frame().await.unwrap().is_ok());
        drop(response);
        assert_eq!(status(&mut sender, "GET", "/-/healthy").await, 200);
    }
    let mut begun = sender.clone();
    drop(
        timeout(
            Duration::from_millis(1),
            begun.send_request(request("GET", "/metrics", &[])),
        )
        .await,
    );
    assert!(
        timeout(STALL_TIMEOUT / 2, ended).await.is_ok(),
        "it is not idle"
    );
}

#[tokio::test]
async fn a_stop_lets_the_response_end() {
    let secure = Secure::with(patient()).await;
    let (mut sender, ended) = connect(&secure).await;
    let (mut idle, idle_ended) = connect(&secure).await;
    assert_eq!(status(&mut idle, "GET", "/-/healthy").await, 200);
    let response = send(&mut sender, request("GET", "/metrics", &[])).await;
    let stopped = secure.stop();
    assert!(
        timeout(STALL_TIMEOUT / 2, idle_ended)
            .await
            .unwrap()
            .unwrap()
            .is_ok()
    );
    assert!(!stopped.is_finished());
    assert_eq!(content(response).await.len(), LARGE);
    timeout(STALL_TIMEOUT / 2, stopped).await.unwrap().unwrap();
    assert!(
        timeout(STALL_TIMEOUT / 2, ended)
            .await
            .unwrap()
            .unwrap()
            .is_ok()
    );
}
