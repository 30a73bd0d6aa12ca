//! The first poll runs immediately, the second at the account's phase, and then one runs per
//! interval.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::hash::stable_hash;
use cloudaudit_exporter::poll::Schedule;
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::cloud::{AUDIT_ALL, listing};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL, RETENTION};

fn into_interval(wall: SystemTime, interval: Duration) -> u128 {
    let since_epoch = wall.duration_since(UNIX_EPOCH).expect("it is after 1970");
    since_epoch.as_nanos() % interval.as_nanos()
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_is_immediate_and_all_others_are_at_the_phase_of_the_account() {
    for (run, name) in ["prod", "a", "b", "sandbox-eu", "prod"]
        .into_iter()
        .enumerate()
    {
        let world = World::new(|_| listing(&[AUDIT_ALL]));
        // Each run begins at another time of day, as after a restart.
        advance(Duration::from_millis(7_919 * run as u64)).await;
        let epoch = world.clock.now();
        let start = world.start(name, &["r"]);
        intervals_after(start, 50).await;

        let polls = world.cloud.polls_of("r");
        assert_eq!(polls[0], start);
        let gap = polls[1] - start;
        assert!(
            gap >= INTERVAL / 10 && gap <= INTERVAL * 11 / 10 + COARSE,
            "{gap:?}"
        );
        assert!(polls.len() >= 50, "{}", polls.len());
        let phase = u128::from(stable_hash(name)) % INTERVAL.as_nanos();
        for (number, poll) in (0..).zip(&polls[1..]) {
            let late = *poll - polls[1];
            assert!(
                late.abs_diff(number * INTERVAL) < COARSE,
                "{late:?} of {number}"
            );
            let wall = epoch.wall + (*poll - epoch.steady);
            let off = into_interval(wall, INTERVAL).abs_diff(phase);
            assert!(off < COARSE.as_nanos(), "{off} ns off the phase of {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_waits_until_its_first_poll_is_due() {
    let world = World::new(|_| listing(&[]));
    let start = Instant::now();
    let first = start + Duration::from_secs(3);
    tokio::spawn(world.account("a", &["r"]).await.run(first));
    intervals_after(start, 1).await;
    assert_eq!(world.cloud.polls_of("r")[0], first);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_second_poll_is_due_at_the_phase_within_about_an_interval(
        name in "[a-z0-9-]{1,20}",
        interval in 1_000..100_000_000_u64,
        since_epoch in 0..4_000_000_000_000_u64,
    ) {
        let interval = Duration::from_millis(interval);
        let schedule = Schedule { interval, details_interval: None, attribution: None, retention: RETENTION };
        let now = Moment {
            wall: UNIX_EPOCH + Duration::from_millis(since_epoch),
            steady: Instant::now(),
        };
        let wait = schedule.second_poll(&name, now) - now.steady;
        prop_assert!(wait >= interval / 10);
        prop_assert!(wait < interval + interval / 10);
        let phase = u128::from(stable_hash(&name)) % interval.as_nanos();
        prop_assert_eq!(into_interval(now.wall + wait, interval), phase);
    }
}

#[test]
fn phases_are_spread_over_the_interval() {
    let interval = INTERVAL.as_nanos();
    let mut tenths = [0; 10];
    for number in 0..1_000 {
        let phase = u128::from(stable_hash(&format!("account-{number}"))) % interval;
        tenths[usize::try_from(phase * 10 / interval).expect("it is below ten")] += 1;
    }
    let fair = 60..140;
    assert!(
        tenths.iter().all(|count| fair.contains(count)),
        "{tenths:?}"
    );
}
