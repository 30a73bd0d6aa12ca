//! Which calls are retried, how often, and until when.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::{Client, ResponseFuture, TransportErrorKind};
use tokio::time::{Instant, sleep};

use super::{after, broken, hang, status};
use crate::support::recorded::{HOUR, assert_signed, attempts, cloud, count, empty, header, list};
use crate::support::scripted::{EVENING, SECRET_ID, SECRET_KEY, answer, api_error, options, page};

// Attempts.

#[tokio::test(start_paused = true)]
async fn each_kind_of_failure_has_its_number_of_attempts() {
    type Script = fn() -> ResponseFuture<'static>;
    let cases: [(&str, Script, usize, Reason); 17] = [
        (
            "throttled",
            || answer(api_error("RequestLimitExceeded")),
            4,
            Reason::Throttled,
        ),
        ("429", || status(429), 4, Reason::Throttled),
        (
            "InternalError",
            || answer(api_error("InternalError")),
            4,
            Reason::Unavailable,
        ),
        (
            "unknown",
            || answer(api_error("Novel")),
            4,
            Reason::Unavailable,
        ),
        ("502", || status(502), 4, Reason::Unavailable),
        (
            "connect",
            || broken(TransportErrorKind::Connect),
            4,
            Reason::Unavailable,
        ),
        (
            "tls",
            || broken(TransportErrorKind::Tls),
            4,
            Reason::Unavailable,
        ),
        (
            "timeout",
            || broken(TransportErrorKind::Timeout),
            4,
            Reason::Unavailable,
        ),
        ("hang", hang, 4, Reason::Unavailable),
        ("not JSON", || answer("<html>"), 2, Reason::Malformed),
        (
            "unexpected response format",
            || answer(r#"{"Response":{}}"#),
            1,
            Reason::Malformed,
        ),
        (
            "too large",
            || broken(TransportErrorKind::TooLarge),
            1,
            Reason::Malformed,
        ),
        (
            "denied",
            || answer(api_error("UnauthorizedOperation")),
            1,
            Reason::Unauthorized,
        ),
        (
            "key",
            || answer(api_error("AuthFailure.SignatureFailure")),
            1,
            Reason::Unauthenticated,
        ),
        (
            "region",
            || answer(api_error("UnsupportedRegion")),
            1,
            Reason::Rejected,
        ),
        ("302", || status(302), 1, Reason::Rejected),
        ("403", || status(403), 1, Reason::Rejected),
    ];
    for (name, script, tries, reason) in cases {
        let (parts, arrived) = cloud(move |_| script());
        let client = Client::new(parts, attempts(4));
        let (listing, notes) = list(&client, HOUR).await;
        assert_eq!(listing.expect_err(name).reason, reason, "{name}");
        assert_eq!(count(&arrived), tries, "{name}");
        assert_eq!(notes.counts(), (tries, 0, tries), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn zero_allowed_attempts_still_send_one_request() {
    for (allowed, made) in [(0, 1), (1, 1), (2, 2)] {
        let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
        let client = Client::new(parts, attempts(allowed));
        list(&client, HOUR).await.0.unwrap_err();
        assert_eq!(count(&arrived), made, "{allowed} attempts");
    }
}

/// Once per call, even if another failure comes in between.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_json_is_retried_once() {
    let (parts, arrived) = cloud(|call| match call {
        0 | 2 => answer("<html>"),
        1 => answer(api_error("InternalError")),
        _ => empty(),
    });
    let client = Client::new(parts, attempts(10));
    let (listing, _) = list(&client, HOUR).await;
    assert_eq!(listing.unwrap_err().reason, Reason::Malformed);
    assert_eq!(count(&arrived), 3);
    // The next call has its own retry.
    let (listing, _) = list(&client, HOUR).await;
    listing.unwrap();
}

/// Each retry is counted, marked as a retry, and signed with its own timestamp.
#[tokio::test(start_paused = true)]
async fn a_retry_is_signed_again_and_observed() {
    let (parts, arrived) = cloud(|call| match call {
        0 => answer(api_error("RequestLimitExceeded")),
        1 => after(Duration::from_secs(2), status(503)),
        _ => empty(),
    });
    let client = Client::new(parts, attempts(3));
    let (listing, notes) = list(&client, HOUR).await;
    listing.unwrap();
    assert_eq!(notes.counts(), (3, 1, 2));
    let sent = notes.sent.lock().unwrap();
    let retries: Vec<bool> = sent.iter().map(|call| call.retry).collect();
    assert_eq!(retries, [false, true, true]);
    assert!(sent.iter().all(|call| call.action == "DescribeAuditTracks"));
    let ended = notes.ended.lock().unwrap();
    let codes: Vec<Option<&str>> = ended
        .iter()
        .map(|ended| ended.as_ref().err().map(|failure| &*failure.code))
        .collect();
    assert_eq!(
        codes,
        [Some("RequestLimitExceeded"), Some("http_503"), None]
    );

    let arrived = arrived.lock().unwrap();
    let start = arrived[0].0;
    for (at, request) in arrived.iter() {
        let now = EVENING + (*at - start).as_secs();
        assert_eq!(header(request, "x-tc-timestamp"), now.to_string());
        assert_signed(request, SECRET_ID, SECRET_KEY);
    }
    assert_ne!(
        header(&arrived[0].1, "authorization"),
        header(&arrived[2].1, "authorization")
    );
}

/// Half a second, doubled up to 8 s, plus jitter of up to the same length.
#[tokio::test(start_paused = true)]
async fn backoff_doubles_to_a_cap_with_jitter() {
    let mut first_waits = Vec::new();
    for _ in 0..20 {
        let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
        let client = Client::new(parts, attempts(8));
        list(&client, HOUR).await.0.unwrap_err();
        let arrived = arrived.lock().unwrap();
        let times: Vec<Instant> = arrived.iter().map(|(at, _)| *at).collect();
        assert_eq!(times.len(), 8);
        for (pair, least) in times.windows(2).zip([0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]) {
            let wait = (pair[1] - pair[0]).as_secs_f64();
            assert!(
                wait >= least && wait <= 2.0 * least + 0.002,
                "{wait} of {least}"
            );
        }
        first_waits.push(times[1] - times[0]);
    }
    first_waits.sort();
    let least_spread = Duration::from_millis(50);
    assert!(
        *first_waits.last().unwrap() > first_waits[0] + least_spread,
        "no jitter: {first_waits:?}"
    );
}

// The deadline of retries.

#[tokio::test(start_paused = true)]
async fn no_retry_starts_after_the_deadline() {
    for limit in [0, 1, 3, 10, 60] {
        let limit = Duration::from_secs(limit);
        let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
        let client = Client::new(parts, attempts(1_000));
        let start = Instant::now();
        let (listing, _) = list(&client, limit).await;
        assert_eq!(listing.unwrap_err().code, "InternalError");
        assert!(
            start.elapsed() <= limit,
            "the failure is returned immediately, {:?}",
            start.elapsed()
        );
        let arrived = arrived.lock().unwrap();
        assert_eq!(
            arrived[0].0, start,
            "the first attempt ignores the deadline"
        );
        assert!(arrived.last().unwrap().0 <= start + limit);
        // The longest wait is 16 s, so an attempt was made in the last 16 s before the deadline.
        assert!(arrived.last().unwrap().0 + Duration::from_secs(16) >= start + limit);
    }
}

/// A retry whose slot comes after the deadline is not sent. The call fails like its last attempt,
/// and the slot goes to the next call.
#[tokio::test(start_paused = true)]
async fn a_queued_retry_is_dropped_at_the_deadline() {
    let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
    let pacer = Arc::clone(&parts.pacer);
    let client = Client::new(parts, attempts(10));
    let start = Instant::now();
    let turns = async {
        sleep(Duration::from_millis(100)).await;
        let turn = pacer.acquire().await;
        sleep(Duration::from_secs(5)).await;
        drop(turn);
    };
    let ((listing, notes), ()) = tokio::join!(list(&client, Duration::from_secs(2)), turns);
    assert_eq!(listing.unwrap_err().code, "InternalError");
    assert_eq!(count(&arrived), 1);
    assert_eq!(notes.counts(), (1, 0, 1));
    let queued = Instant::now();
    assert!(queued < start + Duration::from_millis(5_200));
    pacer.acquire().await.consume();
    assert_eq!(queued.elapsed(), Duration::ZERO, "the slot was freed");
}

/// The deadline applies to retries only: first requests for later pages may follow it.
#[tokio::test(start_paused = true)]
async fn later_pages_are_requested_after_the_deadline() {
    let (parts, arrived) = cloud(|call| {
        let call = call as u64;
        after(Duration::from_secs(2), answer(page(&[call], 5)))
    });
    let client = Client::new(parts, options(1));
    let (listing, _) = list(&client, Duration::from_secs(3)).await;
    assert_eq!(listing.unwrap().tracks.len(), 5);
    assert_eq!(count(&arrived), 5);
}
