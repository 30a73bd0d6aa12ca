//! How much observed and covered time listings prove.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::history::{OverviewCache, accrue, is_covered};
use cloudaudit_exporter::snapshot::{
    AccountInfo, Evidence, LatestListing, Status, TargetReport, Track,
};
use proptest::prelude::*;

use super::INTERVAL;
use super::polled::{Polled, noon};
use crate::support::tracks::track;

const MOMENT: Duration = Duration::from_nanos(1);

fn later(moment: Moment, time: Duration) -> Moment {
    Moment {
        wall: moment.wall + time,
        steady: moment.steady + time,
    }
}

/// Returns the observed and covered time that complete listings at these times prove.
fn proven(listings: &[(Duration, bool)]) -> (Duration, Duration) {
    let start = noon();
    let evidence = listings
        .iter()
        .fold(Evidence::default(), |evidence, (at, covered)| {
            accrue(evidence, later(start, *at), INTERVAL, *covered)
        });
    (evidence.observed, evidence.covered)
}

#[test]
fn one_listing_proves_no_time() {
    assert_eq!(
        proven(&[(INTERVAL, true)]),
        (Duration::ZERO, Duration::ZERO)
    );
}

#[test]
fn two_listings_prove_up_to_three_intervals_between_them() {
    for (gap, expected) in [
        (Duration::ZERO, Duration::ZERO),
        (INTERVAL, INTERVAL),
        (3 * INTERVAL, 3 * INTERVAL),
        (3 * INTERVAL + MOMENT, Duration::ZERO),
        (100 * INTERVAL, Duration::ZERO),
    ] {
        let both = proven(&[(Duration::ZERO, true), (gap, true)]);
        assert_eq!(both, (expected, expected), "{gap:?}");
    }
}

#[test]
fn only_the_time_of_a_gap_is_lost() {
    let minute = |number: u32| (number * INTERVAL, true);
    let (observed, covered) = proven(&[0, 1, 2, 12, 13].map(minute));
    assert_eq!((observed, covered), (3 * INTERVAL, 3 * INTERVAL));
}

#[test]
fn time_is_covered_if_both_ends_are() {
    let times = [true, true, false, true, true, true];
    let listings: Vec<_> = (0..).map(|number| number * INTERVAL).zip(times).collect();
    assert_eq!(proven(&listings), (5 * INTERVAL, 3 * INTERVAL));
}

/// The steady clock measures the time between two listings. It stops while the machine is
/// suspended; then only the wall clock shows that the listings are far apart.
#[test]
fn a_clock_that_is_set_adds_no_evidence() {
    let hour = Duration::from_hours(1);
    let start = noon();
    for (wall, expected) in [
        (start.wall - hour, INTERVAL),
        (start.wall, INTERVAL),
        (start.wall + 3 * INTERVAL, INTERVAL),
        (start.wall + 3 * INTERVAL + MOMENT, Duration::ZERO),
        (start.wall + hour, Duration::ZERO),
    ] {
        let steady = start.steady + INTERVAL;
        let first = accrue(Evidence::default(), start, INTERVAL, true);
        let second = accrue(first, Moment { wall, steady }, INTERVAL, true);
        assert_eq!(second.observed, expected);
        assert_eq!(second.covered, expected);
        let at = Moment { wall, steady };
        let was_covered = true;
        assert_eq!(second.latest, Some(LatestListing { at, was_covered }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No time is counted twice, and no more time is covered than observed.
    #[test]
    fn no_time_is_counted_twice(
        gaps in prop::collection::vec((0..300_u64, any::<bool>()), 1..40),
    ) {
        let mut now = noon();
        let mut evidence = Evidence::default();
        let mut whole = Duration::ZERO;
        let mut close = Duration::ZERO;
        for (number, (seconds, covered)) in gaps.into_iter().enumerate() {
            let gap = Duration::from_secs(seconds);
            now = later(now, gap);
            if number > 0 {
                whole += gap;
                close += if gap <= 3 * INTERVAL { gap } else { Duration::ZERO };
            }
            let next = accrue(evidence, now, INTERVAL, covered);
            prop_assert!(next.observed >= evidence.observed && next.covered >= evidence.covered);
            evidence = next;
            prop_assert_eq!(evidence.observed, close);
            prop_assert!(evidence.covered <= evidence.observed && evidence.observed <= whole);
        }
    }
}

fn covered_at(now: Moment, targets: &[&Polled]) -> bool {
    let targets: Vec<&TargetReport> = targets.iter().map(|target| target.report()).collect();
    is_covered(
        &mut OverviewCache::default(),
        &AccountInfo::default(),
        None,
        targets,
        INTERVAL,
        now,
    )
}

#[test]
fn an_account_is_covered_for_three_intervals_after_a_listing() {
    let mut target = Polled::new();
    assert!(!covered_at(target.now, &[&target]), "nothing is known");
    target.lists([track(1, "a")]);
    let listed = target.now;
    assert!(covered_at(listed, &[&target]));
    assert!(covered_at(later(listed, 3 * INTERVAL), &[&target]));
    assert!(!covered_at(
        later(listed, 3 * INTERVAL + MOMENT),
        &[&target]
    ));

    target.lists([Track {
        status: Status::Disabled,
        ..track(1, "a")
    }]);
    assert!(!covered_at(target.now, &[&target]));
}

/// A failing region shows its last good data for an hour, but that data is not evidence: the sum of
/// a quarter does not show how old it was.
#[test]
fn a_failing_region_proves_coverage_for_three_intervals_only() {
    let (mut failing, mut well) = (Polled::new(), Polled::new());
    failing.lists([track(1, "a")]);
    well.lists([track(1, "a")]);
    for minute in 1..=10 {
        well.lists([]);
        let covered = covered_at(well.now, &[&failing, &well]);
        assert_eq!(covered, minute <= 3, "{minute}");
    }
    assert!(
        failing.last_good().show_until.steady > well.now.steady,
        "shown"
    );
}

/// The age of a listing that seems to be from the future is unknown.
#[test]
fn a_listing_from_the_future_proves_no_coverage() {
    let mut target = Polled::new();
    target.lists([track(1, "a")]);
    let back = Moment {
        wall: target.now.wall - INTERVAL,
        ..target.now
    };
    assert!(!covered_at(back, &[&target]));
}
