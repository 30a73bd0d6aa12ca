//! Poll timeouts: when a poll is aborted, and which failure it reports.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use tokio::time::Instant;

use super::cloud::{AUDIT_ALL, Call, Reply, error, listing, page};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL};

/// Each page takes most of an interval and shows one new track of many, so only the timeout ends
/// the walk.
fn slow_walk(call: &Call) -> Reply {
    let track = format!(r#"{{"TrackId":{},"Status":1}}"#, call.page);
    Reply::Late(SLOW, page(1_000, &[&track]))
}

const SLOW: Duration = Duration::from_secs(50);

/// The duration of a failing call.
const TRY: Duration = Duration::from_secs(1);

fn slow_world(script: impl FnMut(&Call) -> Reply + Send + 'static) -> World {
    let mut world = World::new(script);
    world.options.timeout = INTERVAL;
    world
}

#[tokio::test(start_paused = true)]
async fn no_poll_is_longer_than_four_intervals() {
    let world = slow_world(slow_walk);
    let start = world.start("a", &["r"]);
    intervals_after(start, 20).await;
    let target = world.target("r");
    let took = target.last_poll.expect("it timed out").took;
    assert!(took <= 4 * INTERVAL, "{took:?}");
    assert!(took + INTERVAL / 100 > 4 * INTERVAL, "{took:?}");
    let failure = target.failure.expect("it timed out");
    assert_eq!(
        (failure.reason, &*failure.code),
        (Reason::Unavailable, "timeout")
    );
    assert!(
        target.last_good.is_none(),
        "a partial listing is not published"
    );
}

/// The poll that is due when another one times out can start.
#[tokio::test(start_paused = true)]
async fn a_poll_that_times_out_costs_exactly_three_others() {
    let world = slow_world(slow_walk);
    let start = world.start("a", &["r"]);
    intervals_after(start, 101).await;
    let polls = world.cloud.polls_of("r");
    for pair in polls[1..].windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap.abs_diff(4 * INTERVAL) < COARSE, "{gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_times_out_reports_the_failure_of_its_last_failed_call() {
    let mut failed = 0;
    let world = slow_world(move |call| {
        if call.page == 2 && failed < 2 {
            failed += 1;
            let first = failed == 1;
            return error(if first {
                "InternalError"
            } else {
                "RequestLimitExceeded"
            });
        }
        slow_walk(call)
    });
    let start = world.start("a", &["r"]);
    intervals_after(start, 4).await;
    let target = world.target("r");
    assert_eq!(target.counters.polls, 1);
    let failure = target.failure.expect("it timed out");
    assert_eq!(failure.reason, Reason::Throttled);
    assert_eq!(failure.code, "RequestLimitExceeded");
    assert_eq!(failure.request_id.as_deref(), Some("ed93"));
}

#[tokio::test(start_paused = true)]
async fn no_retry_starts_more_than_an_interval_after_its_poll_began() {
    let mut world = World::new(|_| match error("InternalError") {
        Reply::Body(body) => Reply::Late(TRY, body),
        reply => reply,
    });
    world.options.attempts = u32::MAX;
    let start = world.start("a", &["r"]);
    intervals_after(start, 30).await;

    let target = world.target("r");
    let calls = world.cloud.polls_of("r");
    let polls = target.counters.polls;
    assert!(polls >= 14, "{polls}");
    assert!(calls.len() as u64 > 5 * polls, "{}", calls.len());
    // The last attempt begins within the interval and takes a second.
    let longest = world
        .published()
        .iter()
        .filter_map(|it| it.target("r").last_poll)
        .map(|poll| poll.took)
        .max();
    assert!(longest <= Some(INTERVAL + TRY + COARSE), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_target_recovers_within_an_interval() {
    for fault in [
        (|_: &Call| Reply::Silence) as fn(&Call) -> Reply,
        |_| error("InternalError"),
        |_| error("AuthFailure.SecretIdNotFound"),
        |_| error("UnauthorizedOperation"),
        |_| error("InvalidParameter"),
        |_| Reply::Body("<html>".to_owned()),
        |_| Reply::Body(page(2, &[AUDIT_ALL])),
    ] {
        let world = World::new(|_| listing(&[AUDIT_ALL]));
        let start = world.start("a", &["r"]);
        intervals_after(start, 2).await;
        let good = world.target("r").last_good.expect("it was listed");
        world.cloud.play(fault);
        intervals_after(start, 5).await;
        let failing = world.target("r");
        assert!(!failing.is_up());
        let kept = failing.last_good.expect("it is kept");
        assert_eq!(kept.listing, good.listing);
        let since = failing.last_poll.expect("polls have ended").at;
        assert!(kept.at + INTERVAL < since, "{kept:?}");

        world.cloud.play(|_| listing(&[AUDIT_ALL]));
        let recovered = Instant::now();
        intervals_after(start, 6).await;
        let published = world.published();
        let first = published
            .iter()
            .find(|it| it.now.steady > recovered && it.target("r").is_up())
            .expect("it is up again");
        assert!(first.now.steady - recovered <= INTERVAL + COARSE);
    }
}

/// Every call that was sent ends, even one that the timeout aborts.
#[tokio::test(start_paused = true)]
async fn an_aborted_call_counts_as_failed() {
    let world = slow_world(slow_walk);
    let start = world.start("a", &["r"]);
    // Just after the first timeout.
    intervals_after(start, 4).await;
    let api = world.published().last().unwrap().report.api.clone();
    let sent: u64 = api.requests.values().sum();
    let failed: u64 = api.failures.values().sum();
    assert!(sent > 3, "{sent}");
    assert_eq!(failed, 1, "the aborted call");
    assert_eq!(api.failures[Reason::Unavailable], 1);
    assert!(api.errors.keys().all(|(_, code)| code == "timeout"));
    let under_way = 1;
    let ended = *world.observed.ended.lock().unwrap();
    let all_sent = world.observed.sent.lock().unwrap().len() as u64;
    assert!(
        ended + under_way >= all_sent && ended <= all_sent,
        "{ended} of {all_sent}"
    );
}

/// Dropping an account ends its calls in flight and releases their permits.
#[tokio::test(start_paused = true)]
async fn a_dropped_account_ends_its_calls() {
    let world = World::new(|_| Reply::Silence);
    let now = Instant::now();
    let task = tokio::spawn(world.account("a", &["r", "s", "t"]).await.run(now));
    intervals_after(now, 0).await;
    assert_eq!(world.observed.sent.lock().unwrap().len(), 3);
    assert_eq!(*world.observed.ended.lock().unwrap(), 0);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(*world.observed.ended.lock().unwrap(), 3);
    assert_eq!(world.in_flight(), 0);
}
