//! Bounds the memory for responses of the largest size: for one response, and for many at the same
//! time. The test measures a whole process, so it runs in a process of its own.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::tencent::wire::parse_page;
use cloudaudit_exporter::tencent::{HttpTransport, MAX_RESPONSE_BYTES, Transport};
use futures_util::future::join_all;
use http::Request;
use jiff::tz::Offset;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How many targets are polled at once. Their responses together would be 800 MiB.
const TARGETS: usize = 200;

/// How long a request may take. The client could read every response many times within this time.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A quarter of a MiB of each response, and eight whole responses, each in a buffer of twice its
/// size: 114 MiB. The allocator, the sockets and the test may need as much again.
const MOST_HELD: usize = 2 * (TARGETS * 256 * 1024 + 8 * 2 * MAX_RESPONSE_BYTES);

/// How much memory parsing one body of 4 MiB may need.
const MOST_PARSED: usize = 16 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn memory_for_responses_is_bounded() {
    const CHILD: &str = "CLOUDAUDIT_TEST_FLOOD";
    if std::env::var_os(CHILD).is_none() {
        let _turn = crate::turn();
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "flood::memory_for_responses_is_bounded",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        return;
    }
    // The order matters: the peak of the second part is higher.
    little_is_held_of_a_million_of_anything();
    many_floods_at_once_are_not_held_at_once().await;
}

/// Fills one response with elements of two or three bytes that need a hundred times as much memory.
fn little_is_held_of_a_million_of_anything() {
    for (opening, element) in [
        (r#"{"Response":{"TotalCount":1,"Tracks":["#, "{}"),
        (
            r#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":1,"EventNames":["#,
            "0",
        ),
        (
            r#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":1,"EventNames":["#,
            r#""""#,
        ),
        (r#"{"Response":{"TotalCount":1,"Novel":["#, "[]"),
    ] {
        let room = MAX_RESPONSE_BYTES - opening.len();
        let mut body = String::with_capacity(MAX_RESPONSE_BYTES);
        body.push_str(opening);
        body.extend(std::iter::repeat_n([element, ","], room / (element.len() + 1)).flatten());
        let before = memory("VmRSS");
        parse_page(body.as_bytes(), Offset::UTC).unwrap_err();
        let held = memory("VmHWM").saturating_sub(before);
        let mebibytes = held / 1024 / 1024;
        assert!(held <= MOST_PARSED, "{mebibytes} MiB for {element}");
    }
}

async fn many_floods_at_once_are_not_held_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let flood = Bytes::from(vec![b' '; MAX_RESPONSE_BYTES - 1]);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, flood.clone()));
        }
    });

    let transport = Arc::new(HttpTransport::plain().unwrap());
    let before = memory("VmRSS");
    let calls = (0..TARGETS).map(|_| {
        let request = Request::post(&url).body(Bytes::new()).unwrap();
        timeout(TIMEOUT, transport.send(request))
    });
    let answers = join_all(calls).await;
    assert!(
        answers.iter().all(Result::is_err),
        "a request received its whole response"
    );
    let held = memory("VmHWM").saturating_sub(before);
    let mebibytes = held / 1024 / 1024;
    assert!(held <= MOST_HELD, "{mebibytes} MiB");
}

/// Sends a response just below the limit and never ends it.
async fn serve(mut stream: TcpStream, flood: Bytes) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let _ = stream.write_all(&flood).await;
    // Waits until the client closes the connection.
    while stream.read(&mut request).await.is_ok_and(|count| count > 0) {}
}

/// Returns a figure of this process from `/proc/self/status`, in bytes.
fn memory(figure: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .unwrap();
    let kibibytes = line.split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}
