//! No poll is for ever: when it is cut, and what it is said to have failed of.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use tokio::time::Instant;

use super::cloud::{AUDIT_ALL, Call, Reply, error, listing, page};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL};

/// A page takes most of an interval and shows one new track of many: such a walk ends only by being
/// cut.
fn slow_walk(call: &Call) -> Reply {
    let track = format!(r#"{{"TrackId":{},"Status":1}}"#, call.page);
    Reply::Late(SLOW, page(1_000, &[&track]))
}

const SLOW: Duration = Duration::from_secs(50);

/// How long a call takes that fails.
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
    let took = target.last_poll.expect("it was cut").took;
    assert!(took <= 4 * INTERVAL, "{took:?}");
    assert!(took + INTERVAL / 100 > 4 * INTERVAL, "{took:?}");
    let failure = target.failure.expect("it was cut");
    assert_eq!(
        (failure.reason, &*failure.code),
        (Reason::Unavailable, "timeout")
    );
    assert!(target.last_good.is_none(), "a part of a listing is none");
}

/// A cut poll makes room for the one that is due at its end.
#[tokio::test(start_paused = true)]
async fn a_poll_that_is_cut_costs_three_others_and_no_more() {
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
async fn a_poll_that_is_cut_failed_of_what_its_last_failed_call_did() {
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
    let failure = target.failure.expect("it was cut");
    assert_eq!(failure.reason, Reason::Throttled);
    assert_eq!(failure.code, "RequestLimitExceeded");
    assert_eq!(failure.request_id.as_deref(), Some("ed93"));
}

#[tokio::test(start_paused = true)]
async fn no_retry_starts_later_than_an_interval_after_its_poll_began() {
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
    // The last try begins within the interval and takes a second.
    let longest = world
        .published()
        .iter()
        .filter_map(|it| it.target("r").last_poll)
        .map(|poll| poll.took)
        .max();
    assert!(longest <= Some(INTERVAL + TRY + COARSE), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_failed_is_up_again_within_an_interval() {
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
        let mended = Instant::now();
        intervals_after(start, 6).await;
        let published = world.published();
        let first = published
            .iter()
            .find(|it| it.now.steady > mended && it.target("r").is_up())
            .expect("it is up again");
        assert!(first.now.steady - mended <= INTERVAL + COARSE);
    }
}

/// Whatever is cut: each call that was sent has ended, as one that failed.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_is_counted_as_one_that_failed() {
    let world = slow_world(slow_walk);
    let start = world.start("a", &["r"]);
    // Just after the first cut.
    intervals_after(start, 4).await;
    let api = world.published().last().unwrap().report.api.clone();
    let sent: u64 = api.requests.values().sum();
    let failed: u64 = api.failures.values().sum();
    assert!(sent > 3, "{sent}");
    assert_eq!(failed, 1, "the one that was cut");
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

/// An account that leaves with its calls under way leaves no call that never ends, and keeps no
/// place among those in flight.
#[tokio::test(start_paused = true)]
async fn an_account_that_is_dropped_ends_its_calls() {
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
