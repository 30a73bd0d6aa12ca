//! What another history knew, of an earlier configuration or an earlier process.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::{Retention, TargetHistory};
use cloudaudit_exporter::snapshot::{Change, Listing, Status, Track};
use tokio::time::Instant;

use super::polled::{NONE, Polled};
use super::{INTERVAL, RETENTION, STALE_AFTER, TOMBSTONE_FOR};
use crate::support::tracks::{listing, track};

const HOUR: Duration = Duration::from_hours(1);

/// Two tracks that are there, one that was switched off, and one that is gone.
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

/// Goes on at this time of day, with a steady clock that has nothing to do with the one before.
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
fn times_of_day_stay_and_ends_are_worked_out_anew() {
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
fn what_is_too_old_is_hidden_at_once_and_compared_with() {
    let target = known();
    let mut resumed = resumed(&target, 5 * HOUR);
    assert_eq!(resumed.last_good().show_until, resumed.now);
    assert_eq!(resumed.tombstones(), [3], "a fact about the past");
    let changes = resumed.lists([track(2, "b"), track(4, "d")]);
    let expected = [
        (2, Change::Enabled),
        (4, Change::Created),
        (1, Change::Vanished),
    ];
    assert_eq!(changes, expected);
    assert_eq!(resumed.tombstones(), [1, 3]);
}

#[test]
fn a_listing_that_says_what_was_restored_changes_nothing() {
    let target = known();
    let mut resumed = resumed(&target, HOUR);
    let tracks = target.last_good().listing.tracks.clone();
    let before = resumed.past().clone();
    assert_eq!(resumed.lists(tracks), []);
    assert_eq!(*resumed.past(), before);
    assert!(resumed.report().is_up());
}

#[test]
fn counters_go_on() {
    let target = known();
    let mut resumed = resumed(&target, HOUR);
    assert_eq!(resumed.report().counters, target.report().counters);
    resumed.lists([track(1, "a")]);
    let counters = &resumed.report().counters;
    assert_eq!(counters.polls, 4);
    assert_eq!(counters.failures[Reason::Throttled], 1);
    assert_eq!(counters.changes[Change::Vanished], 2);
}

#[test]
fn where_no_listing_is_known_the_next_one_is_the_first() {
    let mut target = Polled::new();
    target.failed(Reason::Unauthorized);
    let mut resumed = resumed(&target, HOUR);
    assert!(resumed.report().last_good.is_none());
    assert_eq!(resumed.lists([track(1, "a")]), []);
}

/// A tombstone may be known though its listing is not: it is a fact of its own.
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
fn tombstones_that_are_over_are_forgotten_with_their_changes() {
    let target = known();
    let resumed = resumed(&target, TOMBSTONE_FOR);
    assert_eq!(resumed.tombstones(), NONE);
    let changed: Vec<u64> = resumed.past().changes.keys().copied().collect();
    assert_eq!(changed, [2], "track 2 is listed");
}

/// The clock was set back: how old the listing is, is not known, so it is not shown. The next
/// listing is compared with it. What is said to have changed in the future has changed by now.
#[test]
fn what_lies_in_the_future_is_of_an_unknown_age() {
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
    assert_eq!(resumed.lists([track(1, "a")]), [(2, Change::Vanished)]);
    assert!(resumed.report().is_up());
}

/// A clock that is kept right is slewed, and set back by no more than a few seconds.
#[test]
fn a_little_ahead_is_now() {
    let target = known();
    let listed = target.last_good().at;
    let resumed = at(&target, listed - Duration::from_secs(5), RETENTION);
    assert_eq!(resumed.last_good().at, resumed.now.wall);
    assert_eq!(resumed.last_good().show_until, resumed.now + STALE_AFTER);
    let too_far = listed - Duration::from_millis(5_001);
    let resumed = at(&target, too_far, RETENTION);
    assert_eq!(resumed.last_good().known_at(), None);
}

/// The latest change says how the track is, so the order of two changes outlives the clock.
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
fn another_retention_holds_from_now_on() {
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
    // What does not fit any more is dropped by the next listing; nobody vanished, nobody came.
    assert_eq!(resumed.lists([track(1, "a"), track(2, "b")]), []);
    assert_eq!(resumed.last_good().listing.dropped.len(), 1);
    let mut wider = at(&resumed, resumed.now.wall, RETENTION);
    assert_eq!(wider.lists([track(1, "a"), track(2, "b")]), []);
    assert_eq!(wider.last_good().listing.dropped, []);
}

#[test]
fn another_interval_holds_from_now_on() {
    let target = known();
    let known = target.report().clone();
    let resumed = TargetHistory::resume(known, 5 * INTERVAL, RETENTION, target.now);
    assert_eq!(resumed.report().interval, 5 * INTERVAL);
    assert_eq!(resumed.report().region, "ap-guangzhou");
}

#[test]
fn hidden_tracks_are_waited_for_over_a_restart() {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "b")]);
    let short = Listing {
        reported: 2,
        ..listing([track(1, "a")])
    };
    target.listed(short.clone());
    let mut resumed = resumed(&target, HOUR);
    assert_eq!(resumed.listed(short), []);
    assert_eq!(resumed.lists([track(1, "a")]), [(2, Change::Vanished)]);
}
