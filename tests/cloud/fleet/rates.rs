//! The rate limit belongs to the identity: it survives reloads and follows the lowest configured
//! rate.

use std::fmt::Write;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::World;
use crate::identities::stage::{ID, KEY, Stage, world};

fn accounts(rates: &[u32], label: &str) -> String {
    let account = |(number, rate)| {
        format!(
            "a{number}: {{regions: [ap-tokyo, ap-seoul, ap-mumbai, ap-bangkok], labels: {{team: {label}}}, interval: 10m, \
             rate_limit: {{requests_per_second: {rate}}}, \
             credentials: {{secret_id: shared, secret_key: k}}}}"
        )
    };
    let accounts: Vec<String> = rates.iter().enumerate().map(account).collect();
    format!("{{{}}}", accounts.join(", "))
}

/// Returns the smallest gap between two calls of which the second is not before `start`.
fn smallest_gap(world: &World, start: Instant) -> Duration {
    let calls = world.cloud.all_calls("shared");
    let gaps = calls.windows(2).filter(|two| two[1] >= start);
    gaps.map(|two| two[1] - two[0]).min().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_reload_sends_no_call_too_early() {
    let mut world = World::with(&accounts(&[1], "old"));
    // Reload repeatedly while calls are in flight.
    for label in 0..20 {
        sleep(Duration::from_millis(1_300)).await;
        world.load(&accounts(&[1], &label.to_string())).unwrap();
    }
    sleep(Duration::from_secs(10)).await;
    assert!(world.cloud.all_calls("shared").len() > 20);
    let gap = smallest_gap(&world, Instant::now() - Duration::from_mins(1));
    assert!(gap >= Duration::from_secs(1), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn the_lowest_configured_rate_applies_after_each_reload() {
    let mut world = World::with(&accounts(&[10, 10], "old"));
    for (rates, lowest) in [(&[10, 2][..], 2), (&[10, 5], 5), (&[1, 5], 1), (&[10], 10)] {
        sleep(Duration::from_mins(1)).await;
        let start = Instant::now();
        world.load(&accounts(rates, "old")).unwrap();
        let shown = world
            .observer
            .last(if rates[0] == lowest { "a0" } else { "a1" });
        assert!(
            (shown.requests_per_second - f64::from(lowest)).abs() < f64::EPSILON,
            "{rates:?}: {shown:?}"
        );
        sleep(Duration::from_mins(1)).await;
        let gap = smallest_gap(&world, start + Duration::from_millis(1));
        // The limiter catches up on a few milliseconds of lateness.
        let least = Duration::from_millis(970) / lowest;
        assert!(gap >= least && gap < least * 2, "{rates:?}: {gap:?}");
    }
}

/// Operation records have a separate limit with the same rate, which accounts share.
#[tokio::test(start_paused = true)]
async fn searches_of_one_key_share_a_limit_of_the_configured_rate() {
    for rate in [3, 20] {
        let world = world();
        let mut config = format!(
            "rate_limit: {{requests_per_second: {rate}}}\npoll: {{interval: 10m}}\n\
             attribution: {{enabled: true, sweep_interval: 1s}}\naccounts:\n"
        );
        for number in 0..40 {
            let credentials = format!("{{secret_id: {ID}, secret_key: {KEY}}}");
            writeln!(config, "  a{number}: {{credentials: {credentials}}}").unwrap();
        }
        let mut stage = Stage::with(&world, &[], &config);
        stage.pass(Duration::from_mins(1)).await;
        assert_eq!(world.peak_of("DescribeEvents", ID), rate);
    }
}
