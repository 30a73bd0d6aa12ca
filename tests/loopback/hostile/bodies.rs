//! Bodies that are too large, too deeply nested or compressed.

use std::io::Write;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::MAX_RESPONSE_BYTES;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Play, Server};
use super::{assert_malformed, client, client_over, list, poll};

const EMPTY: &str = r#"{"Response":{"Tracks":[],"TotalCount":0,"RequestId":"r"}}"#;

/// What the buffers of a socket accept before the writer notices that the client has stopped
/// reading.
const BUFFERS: u64 = 16 * 1024 * 1024;

#[tokio::test]
async fn an_endless_body_is_abandoned_at_the_limit() {
    let piece = vec![b' '; 64 * 1024];
    let chunk = [b"10000\r\n".as_slice(), &piece, b"\r\n"].concat();
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\n\r\n", piece),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            chunk,
        ),
    ] {
        let server = Server::playing(Play::endless(head, piece, Duration::ZERO)).await;
        assert_malformed(&server, "larger than 4194304 bytes").await;
        assert_eq!(server.requests(), 1);
        let most = MAX_RESPONSE_BYTES as u64 + BUFFERS;
        assert!(server.written() <= most, "{}", server.written());
    }
}

/// The client does not read any of the body.
#[tokio::test]
async fn a_body_with_a_content_length_above_the_limit_is_rejected_at_once() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    let server = Server::playing(Play::bytes(head)).await;
    let start = tokio::time::Instant::now();
    assert_malformed(&server, "larger than 4194304 bytes").await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "the client waited for the body"
    );
}

/// The client ignores the content of an error page, so its size does not matter.
#[tokio::test]
async fn an_endless_error_page_is_classified_by_its_status() {
    let page = vec![b'x'; 64 * 1024];
    let head = "HTTP/1.1 502 Bad Gateway\r\n\r\n";
    let server = Server::playing(Play::endless(head, page, Duration::ZERO)).await;
    let failure = poll(&server).await.unwrap_err();
    assert_eq!(
        (failure.reason, &*failure.code),
        (Reason::Unavailable, "http_502")
    );
    assert!(server.written() <= BUFFERS, "{}", server.written());
}

/// Deep nesting is ignored in an unknown field and rejected in a known field. It never overflows
/// the stack.
#[tokio::test]
async fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 1_000_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let unread = EMPTY.replace("\"r\"", &format!("\"r\",\"Novel\":{deep}"));
    let server = Server::playing(Play::response(&unread)).await;
    assert!(poll(&server).await.unwrap().tracks.is_empty());

    let read = EMPTY.replace("[]", &deep);
    let server = Server::playing(Play::response(&read)).await;
    assert_malformed(&server, "unexpected response format").await;

    let objects = format!(
        "{}1{}",
        "{\"Response\":".repeat(200_000),
        "}".repeat(200_000)
    );
    let server = Server::playing(Play::response(&objects)).await;
    assert_malformed(&server, "").await;

    let unclosed = "[".repeat(MAX_RESPONSE_BYTES);
    let server = Server::playing(Play::response(&unclosed)).await;
    assert_malformed(&server, "").await;
}

/// The client does not offer compression, because a few bytes can decompress to any size.
#[tokio::test]
async fn a_compressed_response_is_not_decompressed() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 4 * MAX_RESPONSE_BYTES]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 32 * 1024, "the compressed body is small");
    for encoding in ["gzip", "br", "zstd", "deflate", "x-novel", "identity, gzip"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            bomb.len()
        );
        let response = [head.as_bytes(), &bomb].concat();
        let server = Server::playing(Play::bytes(response)).await;
        assert_malformed(&server, "compressed").await;
    }
    // The encoding `identity` is accepted.
    let plain = Play::with_headers("Content-Encoding: Identity\r\n", EMPTY);
    let server = Server::playing(plain).await;
    poll(&server).await.unwrap();
}

/// The client retries as after any response that is not JSON, because a gateway may have sent it.
#[tokio::test]
async fn a_compressed_response_is_retried() {
    let server = Server::start(|number| match number {
        1 => Play::with_headers("Content-Encoding: gzip\r\n", EMPTY),
        _ => Play::response(EMPTY),
    })
    .await;
    let transport =
        std::sync::Arc::new(cloudaudit_exporter::tencent::HttpTransport::plain().unwrap());
    list(&client_over(&transport, &server, 3)).await.unwrap();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn the_next_poll_after_a_rejected_response_succeeds() {
    let piece = vec![b' '; 64 * 1024];
    let server = Server::start(move |number| match number {
        1 => Play::endless("HTTP/1.1 200 OK\r\n\r\n", piece.clone(), Duration::ZERO),
        _ => Play::response(EMPTY),
    })
    .await;
    let client = client(&server);
    list(&client).await.unwrap_err();
    list(&client).await.unwrap();
}
