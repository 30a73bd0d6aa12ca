//! Health depends only on whether the loops tick.

use std::time::Duration;

use cloudaudit_exporter::heartbeat::{Heartbeat, Heartbeats, STALL_TIMEOUT};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

use super::world::World;

const ONE: &str = "{one: {interval: 30m, regions: [ap-tokyo, ap-seoul], credentials: {secret_id: id-one, secret_key: k}}}";

#[tokio::test(start_paused = true)]
async fn a_silent_cloud_does_not_make_the_process_unhealthy() {
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
async fn a_stalled_loop_is_named_after_three_intervals() {
    let world = World::with(ONE);
    sleep(Duration::from_mins(45)).await;
    // The loop ends without being unregistered.
    drop(world.fleet);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.observer.healthy(), Ok(()));
    sleep(Duration::from_hours(2)).await;
    let why = world.observer.healthy().unwrap_err();
    assert!(why.contains("account one"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn many_first_polls_do_not_count_as_a_stall() {
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
async fn a_stalled_runtime_is_reported() {
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
async fn the_message_names_at_most_five_stalled_loops() {
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
