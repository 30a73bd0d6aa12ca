//! Heads with too many headers, or too long ones.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;

use super::server::{Play, Server};
use super::{assert_malformed, poll};

const EMPTY: &str = r#"{"Response":{"Tracks":[],"TotalCount":0,"RequestId":"r"}}"#;

/// The client's limit, less the one header that every answer here has.
const MOST: usize = 63;

#[tokio::test]
async fn headers_have_a_number() {
    let headers = |count: usize| "X-Header: and another one\r\n".repeat(count);
    let server = Server::playing(Play::with_headers(&headers(MOST), EMPTY)).await;
    poll(&server).await.unwrap();
    for count in [MOST + 1, 10_000] {
        let server = Server::playing(Play::with_headers(&headers(count), EMPTY)).await;
        assert_malformed(&server, "too large").await;
    }
}

#[tokio::test]
async fn headers_have_a_size() {
    let header = |bytes: usize| format!("X-Header: {}\r\n", "x".repeat(bytes));
    let server = Server::playing(Play::with_headers(&header(8 * 1024), EMPTY)).await;
    poll(&server).await.unwrap();
    let server = Server::playing(Play::with_headers(&header(1024 * 1024), EMPTY)).await;
    assert_malformed(&server, "too large").await;
}

/// Lines of headers that never end, one long header that never ends, and a status line.
#[tokio::test]
async fn a_head_without_end_is_left_at_the_limit() {
    for (beginning, piece) in [
        (
            "HTTP/1.1 200 OK\r\n",
            "X-Header: and another one\r\n".repeat(1_000),
        ),
        ("HTTP/1.1 200 OK\r\nX-Header: ", "x".repeat(64 * 1024)),
        ("HTTP/1.1 200 ", "x".repeat(64 * 1024)),
    ] {
        let server = Server::playing(Play::endless(beginning, piece, Duration::ZERO)).await;
        assert_malformed(&server, "too large").await;
        assert!(server.written() < 16 * 1024 * 1024, "{}", server.written());
    }
}

/// What comes behind the body, and what comes inside it besides the content, is limited too.
#[tokio::test]
async fn what_stands_around_chunks_has_a_limit() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!("{head}1;");
    let trailer = format!("{head}0\r\n");
    for (beginning, piece) in [
        (extension, "x".repeat(64 * 1024)),
        (trailer, "X-Trailer: and another one\r\n".repeat(1_000)),
    ] {
        let server = Server::playing(Play::endless(beginning, piece, Duration::ZERO)).await;
        let failure = poll(&server).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Unavailable, "{failure}");
        assert_ne!(failure.code, "timeout", "{failure}");
        assert!(server.written() < 16 * 1024 * 1024, "{}", server.written());
    }
}
