//! A panic in one account's loop is that account's, and it gets over it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::{A_MOMENT, World};

const TWO: &str = "{
    bad: {regions: [ap-tokyo], credentials: {secret_id: id-bad, secret_key: k}},
    good: {regions: [ap-tokyo], credentials: {secret_id: id-good, secret_key: k}}}";

#[tokio::test(start_paused = true)]
async fn a_loop_that_panics_rests_and_goes_on_from_what_it_published_last() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    let before = world.target("bad", "ap-tokyo");
    let began = Instant::now();
    world.observer.panic_at_reports_of("bad", 1);
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
        "nothing was forgotten"
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
    // A reload after it finds the account as it is, and keeps it.
    world.observer.forget();
    world.load(TWO).unwrap();
    assert_eq!(world.observer.times("bad").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_at_everything_is_tried_again_and_can_be_removed() {
    let mut world = World::new();
    world.observer.panic_at_reports_of("bad", u32::MAX);
    world.load(TWO).unwrap();
    sleep(Duration::from_secs(65)).await;
    assert_eq!(world.observer.restarted().len(), 7);
    assert_eq!(world.observer.healthy(), Ok(()), "it does come round");
    assert!(world.target("good", "ap-tokyo").is_up());
    world
        .load("{good: {regions: [ap-tokyo], credentials: {secret_id: id-good, secret_key: k}}}")
        .unwrap();
    sleep(Duration::from_mins(10)).await;
    assert_eq!(world.observer.restarted().len(), 7);
    assert_eq!(world.observer.withdrawn(), ["bad"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_when_it_is_changed_is_changed_all_the_same() {
    let mut world = World::with(TWO);
    sleep(Duration::from_mins(5)).await;
    world.observer.panic_at_reports_of("bad", 1);
    world
        .load(&TWO.replace("bad: {", "bad: {labels: {team: new}, "))
        .unwrap();
    sleep(Duration::from_secs(10) + A_MOMENT).await;
    let bad = world.observer.last("bad");
    assert_eq!(bad.account.labels["team"], "new");
    assert!(bad.targets[0].last_good.is_some());
    assert!(bad.targets[0].counters.polls > 4);
}
