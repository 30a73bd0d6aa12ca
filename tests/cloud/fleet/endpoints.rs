//! A failing endpoint does not affect accounts at other endpoints.

use std::fmt::Write;
use std::time::Duration;

use tokio::time::sleep;

use super::world::World;

const REGION: &str = "ap-guangzhou";

/// Returns account `well` at its own endpoint, and `ill` accounts with a key each at another.
fn accounts(ill: usize) -> String {
    let mut accounts = "well: {endpoint: http://127.0.0.1:7, interval: 10s, \
         credentials: {secret_id: well, secret_key: k}}"
        .to_owned();
    for number in 0..ill {
        write!(
            accounts,
            ", a{number}: {{endpoint: http://127.0.0.1:8, interval: 10s, \
             credentials: {{secret_id: a{number}, secret_key: k}}}}"
        )
        .unwrap();
    }
    format!("{{{accounts}}}")
}

#[tokio::test(start_paused = true)]
async fn a_source_address_limit_slows_only_its_endpoint() {
    let mut world = World::with(&accounts(2));
    world.cloud.refuse_our_address("127.0.0.1:8");
    sleep(Duration::from_mins(1)).await;
    let rate = |world: &World, account: &str| world.observer.last(account).requests_per_second;
    assert!(rate(&world, "a0") < 5.0 && rate(&world, "a1") < 5.0);
    assert!((rate(&world, "well") - 10.0).abs() < f64::EPSILON);
    // The limit survives a reload and applies to new accounts.
    world.load(&accounts(3)).unwrap();
    sleep(Duration::from_secs(15)).await;
    assert!(rate(&world, "a2") < 5.0);
    assert!((rate(&world, "well") - 10.0).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_does_not_delay_another() {
    let world = World::with(&accounts(1_000));
    world.cloud.silence_host("127.0.0.1:8");
    sleep(Duration::from_mins(2)).await;
    world.observer.forget();
    sleep(Duration::from_mins(1)).await;
    let polls = world.observer.times("well").len();
    assert!((5..=7).contains(&polls), "{polls}");
    let target = world.target("well", REGION);
    assert_eq!(target.failure, None);
    let calls = world.cloud.calls("well", REGION);
    let gaps = calls.windows(2).map(|two| two[1] - two[0]);
    let longest = gaps.max().unwrap();
    assert!(longest < Duration::from_millis(10_500), "{longest:?}");
}
