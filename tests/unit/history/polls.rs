//! What a poll changes, and what a failure does not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{ChangeKind, Listing, Status};

use super::polled::Polled;
use super::{INTERVAL, STALE_AFTER};
use crate::support::tracks::{listing, track};

#[test]
fn nothing_is_known_before_the_first_poll() {
    let target = Polled::new();
    let report = target.history.report();
    assert!(!report.is_up());
    assert!(report.last_good.is_none());
    assert!(report.last_poll.is_none());
    assert_eq!(report.counters, <_>::default());
    assert_eq!(report.interval, INTERVAL);
}

#[test]
fn a_failure_does_not_change_the_last_listing_or_its_times() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let good = target.last_good().clone();
    let listed_at = target.now;
    assert_eq!(good.at, listed_at.wall);
    assert_eq!(good.show_until, listed_at + STALE_AFTER);

    for reason in [Reason::Unauthorized, Reason::Throttled, Reason::Throttled] {
        target.failed(reason);
        let report = target.history.report();
        let still = report.last_good.as_ref().unwrap();
        assert!(!report.is_up());
        assert_eq!(report.failure.as_ref().unwrap().reason, reason);
        assert_eq!(report.last_poll.unwrap().at, target.now.wall);
        assert!(Arc::ptr_eq(&still.listing, &good.listing));
        assert_eq!((still.at, still.show_until), (good.at, good.show_until));
    }

    target.listed(listing([track(1, "a")]));
    assert!(target.history.report().is_up());
    assert_eq!(target.last_good().at, target.now.wall);
}

#[test]
fn a_listing_is_compared_with_the_last_one_however_old_it_is() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    for _ in 0..200 {
        target.failed(Reason::Unavailable);
    }
    let changes = target.listed(listing([track(1, "a")]));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].change, ChangeKind::Vanished);
}

#[test]
fn an_unchanged_listing_is_not_reallocated_and_is_shown_longer() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let first = target.last_good().clone();
    target.failed(Reason::Unavailable);
    target.listed(listing([track(1, "a")]));
    let second = target.last_good().clone();
    assert!(Arc::ptr_eq(&first.listing, &second.listing));
    assert_eq!(second.show_until, first.show_until + 2 * INTERVAL);

    // A listing also shows the total, which is not a change of a track.
    target.listed(Listing {
        reported: 2,
        ..listing([track(1, "a")])
    });
    assert!(!Arc::ptr_eq(&second.listing, &target.last_good().listing));
    assert_eq!(target.last_good().listing.reported, 2);
}

#[test]
fn polls_failures_and_changes_are_counted() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    target.history.skipped();
    target.failed(Reason::Throttled);
    target.history.skipped();
    target.failed(Reason::Incomplete);
    target.failed(Reason::Throttled);
    let mut edited = track(1, "c");
    edited.status = Status::Disabled;
    target.listed(listing([edited, track(3, "d"), track(4, "e")]));

    let counters = &target.history.report().counters;
    assert_eq!(counters.polls, 5);
    assert_eq!(counters.skipped, 2);
    let failures = counters.failures.into_iter();
    let failures: BTreeMap<&str, u64> = failures
        .map(|(reason, count)| (reason.as_str(), count))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(failures, [("throttled", 2), ("incomplete", 1)].into());
    let changes = counters.changes.into_iter();
    let changes: BTreeMap<&str, u64> = changes
        .map(|(change, count)| (change.as_str(), count))
        .collect();
    assert_eq!(
        changes,
        [
            ("created", 2),
            ("vanished", 1),
            ("enabled", 0),
            ("disabled", 1),
            ("modified", 1)
        ]
        .into()
    );
}
