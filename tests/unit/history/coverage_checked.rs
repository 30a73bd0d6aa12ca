//! The time of the oldest observation that an account's coverage depends on.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::{OverviewCache, is_covered};
use cloudaudit_exporter::snapshot::{
    AccountInfo, OrganizationCoverage, Overview, Status, TargetReport, Track,
};

use super::INTERVAL;
use super::overview::now;
use super::polled::Polled;
use crate::support::tracks::track;

const REFRESH: Duration = Duration::from_hours(1);

fn off() -> Track {
    Track {
        status: Status::Disabled,
        ..track(1, "a")
    }
}

/// Returns the current overview of a member account with this coverage by its organization.
fn member(coverage: OrganizationCoverage, target: &Polled) -> Overview {
    let targets = [target.report()];
    let account = AccountInfo::default();
    let overviews = OverviewCache::default().overviews(&account, Some(coverage), targets);
    let current = overviews.iter().find(|it| it.is_of(target.now));
    current.expect("something was listed").clone()
}

#[test]
fn coverage_is_as_old_as_the_oldest_listing_shown() {
    let account = AccountInfo::default();
    let (mut old, mut young) = (Polled::new(), Polled::new());
    old.lists([track(1, "a")]);
    young.pass(10 * INTERVAL);
    young.lists([track(1, "a")]);
    let oldest = old.last_good().at;
    for targets in [[&old, &young], [&young, &old]] {
        assert_eq!(now(&account, &targets).coverage_checked, Some(oldest));
    }
    // A failure does not change the time.
    old.failed(Reason::Unauthorized);
    assert_eq!(now(&account, &[&old]).coverage_checked, Some(oldest));
    old.lists([track(1, "a")]);
    assert_eq!(now(&account, &[&old]).coverage_checked, Some(old.now.wall));
    // Unknown coverage has no time.
    old.sees([]);
    assert_eq!(now(&account, &[&old]).coverage_checked, None);
}

#[test]
fn coverage_by_the_organization_has_the_time_of_its_observation() {
    let mut target = Polled::new();
    let checked = target.now;
    let mut coverage = OrganizationCoverage::found(true, checked, REFRESH);
    target.pass(10 * INTERVAL);
    target.lists([off()]);
    let overview = member(coverage, &target);
    assert_eq!(overview.totals.covered, Some(true));
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // It stays the same while listing the tracks of the admin account fails.
    coverage.refresh_failed();
    target.lists([off()]);
    let overview = member(coverage, &target);
    assert_eq!(overview.totals.covered, Some(true), "still valid");
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // Once it is too old, coverage is unknown, and the time shows since when.
    target.pass(4 * REFRESH);
    target.lists([off()]);
    let overview = member(coverage, &target);
    assert_eq!(overview.totals.covered, None, "no longer valid");
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // Nothing was ever listed.
    let unknown = OrganizationCoverage::unknown(target.now);
    let overview = member(unknown, &target);
    assert_eq!(overview.totals.covered, None);
    assert_eq!(overview.coverage_checked, Some(SystemTime::UNIX_EPOCH));
    // If the account's own listing leaves its coverage unknown, no listing decides it.
    target.sees([]);
    assert_eq!(member(unknown, &target).coverage_checked, None);
    target.lists([off()]);
    // The organization not covering its members is an observation, too.
    let checked = target.now;
    let uncovered = OrganizationCoverage::found(false, checked, REFRESH);
    let overview = member(uncovered, &target);
    assert_eq!(overview.totals.covered, Some(false));
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // The coverage of an account by its own tracks depends on its own listing.
    target.pass(INTERVAL);
    target.lists([track(1, "a")]);
    let overview = member(uncovered, &target);
    assert_eq!(overview.coverage_checked, Some(target.now.wall));
}

fn is_evidence(coverage: OrganizationCoverage, target: &Polled) -> bool {
    let targets: [&TargetReport; 1] = [target.report()];
    let account = AccountInfo::default();
    let mut overviews = OverviewCache::default();
    is_covered(
        &mut overviews,
        &account,
        Some(coverage),
        targets,
        INTERVAL,
        target.now,
    )
}

#[test]
fn the_first_failed_refresh_ends_the_evidence() {
    let mut target = Polled::new();
    target.lists([off()]);
    let mut coverage = OrganizationCoverage::found(true, target.now, REFRESH);
    assert!(is_evidence(coverage, &target));
    coverage.refresh_failed();
    assert!(!is_evidence(coverage, &target));
    coverage = OrganizationCoverage::found(true, target.now, REFRESH);
    assert!(is_evidence(coverage, &target));
}

/// A discovery that hangs or has stopped reports no failure.
#[test]
fn coverage_by_the_organization_is_evidence_for_two_refreshes_by_either_clock() {
    let mut target = Polled::new();
    let coverage = OrganizationCoverage::found(true, target.now, REFRESH);
    target.pass((2 * REFRESH).saturating_sub(2 * INTERVAL));
    target.lists([off()]);
    assert!(is_evidence(coverage, &target));
    let before = target.now;
    target.now.wall += 8 * REFRESH;
    target.lists([off()]);
    assert!(!is_evidence(coverage, &target), "by the wall clock");
    target.now = before;
    target.lists([off()]);
    assert!(!is_evidence(coverage, &target), "by the steady clock");
}
