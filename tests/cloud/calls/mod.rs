//! One call: what it sends, when, how often, and what an observer sees of it.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::tencent::credentials::FixedProvider;
use cloudaudit_exporter::tencent::{
    Client, ClientParts, Ended, Observer, Pacer, ResponseFuture, Sent, SourceIpLimit,
    TransportError, TransportErrorKind,
};
use http::Response;
use tokio::time::{Instant, sleep};

use crate::support::recorded::{
    HOUR, REGION, TOKEN, attempts, cloud, credential, empty, header, list,
};
use crate::support::scripted::{self, answer, options, page};

mod limits;
mod redaction;
mod request;
mod retries;

const CHINA: &str = "cloudaudit.tencentcloudapi.com";
fn hang() -> ResponseFuture<'static> {
    Box::pin(std::future::pending())
}

fn after(delay: Duration, answer: ResponseFuture<'static>) -> ResponseFuture<'static> {
    Box::pin(async move {
        sleep(delay).await;
        answer.await
    })
}

fn status(status: u16) -> ResponseFuture<'static> {
    let response = Response::builder().status(status);
    let body = Bytes::from_static(b"<html>a gateway</html>");
    Box::pin(std::future::ready(Ok(response.body(body).unwrap())))
}

fn broken(kind: TransportErrorKind) -> ResponseFuture<'static> {
    let message = "broken".to_owned();
    Box::pin(std::future::ready(Err(TransportError { kind, message })))
}

fn clock_at(unix_seconds: u64) -> Clock {
    Clock::virtual_at(UNIX_EPOCH + Duration::from_secs(unix_seconds))
}

// What an observer sees.

/// Records the clock skew and the duration of each call.
#[derive(Default)]
struct Times(Mutex<Vec<(Option<f64>, Duration)>>);

impl Observer for Times {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, call: &Ended<'_>) {
        self.0.lock().unwrap().push((call.clock_skew, call.took));
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_clock_is_compared_with_the_local_clock() {
    let dated = |date: &'static str, status: u16| -> ResponseFuture<'static> {
        let response = Response::builder().status(status).header("date", date);
        let body = Bytes::from(page(&[], 0));
        Box::pin(std::future::ready(Ok(response.body(body).unwrap())))
    };
    let two = Duration::from_secs(2);
    let (parts, _) = cloud(move |call| match call {
        // The local clock is 23:59:00; the server's is somewhere within the second in the header.
        0 => dated("Mon, 25 Feb 2019 23:59:10 GMT", 200),
        1 => dated("Mon, 25 Feb 2019 23:54:00 GMT", 502),
        2 => dated("yesterday", 200),
        3 => broken(TransportErrorKind::Connect),
        4 => empty(),
        // The server wrote the header between sending and receiving.
        _ => after(two, dated("Tue, 26 Feb 2019 00:00:01 GMT", 200)),
    });
    let pacer = Arc::new(Pacer::new(1_000_000, SourceIpLimit::default())); // so that no time passes in between
    let client = Client::new(ClientParts { pacer, ..parts }, attempts(1));
    let times = Times::default();
    for _ in 0..6 {
        let _ = client.list(REGION, Instant::now(), &times).await;
    }
    let times = times.0.lock().unwrap();
    let expected = [Some(10.5), Some(-299.5), None, None, None, Some(60.5)];
    for ((skew, _), expected) in times.iter().zip(expected) {
        match (skew, expected) {
            (Some(skew), Some(expected)) => {
                assert!((skew - expected).abs() < 0.05, "{skew} is not {expected}");
            }
            (skew, expected) => assert_eq!(*skew, expected),
        }
    }
    assert_eq!(times.len(), 6);
    assert_eq!(times[0].1, Duration::ZERO);
    assert!(times[5].1 >= two && times[5].1 < two + Duration::from_millis(2));
}

/// Without redaction, a gateway that quotes the request in its error would leak the signature into
/// the log.
#[tokio::test(start_paused = true)]
async fn a_quoted_request_is_redacted_in_the_message() {
    let transport = scripted::scripted(|_, _, request| {
        let quoted = |name: &str| header(request, name).to_owned();
        let message = format!(
            "no {} with {}",
            quoted("authorization"),
            quoted("x-tc-token")
        );
        let error = serde_json::json!({"Code": "AuthFailure", "Message": message});
        answer(serde_json::json!({"Response": {"Error": error, "RequestId": "r"}}).to_string())
    });
    let provider = Arc::new(FixedProvider::new(credential(
        "AKIDquoted",
        "the-key",
        Some(TOKEN),
    )));
    let parts = ClientParts {
        provider,
        ..scripted::parts(transport)
    };
    let (listing, _) = list(&Client::new(parts, options(50)), HOUR).await;
    let message = listing.unwrap_err().message;
    assert!(message.contains("Signature=***"), "{message}");
    for secret in ["AKIDquoted", TOKEN] {
        assert!(!message.contains(secret), "{message}");
    }
}
