//! A region or account that hangs delays no other.

use std::time::Duration;

use super::cloud::{AUDIT_ALL, Call, Reply, listing};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL, TIMEOUT};

fn hangs_in_r(call: &Call) -> Reply {
    if call.region == "r" {
        Reply::Silence
    } else {
        listing(&[AUDIT_ALL])
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_hangs_delays_no_other_region_and_no_other_account() {
    let world = World::new(hangs_in_r);
    let start = world.start("a", &["r", "s"]);
    world.start("b", &["t"]);
    intervals_after(start, 10).await;
    for region in ["s", "t"] {
        let polls = world.cloud.polls_of(region);
        assert!(polls[0] - start < Duration::from_millis(10));
        for pair in polls[1..].windows(2) {
            assert!((pair[1] - pair[0]).abs_diff(INTERVAL) < COARSE, "{pair:?}");
        }
        assert!(polls.len() >= 10, "{}", polls.len());
    }
    let published = world.published();
    let ended = |region: &str| {
        let of_account = published.iter().rev();
        let mut targets = of_account.flat_map(|it| &it.report.targets);
        let target = targets.find(|target| target.region == region);
        target.expect("it was published").clone()
    };
    assert!(ended("s").is_up() && ended("t").is_up());
    assert!(!ended("r").is_up());
    assert_eq!(ended("s").counters.skipped, 0);
    // A result is published immediately, without waiting for the region that hangs.
    let first = published.iter().find(|it| {
        it.report
            .targets
            .iter()
            .any(|it| it.region == "s" && it.is_up())
    });
    let first = first.expect("it was listed");
    assert!(first.now.steady - start < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_still_runs_makes_the_next_one_count_as_skipped() {
    let mut world = World::new(|call| {
        if call.region == "r" {
            Reply::Silence
        } else {
            listing(&[])
        }
    });
    // Two attempts of nearly an interval each: every poll overlaps the next.
    world.options.timeout = INTERVAL.saturating_sub(TIMEOUT);
    let start = world.start("a", &["r", "s"]);
    intervals_after(start, 20).await;
    let (hanging, healthy) = (world.target("r").counters, world.target("s").counters);
    assert_eq!(healthy.skipped, 0);
    let due = healthy.polls;
    assert!(due >= 20, "{due}");
    // The last poll may still be running.
    let counted = hanging.polls + hanging.skipped;
    assert!(counted == due || counted + 1 == due, "{counted} of {due}");
    assert!(hanging.skipped.abs_diff(due / 2) <= 1, "{hanging:?}");
}

#[tokio::test(start_paused = true)]
async fn many_hanging_accounts_do_not_block_a_healthy_one() {
    let world = World::new(|call| {
        if call.region == "well" {
            listing(&[AUDIT_ALL])
        } else {
            Reply::Silence
        }
    });
    for number in 0..200 {
        world.start(&format!("hanging-{number}"), &["r"]);
    }
    let start = world.start("well", &["well"]);
    intervals_after(start, 5).await;
    let polls = world.cloud.polls_of("well");
    assert!(
        polls[0] - start < Duration::from_secs(5),
        "{:?}",
        polls[0] - start
    );
    let published = world.published();
    let well = published
        .iter()
        .rev()
        .find(|it| it.report.account.name == "well");
    let well = well.expect("it was published").target("well");
    assert_eq!(well.counters.skipped, 0);
    assert!(well.counters.polls >= 5);
}
