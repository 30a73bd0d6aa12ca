//! Response heads with too many or too long headers.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;

use super::server::{Play, Server};
use super::{assert_malformed, poll};

const EMPTY: &str = r#"{"Response":{"Tracks":[],"TotalCount":0,"RequestId":"r"}}"#;

/// The client's limit, minus the one header that every response here has.
const MAX_HEADERS: usize = 63;

#[tokio::test]
async fn the_number_of_headers_is_limited() {
    let headers = |count: usize| "X-Header: and another one\r\n".repeat(count);
    let server = Server::playing(Play::with_headers(&headers(MAX_HEADERS), EMPTY)).await;
    poll(&server).await.unwrap();
    for count in [MAX_HEADERS + 1, 10_000] {
        let server = Server::playing(Play::with_headers(&headers(count), EMPTY)).await;
        assert_malformed(&server, "too large").await;
    }
}

#[tokio::test]
async fn the_size_of_headers_is_limited() {
    let header = |bytes: usize| format!("X-Header: {}\r\n", "x".repeat(bytes));
    let server = Server::playing(Play::with_headers(&header(8 * 1024), EMPTY)).await;
    poll(&server).await.unwrap();
    let server = Server::playing(Play::with_headers(&header(1024 * 1024), EMPTY)).await;
    assert_malformed(&server, "too large").await;
}

/// Endless header lines, an endless header and an endless status line.
#[tokio::test]
async fn an_endless_head_is_abandoned_at_the_limit() {
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

/// Trailers and chunk extensions are limited, too.
#[tokio::test]
async fn chunk_extensions_and_trailers_are_limited() {
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
