//! One call: what is sent, when, how often, and what is told of it.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::credentials::{
    Credential, FixedProvider, Provided, Provider, ProviderState,
};
use cloudaudit_exporter::tencent::{
    Answer, CallOptions, Client, ClientParts, Ended, Endpoint, MAX_IN_FLIGHT, Observer, Pacer,
    Sent, SourceIpLimit, TransportError, TransportErrorKind,
};
use http::Response;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

mod echo;

use crate::support::recorded::{
    HOUR, REGION, TOKEN, assert_signed, attempts, cloud, count, credential, empty, header, list,
};
use crate::support::scripted::{
    self, EVENING, HOST, SECRET_ID, SECRET_KEY, answer, api_error, options, page,
};

const CHINA: &str = "cloudaudit.tencentcloudapi.com";
fn hang() -> Answer<'static> {
    Box::pin(std::future::pending())
}

fn after(delay: Duration, answer: Answer<'static>) -> Answer<'static> {
    Box::pin(async move {
        sleep(delay).await;
        answer.await
    })
}

fn status(status: u16) -> Answer<'static> {
    let response = Response::builder().status(status);
    let body = Bytes::from_static(b"<html>a gateway</html>");
    Box::pin(std::future::ready(Ok(response.body(body).unwrap())))
}

fn broken(kind: TransportErrorKind) -> Answer<'static> {
    let message = "broken".to_owned();
    Box::pin(std::future::ready(Err(TransportError { kind, message })))
}

fn clock_at(unix_seconds: u64) -> Clock {
    Clock::virtual_at(UNIX_EPOCH + Duration::from_secs(unix_seconds))
}

// What is sent.

