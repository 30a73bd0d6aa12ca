//! The reports that polls publish, and the counters.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{ChangeKind, DESCRIBE_AUDIT_TRACKS};
use cloudaudit_exporter::tencent::credentials::EnvironmentProvider;
use tokio::time::Instant;

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Reply, WRITES, error, listing, page};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL};

#[tokio::test(start_paused = true)]
async fn a_report_is_published_before_the_first_poll() {
    let world = World::new(|_| Reply::Silence);
    let account = world.account("a", &["r", "s"]).await;
    let published = world.published();
    assert_eq!(published.len(), 1);
    let report = &published[0].report;
    let regions: Vec<&str> = report.targets.iter().map(|it| it.region.as_str()).collect();
    assert_eq!(regions, ["r", "s"]);
    assert!(report.targets.iter().all(|it| it.last_poll.is_none()));
    assert_eq!(report.credentials_changed, Some(published[0].now.wall));
    assert_eq!(report.requests_per_second.to_bits(), 1_000_f64.to_bits());
    drop(account);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_published_at_the_end_of_the_poll_that_saw_it() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    let wait = Duration::from_millis(700);
    world
        .cloud
        .play(move |_| Reply::Late(wait, page(1, &[AUDIT_ALL_OFF])));
    let switched = Instant::now();
    intervals_after(start, 4).await;

    let polls = world.cloud.polls_of("r");
    let poll = polls
        .iter()
        .find(|it| **it > switched)
        .expect("it was polled");
    let published = world.published();
    let seen = published
        .iter()
        .find(|it| it.target("r").counters.changes[ChangeKind::Disabled] == 1)
        .expect("it was seen");
    assert!((seen.now.steady - *poll).abs_diff(wait) < COARSE);
    let target = seen.target("r");
    let good = target.last_good.as_ref().expect("it was listed");
    assert_eq!(good.at, seen.now.wall);
    assert_eq!(good.show_until, seen.now + 10 * INTERVAL);
    assert_eq!(target.last_poll.expect("it ended").at, seen.now.wall);
    assert!(target.last_poll.expect("it ended").took.abs_diff(wait) < COARSE);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_listing_is_the_same_allocation_from_report_to_report() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 5).await;
    let listings: Vec<_> = world
        .published()
        .iter()
        .filter_map(|it| it.target("r").last_good.clone())
        .map(|good| good.listing)
        .collect();
    assert!(listings.len() >= 5);
    assert!(listings.iter().all(|it| Arc::ptr_eq(it, &listings[0])));
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_for_the_account_and_reported_to_the_process() {
    let mut number = 0;
    let world = World::new(move |_| {
        number += 1;
        match number {
            1 | 2 => error("InternalError"),
            3 => listing(&[AUDIT_ALL]),
            _ => error("UnauthorizedOperation"),
        }
    });
    let start = world.start("a", &["r"]);
    intervals_after(start, 4).await;
    let target = world.target("r");
    let denied = target.counters.polls - 1;
    assert!(denied >= 2);
    assert_eq!(target.counters.failures[Reason::Unauthorized], denied);

    let published = world.published();
    let api = &published.last().expect("it was published").report.api;
    assert_eq!(api.requests[DESCRIBE_AUDIT_TRACKS], 3 + denied);
    assert_eq!(api.retries[DESCRIBE_AUDIT_TRACKS], 2);
    assert_eq!(api.failures[Reason::Unavailable], 2);
    assert_eq!(api.failures[Reason::Unauthorized], denied);
    let errors: Vec<(&str, u64)> = api
        .errors
        .iter()
        .map(|(key, count)| (key.1.as_str(), *count))
        .collect();
    assert_eq!(
        errors,
        [("InternalError", 2), ("UnauthorizedOperation", denied)]
    );
    let sent = world.observed.sent.lock().unwrap();
    assert_eq!(sent.len() as u64, 3 + denied);
    assert_eq!(sent.iter().filter(|call| call.retry).count(), 2);
    assert_eq!(*world.observed.ended.lock().unwrap(), 3 + denied);
    let waited: Duration = sent.iter().map(|call| call.waited).sum();
    assert_eq!(api.limiter_wait, waited);
    assert_eq!(api.last_throttled, None);
}

#[tokio::test(start_paused = true)]
async fn the_last_throttled_request_is_dated() {
    let mut number = 0;
    let world = World::new(move |_| {
        number += 1;
        match number {
            1 => error("RequestLimitExceeded"),
            _ => listing(&[AUDIT_ALL]),
        }
    });
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    let published = world.published();
    let mut reports = published.iter().map(|it| &it.report);
    let (first, polled) = reports
        .find_map(|report| Some((report, report.targets[0].last_poll?)))
        .expect("a poll has ended");
    let throttled = first.api.last_throttled.expect("it was throttled");
    assert!(polled.at - polled.took <= throttled && throttled < polled.at);
    let last = published.last().expect("it was published");
    assert_eq!(last.report.api.last_throttled, Some(throttled));
}

#[tokio::test(start_paused = true)]
async fn without_a_key_nothing_is_sent_and_the_reason_is_credentials() {
    let mut world = World::new(|_| listing(&[]));
    world.provider = Arc::new(EnvironmentProvider::new(&<_>::default(), "ID", "KEY", None));
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    assert_eq!(world.cloud.calls_of("r").len(), 0);
    let target = world.target("r");
    assert!(target.counters.polls >= 3);
    assert_eq!(
        target.counters.failures[Reason::Credentials],
        target.counters.polls
    );
    let published = world.published();
    let report = &published.last().expect("it was published").report;
    assert_eq!(report.credentials_changed, None);
    assert_eq!(report.api.requests.get(DESCRIBE_AUDIT_TRACKS), None);
    let reason = target.failure.as_ref().map(|it: &Failure| it.reason);
    assert_eq!(reason, Some(Reason::Credentials));
}

#[tokio::test(start_paused = true)]
async fn poll_once_returns_whether_all_targets_succeeded() {
    let world = World::new(|call| match call.region.as_str() {
        "denied" => error("UnauthorizedOperation"),
        _ => listing(&[AUDIT_ALL, WRITES]),
    });
    assert!(world.account("a", &["r", "s"]).await.poll_once().await);
    assert!(!world.account("b", &["r", "denied"]).await.poll_once().await);
    assert!(world.target("r").is_up());
    assert!(!world.target("denied").is_up());
    for region in ["r", "denied"] {
        assert_eq!(world.target(region).counters.polls, 1);
    }
}
