//! When the observations were made that an account's coverage rests on.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::{Sums, is_covered};
use cloudaudit_exporter::snapshot::{AccountInfo, Status, TargetReport, Track, Umbrella};

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

fn member() -> AccountInfo {
    AccountInfo {
        umbrella: Umbrella::default(),
        ..AccountInfo::default()
    }
}

#[test]
fn it_is_the_oldest_listing_of_those_that_are_shown() {
    let account = AccountInfo::default();
    let (mut old, mut young) = (Polled::new(), Polled::new());
    old.lists([track(1, "a")]);
    young.pass(10 * INTERVAL);
    young.lists([track(1, "a")]);
    let oldest = old.last_good().at;
    for targets in [[&old, &young], [&young, &old]] {
        assert_eq!(now(&account, &targets).coverage_checked, Some(oldest));
    }
    // A failure moves nothing.
    old.failed(Reason::Unauthorized);
    assert_eq!(now(&account, &[&old]).coverage_checked, Some(oldest));
    old.lists([track(1, "a")]);
    assert_eq!(now(&account, &[&old]).coverage_checked, Some(old.now.wall));
    // What is not known rests on nothing.
    old.sees([]);
    assert_eq!(now(&account, &[&old]).coverage_checked, None);
}

#[test]
fn the_observation_of_the_organization_counts() {
    let account = member();
    let mut target = Polled::new();
    let checked = target.now;
    account.umbrella.found(true, checked, REFRESH);
    target.pass(10 * INTERVAL);
    target.lists([off()]);
    let overview = now(&account, &[&target]);
    assert_eq!(overview.covered, Some(true));
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // It stands still while the admin account cannot be asked.
    account.umbrella.failed();
    target.lists([off()]);
    let overview = now(&account, &[&target]);
    assert_eq!(overview.covered, Some(true), "still believed");
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // That the organization covers nobody is an observation too.
    account.umbrella.found(false, checked, REFRESH);
    let overview = now(&account, &[&target]);
    assert_eq!(overview.covered, Some(false));
    assert_eq!(overview.coverage_checked, Some(checked.wall));
    // An account that covers itself rests on its own listing.
    target.lists([track(1, "a")]);
    let overview = now(&account, &[&target]);
    assert_eq!(overview.coverage_checked, Some(target.now.wall));
}

fn vouched(account: &AccountInfo, target: &Polled) -> bool {
    let targets: [&TargetReport; 1] = [target.report()];
    is_covered(&mut Sums::default(), account, targets, INTERVAL, target.now)
}

#[test]
fn the_first_failure_ends_the_evidence() {
    let account = member();
    let mut target = Polled::new();
    target.lists([off()]);
    account.umbrella.found(true, target.now, REFRESH);
    assert!(vouched(&account, &target));
    account.umbrella.failed();
    assert!(!vouched(&account, &target));
    account.umbrella.found(true, target.now, REFRESH);
    assert!(vouched(&account, &target));
}

/// A discovery that hangs or is dead fails nowhere.
#[test]
fn the_organization_vouches_for_two_refreshes_by_either_clock() {
    let account = member();
    let mut target = Polled::new();
    account.umbrella.found(true, target.now, REFRESH);
    target.pass((2 * REFRESH).saturating_sub(2 * INTERVAL));
    target.lists([off()]);
    assert!(vouched(&account, &target));
    let before = target.now;
    target.now.wall += 8 * REFRESH;
    target.lists([off()]);
    assert!(!vouched(&account, &target), "by the wall clock");
    target.now = before;
    target.lists([off()]);
    assert!(!vouched(&account, &target), "by the steady clock");
}
