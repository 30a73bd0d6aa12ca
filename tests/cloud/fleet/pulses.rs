//! Health: whether loops tick, and nothing else.

use std::time::Duration;

use cloudaudit_exporter::heartbeat::{Heartbeat, Heartbeats, STALL_TIMEOUT};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

use super::world::World;

const ONE: &str = "{one: {interval: 30m, regions: [ap-tokyo, ap-seoul], credentials: {secret_id: id-one, secret_key: k}}}";

#[tokio::test(start_paused = true)]
async fn a_cloud_that_never_answers_is_no_fault_of_the_loops() {
    let world = World::with(ONE);
    world.cloud.silence("ap-tokyo");
    world.cloud.silence("ap-seoul");
    for _ in 0..100 {
        sleep(Duration::from_mins(37)).await;
        assert_eq!(world.observer.healthy(), Ok(()));
    }
    assert!(!world.target("one", "ap-tokyo").is_up());
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_ticks_no_more_is_named_after_three_intervals() {
    let mut world = World::with(ONE);
    sleep(Duration::from_mins(45)).await;
    // It ends, and nobody says that this is as it should be.
    world.fleet.stop();
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.observer.healthy(), Ok(()));
    sleep(Duration::from_hours(2)).await;
    let why = world.observer.healthy().unwrap_err();
    assert!(why.contains("account one"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn the_last_of_many_first_polls_is_waited_for() {
    let accounts: Vec<String> = (0..1_200)
        .map(|number| format!("a{number}: {{interval: 10s, credentials: {{secret_id: id-{number}, secret_key: k}}}}"))
        .collect();
    let world = World::with(&format!("{{{}}}", accounts.join(", ")));
    for _ in 0..4 {
        sleep(Duration::from_secs(10)).await;
        assert_eq!(world.observer.healthy(), Ok(()));
    }
    assert!(world.target("a7", "ap-guangzhou").is_up());
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_stands_still_is_said_to() {
    let heartbeats = Arc::new(Heartbeats::new(Instant::now()));
    let beating = Arc::clone(&heartbeats);
    let heart = tokio::spawn(async move { beating.beat().await });
    sleep(Duration::from_mins(1)).await;
    assert_eq!(heartbeats.check(Instant::now()), Ok(()));
    heart.abort();
    sleep(STALL_TIMEOUT + Duration::from_secs(1)).await;
    let why = heartbeats.check(Instant::now()).unwrap_err();
    assert!(why.contains("the scheduler has not ticked for 1"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn not_everybody_who_is_late_is_named() {
    let now = Instant::now();
    let heartbeats = Heartbeats::new(now);
    for number in 0..8 {
        heartbeats.watch(&format!("a{number}"), Arc::new(Heartbeat::new(now, now)));
    }
    sleep(Duration::from_secs(2)).await;
    let why = heartbeats.check(Instant::now()).unwrap_err();
    assert_eq!(why.lines().count(), 6, "{why}");
    assert!(why.ends_with("and 3 more"), "{why}");
    heartbeats.unwatch("a0");
    assert!(!heartbeats.check(Instant::now()).unwrap_err().contains("a0"));
}
