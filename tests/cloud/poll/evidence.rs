//! The observed and covered time that an account's polls prove, across gaps and failures.

use std::time::Duration;

use cloudaudit_exporter::snapshot::Evidence;

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Call, Reply, WRITES, error, listing};
use super::world::{World, intervals_after};
use super::{COARSE, INTERVAL};

/// Returns the evidence that was published last.
fn evidence(world: &World) -> Evidence {
    let published = world.published();
    let last = published.last().expect("something was published");
    last.report.evidence
}

/// Returns the time observed and covered since `before`.
fn since(before: Evidence, world: &World) -> (Duration, Duration) {
    let after = evidence(world);
    (
        after.observed.saturating_sub(before.observed),
        after.covered.saturating_sub(before.covered),
    )
}

/// Polls are an interval apart from the second one on, to a timer's precision.
fn assert_about(found: Duration, intervals: u32) {
    let expected = intervals * INTERVAL;
    assert!(
        found.abs_diff(expected) < 10 * COARSE,
        "{found:?}, not {expected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_proves_nothing_and_each_later_one_the_time_since_the_previous() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 0).await;
    assert_eq!(world.target("r").counters.polls, 1);
    assert_eq!(evidence(&world).observed, Duration::ZERO);
    intervals_after(start, 20).await;
    let polls = world.cloud.polls_of("r");
    let between = polls[polls.len() - 1] - polls[0];
    let Evidence {
        observed,
        covered,
        latest,
    } = evidence(&world);
    assert!(observed.abs_diff(between) < COARSE);
    assert_eq!(covered, observed);
    let good = world.target("r").last_good.expect("it was listed");
    let latest = latest.expect("there was a listing");
    assert_eq!(latest.at.wall, good.at);
    assert!(latest.was_covered);
}

#[tokio::test(start_paused = true)]
async fn gaps_of_up_to_three_intervals_count_and_longer_gaps_do_not() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    let mut passed = 5;
    for (failures, lost) in [(1, 0), (2, 0), (3, 4), (30, 31)] {
        intervals_after(start, passed).await;
        let before = evidence(&world);
        world.cloud.play(|_| error("UnauthorizedOperation"));
        intervals_after(start, passed + failures).await;
        assert_eq!(evidence(&world), before, "a failure proves nothing");
        world.cloud.play(|_| listing(&[AUDIT_ALL]));
        intervals_after(start, passed + failures + 5).await;
        let (observed, covered) = since(before, &world);
        assert_about(observed, failures + 5 - lost);
        assert_about(covered, failures + 5 - lost);
        passed += failures + 5;
    }
}

#[tokio::test(start_paused = true)]
async fn disabled_or_unknown_tracks_are_observed_and_not_covered() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    let mut passed = 5;
    let cases: [fn(&Call) -> Reply; 3] = [
        |_| listing(&[AUDIT_ALL_OFF]),
        |_| listing(&[]),
        |_| listing(&[WRITES]),
    ];
    for case in cases {
        intervals_after(start, passed).await;
        let before = evidence(&world);
        world.cloud.play(case);
        intervals_after(start, passed + 6).await;
        world.cloud.play(|_| listing(&[AUDIT_ALL]));
        intervals_after(start, passed + 10).await;
        let (observed, covered) = since(before, &world);
        assert_about(observed, 10);
        // The time from the last poll that found the track enabled to the next such poll is not
        // covered.
        assert_about(covered, 3);
        passed += 10;
    }
}

#[tokio::test(start_paused = true)]
async fn regions_share_one_clock() {
    let only_in = |region: &'static str| {
        move |call: &Call| {
            if call.region == region {
                listing(&[AUDIT_ALL])
            } else {
                error("UnauthorizedOperation")
            }
        }
    };
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r", "s", "t"]);
    intervals_after(start, 5).await;
    let before = evidence(&world);
    intervals_after(start, 10).await;
    assert_about(since(before, &world).0, 5);
    // Any region that responds counts for the account.
    for (number, region) in (2..).zip(["s", "r", "t"]) {
        world.cloud.play(only_in(region));
        intervals_after(start, 5 + 5 * number).await;
    }
    let (observed, covered) = since(before, &world);
    assert_about(observed, 20);
    assert_about(covered, 20);
}

/// The last good data is shown for ten intervals here, but it is evidence for three.
#[tokio::test(start_paused = true)]
async fn a_failing_region_adds_no_coverage_beyond_the_other_regions() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r", "s"]);
    intervals_after(start, 5).await;
    let before = evidence(&world);
    world.cloud.play(|call| match call.region.as_str() {
        "s" => error("UnauthorizedOperation"),
        _ => listing(&[]),
    });
    intervals_after(start, 13).await;
    let report = world.published().pop().expect("it was published").report;
    let now = report.overviews.last().expect("there is data");
    assert_eq!(now.totals.covered, Some(true), "shown");
    let (observed, covered) = since(before, &world);
    assert_about(observed, 8);
    assert!(covered <= 3 * INTERVAL + 10 * COARSE, "{covered:?}");
}
