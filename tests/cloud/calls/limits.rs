//! The timeout of a call, and the cap on calls in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::{
    CallOptions, Client, ClientParts, MAX_IN_FLIGHT, Pacer, SourceIpLimit, TransportErrorKind,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::{after, broken, hang};
use crate::support::recorded::{HOUR, attempts, cloud, count, empty, list};

#[tokio::test(start_paused = true)]
async fn a_hanging_call_ends_at_the_timeout() {
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

/// A response that completes just before the timeout counts; a later one does not.
#[tokio::test(start_paused = true)]
async fn the_timeout_covers_the_complete_response() {
    for (takes, is_good) in [(9_900, true), (10_100, false)] {
        let (parts, _) = cloud(move |_| after(Duration::from_millis(takes), empty()));
        let client = Client::new(parts, attempts(1));
        let listing = list(&client, HOUR).await.0;
        assert_eq!(listing.is_ok(), is_good, "{takes} ms");
    }
}

/// Waiting for the pacer and for a permit counts toward the poll, not toward the call's timeout.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_does_not_count_toward_the_call_timeout() {
    let (parts, _) = cloud(|_| after(Duration::from_secs(9), empty()));
    let pacer = Arc::clone(&parts.pacer);
    let in_flight = Arc::clone(&parts.in_flight);
    let client = Client::new(parts, attempts(1));
    let busy = async {
        let turn = pacer.acquire().await;
        sleep(Duration::from_secs(30)).await;
        let all = u32::try_from(MAX_IN_FLIGHT).unwrap();
        let permits = in_flight.acquire_many(all).await.unwrap();
        drop(turn);
        sleep(Duration::from_secs(12)).await;
        drop(permits);
    };
    // `busy` is polled first, so it gets the slot and the permits first.
    let both = async { tokio::join!(biased; busy, list(&client, HOUR)) };
    let ((), (listing, notes)) = timeout(HOUR, both).await.expect("no deadlock");
    listing.unwrap();
    assert_eq!(
        notes.sent.lock().unwrap()[0].waited,
        Duration::from_secs(42)
    );
}

// Permits for calls in flight.

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
        let client = Client::new(other_account(&shared), attempts(1));
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

/// Returns the parts of another account of the same process, with its own pacer.
fn other_account(parts: &ClientParts) -> ClientParts {
    ClientParts {
        endpoint: parts.endpoint.clone(),
        transport: Arc::clone(&parts.transport),
        provider: Arc::clone(&parts.provider),
        pacer: Arc::new(Pacer::new(100, SourceIpLimit::default())),
        in_flight: Arc::clone(&parts.in_flight),
        clock: parts.clock.clone(),
    }
}

/// A hanging call releases its permit after a second and keeps waiting without it.
#[tokio::test(start_paused = true)]
async fn hanging_calls_release_their_permits() {
    let (shared, _) = cloud(|call| {
        if call < MAX_IN_FLIGHT {
            hang()
        } else {
            empty()
        }
    });
    let hanging: Vec<_> = (0..MAX_IN_FLIGHT)
        .map(|_| {
            let client = Client::new(other_account(&shared), attempts(1));
            tokio::spawn(async move { list(&client, HOUR).await.0 })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(
        shared.in_flight.available_permits(),
        0,
        "all permits are in use"
    );
    let healthy = Client::new(other_account(&shared), attempts(1));
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
        "the calls hung until their timeout"
    );
    assert_eq!(shared.in_flight.available_permits(), MAX_IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn a_response_releases_its_permit_immediately() {
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

/// A canceled poll holds neither a permit nor a slot of the pacer.
#[tokio::test(start_paused = true)]
async fn a_canceled_poll_releases_its_permit_and_slot() {
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
