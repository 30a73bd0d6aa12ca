//! A thousand reloads leak nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::world::{A_MOMENT, World};

/// Returns twenty accounts; each round changes some and replaces others.
fn accounts(round: u32) -> String {
    let account = |number: u32| {
        let name = if number < 5 {
            number + 100 * (round % 7)
        } else {
            number
        };
        let team = if number < 12 { round } else { 0 };
        format!(
            "a{name}: {{labels: {{team: t{team}}}, credentials: {{secret_id: id-{name}, secret_key: k}}}}"
        )
    };
    let accounts: Vec<String> = (0..20).map(account).collect();
    format!("{{{}}}", accounts.join(", "))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_reloads_leak_no_task_and_no_client() {
    let mut world = World::with(&accounts(0));
    world.cloud.silence("ap-guangzhou");
    sleep(Duration::from_secs(1)).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    // Every client holds the transport, so its reference count reveals leaked clients.
    let (tasks_before, held_before) = (tasks(), Arc::strong_count(&world.cloud));
    for round in 1..=1_000 {
        world.load(&accounts(round)).unwrap();
        if round % 3 == 0 {
            sleep(A_MOMENT).await;
        }
    }
    world.load(&accounts(0)).unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(tasks(), tasks_before);
    assert_eq!(Arc::strong_count(&world.cloud), held_before);

    drop(world.fleet);
    sleep(A_MOMENT).await;
    assert_eq!(tasks(), 1, "only the heartbeat task");
}
