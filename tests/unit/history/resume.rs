//! Resuming from the history of an earlier configuration or process.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::{Retention, TargetHistory};
use cloudaudit_exporter::snapshot::{ChangeKind, Listing, Status, Track};
use tokio::time::Instant;

use super::polled::{NONE, Polled};
use super::{INTERVAL, RETENTION, STALE_AFTER, TOMBSTONE_FOR};
use crate::support::tracks::{listing, track};

const HOUR: Duration = Duration::from_hours(1);

/// A target with an enabled, a disabled and a deleted track.
fn known() -> Polled {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "b"), track(3, "c")]);
    let off = Track {
        status: Status::Disabled,
        ..track(2, "b")
    };
    target.lists([track(1, "a"), off]);
    target.failed(Reason::Throttled);
    target
}

/// Resumes after this time, with a steady clock that is unrelated to the previous one.
fn resumed(target: &Polled, later: Duration) -> Polled {
    let wall = target.now.wall + later;
    at(target, wall, RETENTION)
}

fn at(target: &Polled, wall: std::time::SystemTime, retention: Retention) -> Polled {
    let steady = Instant::now() + Duration::from_hours(9_999);
    let now = Moment { wall, steady };
    let known = target.report().clone();
    Polled {
        history: TargetHistory::resume(known, INTERVAL, retention, now),
        now,
    }
}

#[test]
fn wall_clock_times_are_kept_and_deadlines_recomputed() {
    let target = known();
    let listed = target.last_good().at;
    let resumed = resumed(&target, HOUR / 2);
    let age = HOUR / 2 + INTERVAL;
    assert_eq!(resumed.last_good().at, listed);
    assert_eq!(
        resumed.last_good().show_until,
        resumed.now + STALE_AFTER.saturating_sub(age)
    );
    let tombstone = &resumed.past().tombstones[&3];
    assert_eq!(tombstone.at, listed);
    assert_eq!(
        tombstone.show_until,
        resumed.now.steady + TOMBSTONE_FOR - age
    );
    assert_eq!(resumed.past().changes, target.past().changes);
    assert_eq!(resumed.report().last_poll, target.report().last_poll);
    assert!(!resumed.report().is_up());
}

#[test]
fn a_listing_that_is_too_old_is_hidden_but_still_compared() {
    let target = known();
    let mut resumed = resumed(&target, 5 * HOUR);
    assert_eq!(resumed.last_good().show_until, resumed.now);
    assert_eq!(resumed.tombstones(), [3], "a fact about the past");
    let changes = resumed.lists([track(2, "b"), track(4, "d")]);
    let expected = [
        (2, ChangeKind::Enabled),
        (4, ChangeKind::Created),
        (1, ChangeKind::Vanished),
    ];
    assert_eq!(changes, expected);
    assert_eq!(resumed.tombstones(), [1, 3]);
}

#[test]
fn a_listing_equal_to_the_restored_one_changes_nothing() {
    let target = known();
    let mut resumed = resumed(&target, HOUR);
    let tracks = target.last_good().listing.tracks.clone();
    let before = resumed.past().clone();
    assert_eq!(resumed.lists(tracks), []);
    assert_eq!(*resumed.past(), before);
    assert!(resumed.report().is_up());
}

#[test]
fn counters_continue() {
    let target = known();
    let mut resumed = resumed(&target, HOUR);
    assert_eq!(resumed.report().counters, target.report().counters);
    resumed.lists([track(1, "a")]);
    let counters = &resumed.report().counters;
    assert_eq!(counters.polls, 4);
    assert_eq!(counters.failures[Reason::Throttled], 1);
    assert_eq!(counters.changes[ChangeKind::Vanished], 2);
}

#[test]
fn without_a_restored_listing_the_next_one_is_the_first() {
    let mut target = Polled::new();
    target.failed(Reason::Unauthorized);
    let mut resumed = resumed(&target, HOUR);
    assert!(resumed.report().last_good.is_none());
    assert_eq!(resumed.lists([track(1, "a")]), []);
}

/// A tombstone does not depend on a listing.
#[test]
fn a_past_without_a_listing_is_kept() {
    let target = known();
    let mut report = target.report().clone();
    report.last_good = None;
    let resumed = TargetHistory::resume(report, INTERVAL, RETENTION, target.now);
    assert_eq!(resumed.report().past.changes, target.past().changes);
    assert_eq!(resumed.report().past.tombstones.len(), 1);
}

