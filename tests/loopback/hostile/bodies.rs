//! Bodies that are too large, too deep, too long or not to be read.

use std::io::Write;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::MAX_RESPONSE_BYTES;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Play, Server};
use super::{assert_malformed, client, client_over, list, poll};

const EMPTY: &str = r#"{"Response":{"Tracks":[],"TotalCount":0,"RequestId":"r"}}"#;

/// What a socket's buffers swallow before the writer notices that nobody reads.
const BUFFERS: u64 = 16 * 1024 * 1024;

#[tokio::test]
async fn a_body_without_end_is_left_at_the_limit() {
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

/// It is not even begun.
#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_by_its_head() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    let server = Server::playing(Play::bytes(head)).await;
    let start = tokio::time::Instant::now();
    assert_malformed(&server, "larger than 4194304 bytes").await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "nothing was waited for"
    );
}

/// A gateway's page is not read for its content, so its size does not change what it says.
#[tokio::test]
async fn an_error_page_of_any_size_is_what_its_status_says() {
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

/// In a field that nobody reads it is passed over, in one that is read it is another shape, and in
/// neither does it cost the stack.
#[tokio::test]
async fn depth_is_no_matter() {
    let depth = 1_000_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let unread = EMPTY.replace("\"r\"", &format!("\"r\",\"Novel\":{deep}"));
    let server = Server::playing(Play::answer(&unread)).await;
    assert!(poll(&server).await.unwrap().tracks.is_empty());

    let read = EMPTY.replace("[]", &deep);
    let server = Server::playing(Play::answer(&read)).await;
    assert_malformed(&server, "unexpected response format").await;

    let objects = format!(
        "{}1{}",
        "{\"Response\":".repeat(200_000),
        "}".repeat(200_000)
    );
    let server = Server::playing(Play::answer(&objects)).await;
    assert_malformed(&server, "").await;

    let unclosed = "[".repeat(MAX_RESPONSE_BYTES);
    let server = Server::playing(Play::answer(&unclosed)).await;
    assert_malformed(&server, "").await;
}

/// We do not say that we take compressed answers, and we do not: a few bytes may become any number.
#[tokio::test]
async fn a_compressed_answer_is_not_unpacked() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![0; 4 * MAX_RESPONSE_BYTES]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 32 * 1024, "it is small as it travels");
    for encoding in ["gzip", "br", "zstd", "deflate", "x-novel", "identity, gzip"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            bomb.len()
        );
        let answer = [head.as_bytes(), &bomb].concat();
        let server = Server::playing(Play::bytes(answer)).await;
        assert_malformed(&server, "compressed").await;
    }
    // What says that it is not encoded is read.
    let plain = Play::with_headers("Content-Encoding: Identity\r\n", EMPTY);
    let server = Server::playing(plain).await;
    poll(&server).await.unwrap();
}

/// As everything that is no JSON: once more, because somebody in between may have made it.
#[tokio::test]
async fn a_compressed_answer_is_asked_for_once_more() {
    let server = Server::start(|number| match number {
        1 => Play::with_headers("Content-Encoding: gzip\r\n", EMPTY),
        _ => Play::answer(EMPTY),
    })
    .await;
    let transport =
        std::sync::Arc::new(cloudaudit_exporter::tencent::HttpTransport::plain().unwrap());
    list(&client_over(&transport, &server, 3)).await.unwrap();
    assert_eq!(server.requests(), 2);
}

/// Whatever went wrong, the next poll goes its usual way.
#[tokio::test]
async fn what_was_refused_leaves_nothing_behind() {
    let piece = vec![b' '; 64 * 1024];
    let server = Server::start(move |number| match number {
        1 => Play::endless("HTTP/1.1 200 OK\r\n\r\n", piece.clone(), Duration::ZERO),
        _ => Play::answer(EMPTY),
    })
    .await;
    let client = client(&server);
    list(&client).await.unwrap_err();
    list(&client).await.unwrap();
}
