//! What is held of answers that are all they can be, by one and by many at the same time. It looks at
//! the memory of the whole process, so the test runs in a process of its own.

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

/// So many targets are polled at once. Their answers together would be 800 MiB.
const TARGETS: usize = 200;

/// How long a call may take; in this time every one of them could be read many times over.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A quarter of a megabyte of each, and eight that are read on, each in a buffer that has doubled
/// once too often: 114 MiB. As much again is the allocator's, the sockets' and the test's own.
const MOST_HELD: usize = 2 * (TARGETS * 256 * 1024 + 8 * 2 * MAX_RESPONSE_BYTES);

/// The body is 4 MiB, and what is kept of it is a tenth of that.
const MOST_PARSED: usize = 16 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_has_a_bound() {
    const CHILD: &str = "CLOUDAUDIT_TEST_FLOOD";
    if std::env::var_os(CHILD).is_none() {
        let _turn = crate::turn();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "flood::what_is_held_has_a_bound", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        return;
    }
    // In this order, for the second takes more.
    little_is_held_of_a_million_of_anything();
    many_floods_at_once_are_not_held_at_once().await;
}

/// As many as fit into one answer, each of which takes a hundred times the memory of its two bytes.
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
        "nobody ever gets to the end"
    );
    let held = memory("VmHWM").saturating_sub(before);
    let mebibytes = held / 1024 / 1024;
    assert!(held <= MOST_HELD, "{mebibytes} MiB");
}

/// Sends all but the last byte that would be read.
async fn serve(mut stream: TcpStream, flood: Bytes) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let _ = stream.write_all(&flood).await;
    // Until the client goes away.
    while stream.read(&mut request).await.is_ok_and(|count| count > 0) {}
}

/// A figure of this process in bytes, as the kernel tells it.
fn memory(figure: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .unwrap();
    let kibibytes = line.split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}