#[test]
fn expired_tombstones_are_dropped_with_their_changes() {
    let target = known();
    let resumed = resumed(&target, TOMBSTONE_FOR);
    assert_eq!(resumed.tombstones(), NONE);
    let changed: Vec<u64> = resumed.past().changes.keys().copied().collect();
    assert_eq!(changed, [2], "track 2 is listed");
}

/// If the clock was set back, the age of the listing is unknown, so it is not shown. The next
/// listing is compared with it. Changes in the future count as changes now.
#[test]
fn a_listing_from_the_future_has_an_unknown_age() {
    let target = known();
    let wall = target.now.wall - 3 * HOUR;
    let mut resumed = at(&target, wall, RETENTION);
    let now = resumed.now;
    assert_eq!(resumed.last_good().known_at(), None);
    assert!(resumed.last_good().show_until.is_reached(now));
    assert_eq!(resumed.report().last_poll, None);
    assert!(!resumed.report().is_up());
    let tombstone = &resumed.past().tombstones[&3];
    assert_eq!(tombstone.at, wall);
    assert_eq!(tombstone.show_until, now.steady + TOMBSTONE_FOR);
    assert_eq!(resumed.changed(2), [("disabled", wall)].into());
    assert_eq!(resumed.changed(3), [("vanished", wall)].into());
    assert_eq!(resumed.lists([track(1, "a")]), [(2, ChangeKind::Vanished)]);
    assert!(resumed.report().is_up());
}

/// A synchronized clock is set back by a few seconds at most.
#[test]
fn a_listing_at_most_five_seconds_ahead_counts_as_now() {
    let target = known();
    let listed = target.last_good().at;
    let resumed = at(&target, listed - Duration::from_secs(5), RETENTION);
    assert_eq!(resumed.last_good().at, resumed.now.wall);
    assert_eq!(resumed.last_good().show_until, resumed.now + STALE_AFTER);
    let too_far = listed - Duration::from_millis(5_001);
    let resumed = at(&target, too_far, RETENTION);
    assert_eq!(resumed.last_good().known_at(), None);
}

/// The latest change shows the state of a track, so their order must survive a clock change.
#[test]
fn changes_in_the_future_keep_their_order() {
    let mut target = Polled::new();
    let off = || Track {
        status: Status::Disabled,
        ..track(1, "a")
    };
    target.lists([track(1, "a")]);
    target.lists([off()]);
    target.lists([track(1, "a")]);
    let mut resumed = at(&target, target.now.wall - 3 * HOUR, RETENTION);
    let changed = resumed.changed(1);
    assert!(changed["disabled"] < changed["enabled"]);
    assert!(changed["enabled"] <= resumed.now.wall);
    // The same without a restart.
    resumed.now.wall -= 3 * HOUR;
    resumed.lists([off()]);
    let changed = resumed.changed(1);
    assert!(changed["enabled"] < changed["disabled"]);
    assert_eq!(changed["disabled"], resumed.now.wall);
}

#[test]
fn a_changed_retention_applies_at_once() {
    let target = known();
    let shorter = Retention {
        stale_after: 3 * INTERVAL,
        tombstone_for: 2 * INTERVAL,
        max_tracks: 1,
    };
    let mut resumed = at(&target, target.now.wall, shorter);
    let now = resumed.now;
    assert_eq!(resumed.last_good().show_until, now + 2 * INTERVAL);
    let tombstone = &resumed.past().tombstones[&3];
    assert_eq!(tombstone.show_until, now.steady + INTERVAL);
    // The next listing drops the tracks beyond the limit. No track was created or vanished.
    assert_eq!(resumed.lists([track(1, "a"), track(2, "b")]), []);
    assert_eq!(resumed.last_good().listing.dropped.len(), 1);
    let mut wider = at(&resumed, resumed.now.wall, RETENTION);
    assert_eq!(wider.lists([track(1, "a"), track(2, "b")]), []);
    assert_eq!(wider.last_good().listing.dropped, []);
}

#[test]
fn a_changed_interval_applies_at_once() {
    let target = known();
    let known = target.report().clone();
    let resumed = TargetHistory::resume(known, 5 * INTERVAL, RETENTION, target.now);
    assert_eq!(resumed.report().interval, 5 * INTERVAL);
    assert_eq!(resumed.report().region, "ap-guangzhou");
}

#[test]
fn hidden_tracks_are_remembered_across_a_restart() {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "b")]);
    let short = Listing {
        reported: 2,
        ..listing([track(1, "a")])
    };
    target.listed(short.clone());
    let mut resumed = resumed(&target, HOUR);
    assert_eq!(resumed.listed(short), []);
    assert_eq!(resumed.lists([track(1, "a")]), [(2, ChangeKind::Vanished)]);
}
