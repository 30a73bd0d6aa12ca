//! The limit is the identity's: it outlives reloads, and follows the lowest rate that is asked for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::world::World;

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

/// The smallest gap between calls since `start`, a moment before included.
fn smallest_gap(world: &World, start: Instant) -> Duration {
    let calls = world.cloud.all_calls("shared");
    let gaps = calls.windows(2).filter(|two| two[1] >= start);
    gaps.map(|two| two[1] - two[0]).min().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_reload_sends_no_call_too_early() {
    let mut world = World::with(&accounts(&[1], "old"));
    // In the middle of its calls, and again and again.
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
async fn the_lowest_rate_holds_and_may_rise_and_fall() {
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
        // Lateness is caught up with, a few milliseconds of it.
        let least = Duration::from_millis(970) / lowest;
        assert!(gap >= least && gap < least * 2, "{rates:?}: {gap:?}");
    }
}