#[tokio::test(start_paused = true)]
async fn what_is_sent() {
    let (parts, arrived) = cloud(|_| empty());
    let client = Client::new(parts, options(50));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "https://cloudaudit.intl.tencentcloudapi.com/"
    );
    assert_eq!(&request.body()[..], br#"{"PageNumber":1,"PageSize":50}"#);
    let mut names: Vec<&str> = request
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    let expected = [
        "authorization",
        "content-type",
        "host",
        "x-tc-action",
        "x-tc-language",
        "x-tc-region",
        "x-tc-requestclient",
        "x-tc-timestamp",
        "x-tc-version",
    ];
    assert_eq!(names, expected);
    assert_eq!(header(&request, "host"), HOST);
    let json = "application/json; charset=utf-8";
    assert_eq!(header(&request, "content-type"), json);
    assert_eq!(header(&request, "x-tc-action"), "DescribeAuditTracks");
    assert_eq!(header(&request, "x-tc-version"), "2019-03-19");
    assert_eq!(header(&request, "x-tc-region"), REGION);
    assert_eq!(header(&request, "x-tc-language"), "en-US");
    assert_eq!(header(&request, "x-tc-timestamp"), EVENING.to_string());
    let caller = header(&request, "x-tc-requestclient");
    assert!(caller.starts_with("cloudaudit-exporter"), "{caller}");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_,;.".contains(c);
    assert!(
        caller.len() <= 128 && caller.chars().all(allowed),
        "{caller}"
    );
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

/// The recomputed vector C1, through the whole client.
#[tokio::test(start_paused = true)]
async fn a_signature_is_the_one_that_others_computed() {
    let (parts, arrived) = cloud(|_| empty());
    let clock = clock_at(1_551_113_065);
    let client = Client::new(ClientParts { clock, ..parts }, options(50));
    list(&client, HOUR).await.0.unwrap();
    let authorization = header(&arrived.lock().unwrap()[0].1, "authorization").to_owned();
    let c1 = "9a299400955f961bfad45a06b31ba9e402f42291fc505e9aadb9d8e98da319f8";
    assert!(
        authorization.ends_with(&format!("Signature={c1}")),
        "{authorization}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_is_sent_only_where_there_is_one_and_is_not_signed() {
    let (parts, arrived) = cloud(|_| empty());
    let provider = FixedProvider::new(credential(SECRET_ID, SECRET_KEY, Some(TOKEN)));
    let provider = Arc::new(provider);
    let client = Client::new(ClientParts { provider, ..parts }, options(50));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(header(&request, "x-tc-token"), TOKEN);
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

/// The host is signed as it is sent, and the service is `cloudaudit` at every host.
#[tokio::test(start_paused = true)]
async fn another_endpoint() {
    let (parts, arrived) = cloud(|_| empty());
    let endpoint = Endpoint {
        url: "http://127.0.0.1:8080".to_owned(),
        host: "127.0.0.1:8080".to_owned(),
    };
    let client = Client::new(ClientParts { endpoint, ..parts }, options(100));
    list(&client, HOUR).await.0.unwrap();
    let (_, request) = arrived.lock().unwrap().remove(0);
    assert_eq!(request.uri(), "http://127.0.0.1:8080/");
    assert_eq!(header(&request, "host"), "127.0.0.1:8080");
    assert_eq!(&request.body()[..], br#"{"PageNumber":1,"PageSize":100}"#);
    assert_signed(&request, SECRET_ID, SECRET_KEY);
}

// The key that signs.

/// The recomputed vectors C4 and C5: one second apart, on two days of UTC.
#[tokio::test(start_paused = true)]
async fn the_signing_key_is_another_after_midnight() {
    let (parts, arrived) = cloud(|_| empty());
    let endpoint = Endpoint {
        url: format!("https://{CHINA}"),
        host: CHINA.to_owned(),
    };
    let clock = clock_at(1_551_139_199);
    let parts = ClientParts {
        endpoint,
        clock,
        ..parts
    };
    let client = Client::new(parts, options(50));
    list(&client, HOUR).await.0.unwrap();
    sleep(Duration::from_secs(1)).await;
    list(&client, HOUR).await.0.unwrap();
    let arrived = arrived.lock().unwrap();
    for (index, day, signature) in [
        (
            0,
            "2019-02-25",
            "1cb8ec635025020135a71dd9548653ebd78e2ed5d248f952ae9c76b6bd9373c4",
        ),
        (
            1,
            "2019-02-26",
            "2b8da762f23bd61a5550dadc5f78d3b88318a69977ca25f4fa9e66df70df1bf6",
        ),
    ] {
        let authorization = header(&arrived[index].1, "authorization");
        assert!(authorization.contains(day), "{authorization}");
        assert!(authorization.ends_with(signature), "{authorization}");
    }
}

/// Gives one credential after the other, each twice.
struct Rotating {
    credentials: Vec<Arc<Credential>>,
    given: AtomicUsize,
}

impl Provider for Rotating {
    fn name(&self) -> &'static str {
        "rotating"
    }

    fn identity(&self) -> Option<String> {
        None
    }

    fn credential(&self) -> Provided<'_> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let credential = &self.credentials[given / 2 % self.credentials.len()];
        Box::pin(std::future::ready(Ok(Arc::clone(credential))))
    }

    fn state(&self) -> Option<ProviderState> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn the_signing_key_is_another_for_another_credential() {
    let (parts, arrived) = cloud(|_| empty());
    // The same id with another key, another id with the same key, and the first once more.
    let generations = [
        (SECRET_ID, SECRET_KEY, None),
        (SECRET_ID, "another-key", None),
        ("AKIDanother", "another-key", Some(TOKEN)),
    ];
    let provider = Arc::new(Rotating {
        credentials: generations
            .iter()
            .map(|(id, key, token)| Arc::new(credential(id, key, *token)))
            .collect(),
        given: AtomicUsize::new(0),
    });
    let client = Client::new(ClientParts { provider, ..parts }, options(50));
    for _ in 0..8 {
        list(&client, HOUR).await.0.unwrap();
    }
    let arrived = arrived.lock().unwrap();
    for (index, (_, request)) in arrived.iter().enumerate() {
        let (id, key, token) = generations[index / 2 % 3];
        assert_signed(request, id, key);
        let sent = request.headers().get("x-tc-token");
        assert_eq!(sent.map(|token| token.to_str().unwrap()), token);
    }
}

// Attempts.

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_and_how_often() {
    type Script = fn() -> Answer<'static>;
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
async fn an_attempt_is_made_even_where_none_is_allowed() {
    for (allowed, made) in [(0, 1), (1, 1), (2, 2)] {
        let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
        let client = Client::new(parts, attempts(allowed));
        list(&client, HOUR).await.0.unwrap_err();
        assert_eq!(count(&arrived), made, "{allowed} attempts");
    }
}

/// Once in a call, not once in a row.
#[tokio::test(start_paused = true)]
async fn what_is_not_json_is_tried_again_once() {
    let (parts, arrived) = cloud(|call| match call {
        0 | 2 => answer("<html>"),
        1 => answer(api_error("InternalError")),
        _ => empty(),
    });
    let client = Client::new(parts, attempts(10));
    let (listing, _) = list(&client, HOUR).await;
    assert_eq!(listing.unwrap_err().reason, Reason::Malformed);
    assert_eq!(count(&arrived), 3);
    // And the next call may again.
    let (listing, _) = list(&client, HOUR).await;
    listing.unwrap();
}

/// One retry can be enough; each is counted, named a retry, and signed for its own second.
#[tokio::test(start_paused = true)]
async fn a_retry_is_signed_anew_and_told_of() {
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

/// Half a second, doubled up to eight, each with jitter up to as much again.
#[tokio::test(start_paused = true)]
async fn the_waits_grow_to_a_bound_and_differ() {
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
            "it is told at once, {:?}",
            start.elapsed()
        );
        let arrived = arrived.lock().unwrap();
        assert_eq!(arrived[0].0, start, "the first try is no retry");
        assert!(arrived.last().unwrap().0 <= start + limit);
        // The longest wait is 16 s, so something was tried in the last 16 before the deadline.
        assert!(arrived.last().unwrap().0 + Duration::from_secs(16) >= start + limit);
    }
}

/// A retry whose turn comes too late is not sent, fails as the try before it did, and costs those
/// behind it nothing.
#[tokio::test(start_paused = true)]
async fn no_retry_starts_after_the_deadline_even_out_of_the_queue() {
    let (parts, arrived) = cloud(|_| answer(api_error("InternalError")));
    let pacer = Arc::clone(&parts.pacer);
    let client = Client::new(parts, attempts(10));
    let start = Instant::now();
    let turns = async {
        sleep(Duration::from_millis(100)).await;
        let permit = pacer.acquire().await;
        sleep(Duration::from_secs(5)).await;
        drop(permit);
    };
    let ((listing, notes), ()) = tokio::join!(list(&client, Duration::from_secs(2)), turns);
    assert_eq!(listing.unwrap_err().code, "InternalError");
    assert_eq!(count(&arrived), 1);
    assert_eq!(notes.counts(), (1, 0, 1));
    let queued = Instant::now();
    assert!(queued < start + Duration::from_millis(5_200));
    pacer.acquire().await.consume();
    assert_eq!(queued.elapsed(), Duration::ZERO, "the slot was given back");
}

/// The deadline is one of retries: what is asked for the first time may come later, page by page.
#[tokio::test(start_paused = true)]
async fn later_pages_are_asked_for_after_the_deadline() {
    let (parts, arrived) = cloud(|call| {
        let call = call as u64;
        after(Duration::from_secs(2), answer(page(&[call], 5)))
    });
    let client = Client::new(parts, options(1));
    let (listing, _) = list(&client, Duration::from_secs(3)).await;
    assert_eq!(listing.unwrap().tracks.len(), 5);
    assert_eq!(count(&arrived), 5);
}

// Time limits.

#[tokio::test(start_paused = true)]
async fn a_hang_ends_at_the_time_limit() {
    for limit in [300, 1_000, 2_500, 10_000] {
        let limit = Duration::from_millis(limit);
        let (parts, _) = cloud(|_| hang());
        let options = CallOptions {
            timeout: limit,
            ..attempts(1)
        };
        let client = Client::new(parts, options);
        let start = Instant::now();
        let failure = list(&client, HOUR).await.0.unwrap_err();
        assert_eq!(
            (failure.reason, &*failure.code),
            (Reason::Unavailable, "timeout")
        );
        assert!(failure.message.contains("poll.timeout"), "{failure}");
        let took = start.elapsed();
        let latest = limit + Duration::from_millis(2);
        assert!(took >= limit && took <= latest, "{took:?} of {limit:?}");
    }
}

/// An answer just within the limit is an answer, and one that dribbles in later is none.
#[tokio::test(start_paused = true)]
async fn the_time_limit_is_that_of_the_whole_answer() {
    for (takes, is_good) in [(9_900, true), (10_100, false)] {
        let (parts, _) = cloud(move |_| after(Duration::from_millis(takes), empty()));
        let client = Client::new(parts, attempts(1));
        let listing = list(&client, HOUR).await.0;
        assert_eq!(listing.is_ok(), is_good, "{takes} ms");
    }
}

/// Waiting for the pacer and for a place counts for the poll, not for the call's limit.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_is_not_part_of_the_call() {
    let (parts, _) = cloud(|_| after(Duration::from_secs(9), empty()));
    let pacer = Arc::clone(&parts.pacer);
    let in_flight = Arc::clone(&parts.in_flight);
    let client = Client::new(parts, attempts(1));
    let busy = async {
        let permit = pacer.acquire().await;
        sleep(Duration::from_secs(30)).await;
        let all = u32::try_from(MAX_IN_FLIGHT).unwrap();
        let places = in_flight.acquire_many(all).await.unwrap();
        drop(permit);
        sleep(Duration::from_secs(12)).await;
        drop(places);
    };
    // The busy one is polled first, so it is in front.
    let both = async { tokio::join!(biased; busy, list(&client, HOUR)) };
    let ((), (listing, notes)) = timeout(HOUR, both).await.expect("no deadlock");
    listing.unwrap();
    assert_eq!(
        notes.sent.lock().unwrap()[0].waited,
        Duration::from_secs(42)
    );
}

// Places in flight.

#[tokio::test(start_paused = true)]
async fn no_more_than_the_cap_are_in_flight() {
    static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let (shared, arrived) = cloud(|_| {
        MOST.fetch_max(
            IN_FLIGHT.fetch_add(1, Ordering::Relaxed) + 1,
            Ordering::Relaxed,
        );
        Box::pin(async {
            sleep(Duration::from_millis(900)).await;
            IN_FLIGHT.fetch_sub(1, Ordering::Relaxed);
            empty().await
        })
    });
    let start = Instant::now();
    let calls = (0..200).map(|_| {
        let client = Client::new(beside(&shared), attempts(1));
        async move { list(&client, HOUR).await.0.unwrap() }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(count(&arrived), 200);
    assert_eq!(MOST.load(Ordering::Relaxed), MAX_IN_FLIGHT);
    let rounds = start.elapsed().as_secs_f64() / 0.9;
    assert!(
        (3.9..4.1).contains(&rounds),
        "200 calls, 64 at a time: {rounds}"
    );
}

/// Another account of the same process: its pacer is its own.
fn beside(parts: &ClientParts) -> ClientParts {
    ClientParts {
        endpoint: parts.endpoint.clone(),
        transport: Arc::clone(&parts.transport),
        provider: Arc::clone(&parts.provider),
        pacer: Arc::new(Pacer::new(100, SourceIpLimit::default())),
        in_flight: Arc::clone(&parts.in_flight),
        clock: parts.clock.clone(),
    }
}

/// What hangs gives its place back after a second, and goes on hanging without it.
#[tokio::test(start_paused = true)]
async fn hanging_calls_do_not_keep_their_places() {
    let (shared, _) = cloud(|call| {
        if call < MAX_IN_FLIGHT {
            hang()
        } else {
            empty()
        }
    });
    let hanging: Vec<_> = (0..MAX_IN_FLIGHT)
        .map(|_| {
            let client = Client::new(beside(&shared), attempts(1));
            tokio::spawn(async move { list(&client, HOUR).await.0 })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(
        shared.in_flight.available_permits(),
        0,
        "all places are taken"
    );
    let healthy = Client::new(beside(&shared), attempts(1));
    let start = Instant::now();
    list(&healthy, HOUR).await.0.unwrap();
    assert!(
        start.elapsed() <= Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    list(&healthy, HOUR).await.0.unwrap();
    assert!(
        start.elapsed() <= Duration::from_millis(1_020),
        "no second wait"
    );
    for call in hanging {
        let failure = call.await.unwrap().unwrap_err();
        assert_eq!(failure.code, "timeout");
    }
    assert!(
        start.elapsed() >= Duration::from_secs(9),
        "they hung on to the end"
    );
    assert_eq!(shared.in_flight.available_permits(), MAX_IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn an_answer_gives_its_place_back_at_once() {
    let (parts, _) = cloud(|call| match call {
        0 => broken(TransportErrorKind::Connect),
        _ => empty(),
    });
    let in_flight = Arc::new(Semaphore::new(1));
    let parts = ClientParts { in_flight, ..parts };
    let client = Client::new(parts, attempts(1));
    let start = Instant::now();
    list(&client, HOUR).await.0.unwrap_err();
    for _ in 0..10 {
        list(&client, HOUR).await.0.unwrap();
    }
    assert!(
        start.elapsed() <= Duration::from_millis(120),
        "{:?}",
        start.elapsed()
    );
}

/// A poll that is cut leaves nothing behind: no place, no turn.
#[tokio::test(start_paused = true)]
async fn a_cut_poll_gives_back_what_it_held() {
    let (parts, _) = cloud(|_| hang());
    let (in_flight, pacer) = (Arc::clone(&parts.in_flight), Arc::clone(&parts.pacer));
    let client = Client::new(parts, attempts(3));
    let cut = timeout(Duration::from_millis(500), list(&client, HOUR)).await;
    assert!(cut.is_err(), "it hangs");
    assert_eq!(in_flight.available_permits(), MAX_IN_FLIGHT);
    let now = Instant::now();
    pacer.acquire().await.consume();
    assert_eq!(now.elapsed(), Duration::ZERO);
}

// What is told.

/// Writes down the clock's skew and the duration of each call.
#[derive(Default)]
struct Times(Mutex<Vec<(Option<f64>, Duration)>>);

impl Observer for Times {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, call: &Ended<'_>) {
        self.0.lock().unwrap().push((call.clock_skew, call.took));
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_clock_is_compared_with_ours() {
    let dated = |date: &'static str, status: u16| -> Answer<'static> {
        let response = Response::builder().status(status).header("date", date);
        let body = Bytes::from(page(&[], 0));
        Box::pin(std::future::ready(Ok(response.body(body).unwrap())))
    };
    let two = Duration::from_secs(2);
    let (parts, _) = cloud(move |call| match call {
        // Ours is 23:59:00, and theirs somewhere in the second that the header names.
        0 => dated("Mon, 25 Feb 2019 23:59:10 GMT", 200),
        1 => dated("Mon, 25 Feb 2019 23:54:00 GMT", 502),
        2 => dated("yesterday", 200),
        3 => broken(TransportErrorKind::Connect),
        4 => empty(),
        // Written somewhere between sending and receiving.
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

/// A gateway that quotes the request in its error would put the signature into our log.
#[tokio::test(start_paused = true)]
async fn what_was_sent_does_not_come_back_into_a_message() {
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
