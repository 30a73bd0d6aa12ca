//! A panic in one account's loop affects only that account, and the loop restarts.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::{A_MOMENT, World};

const TWO: &str = "{
    bad: {regions: [ap-tokyo], credentials: {secret_id: id-bad, secret_key: k}},
    good: {regions: [ap-tokyo], credentials: {secret_id: id-good, secret_key: k}}}";

#[tokio::test(start_paused = true)]
async fn a_panicked_loop_restarts_from_its_last_report() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    let before = world.target("bad", "ap-tokyo");
    let began = Instant::now();
    world.observer.panic_on_reports_of("bad", 1);
    sleep(Duration::from_mins(1)).await;
    let restarted = world.observer.restarted();
    assert_eq!(restarted.len(), 1);
    assert_eq!(restarted[0].1, "bad");

    let resumed = world.observer.times("bad");
    let resumed = resumed.iter().find(|at| **at > began).unwrap();
    assert_eq!(*resumed - restarted[0].0, Duration::from_secs(10));
    sleep(Duration::from_mins(10)).await;
    let after = world.target("bad", "ap-tokyo");
    assert!(after.counters.polls > before.counters.polls);
    assert_eq!(
        after.counters.changes.into_array(),
        [0; 5],
        "the last listing was restored"
    );
    assert!(after.is_up());
    let sent = world.cloud.all_calls("id-bad").len() as u64;
    let report = world.observer.last("bad");
    assert_eq!(report.api.requests["DescribeAuditTracks"], sent);

    let times = world.cloud.calls("id-good", "ap-tokyo");
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        gaps[1..].iter().all(|gap| *gap == Duration::from_mins(1)),
        "{gaps:?}"
    );
    // A later reload keeps the unchanged account.
    world.observer.forget();
    world.load(TWO).unwrap();
    assert_eq!(world.observer.times("bad").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_always_panics_is_restarted_and_can_be_removed() {
    let mut world = World::new();
    world.observer.panic_on_reports_of("bad", u32::MAX);
    world.load(TWO).unwrap();
    sleep(Duration::from_secs(65)).await;
    assert_eq!(world.observer.restarted().len(), 7);
    assert_eq!(world.observer.healthy(), Ok(()), "the loop still ticks");
    assert!(world.target("good", "ap-tokyo").is_up());
    world
        .load("{good: {regions: [ap-tokyo], credentials: {secret_id: id-good, secret_key: k}}}")
        .unwrap();
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.observer.restarted().len(), 7);
    assert_eq!(world.observer.withdrawn(), ["bad"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_a_change_does_not_lose_the_change() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    world.observer.panic_on_reports_of("bad", 1);
    world
        .load(&TWO.replace("bad: {", "bad: {labels: {team: new}, "))
        .unwrap();
    sleep(Duration::from_secs(10) + A_MOMENT).await;
    let bad = world.observer.last("bad");
    assert_eq!(bad.account.labels["team"], "new");
    assert!(bad.targets[0].last_good.is_some());
    assert!(bad.targets[0].counters.polls > 4);
}
