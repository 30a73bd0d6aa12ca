//! Tombstones of deleted tracks: when they are created and dropped, and how many are kept.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{ChangeKind, Listing, Status, Track};
use proptest::prelude::*;

use super::polled::{NONE, Polled, in_short};
use super::{INTERVAL, RETENTION, STALE_AFTER, TOMBSTONE_FOR};
use crate::support::tracks::{listing, track};

/// Enabled tracks with these ids.
fn tracks(ids: impl IntoIterator<Item = u64>) -> Vec<Track> {
    ids.into_iter().map(|id| track(id, "x")).collect()
}

/// A listing of these ids for which the API reports `reported` as the total.
fn reported(reported: u64, ids: impl IntoIterator<Item = u64>) -> Listing {
    Listing {
        reported,
        ..listing(tracks(ids))
    }
}

#[test]
fn a_track_that_vanished_leaves_a_tombstone_with_its_last_name_and_time() {
    let mut target = Polled::new();
    target.lists([track(1, "a"), track(2, "old")]);
    target.lists([track(1, "a"), track(2, "new")]);
    assert_eq!(target.tombstones(), NONE);
    target.lists([track(1, "a")]);
    let tombstone = &target.past().tombstones[&2];
    assert_eq!(tombstone.name, "new");
    assert_eq!(tombstone.at, target.now.wall);
    assert_eq!(tombstone.show_until, target.now.steady + TOMBSTONE_FOR);
    assert_eq!(target.past().changes[&2].name, "new");

    // Neither a failure nor a listing changes the tombstone.
    let tombstone = tombstone.clone();
    target.failed(Reason::Unavailable);
    target.lists([track(1, "a"), track(3, "c")]);
    target.lists([track(1, "a")]);
    assert_eq!(target.past().tombstones[&2], tombstone);
    assert_eq!(target.tombstones(), [2, 3]);
}

#[test]
fn an_expired_tombstone_is_dropped_with_its_changes() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2, 3]));
    target.lists(tracks([1, 3]));
    let vanished = target.now;
    target.lists(tracks([1]));

    target.now.steady = vanished.steady + TOMBSTONE_FOR - INTERVAL.mul_f64(1.5);
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [2, 3], "not yet");
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [3], "the first has expired");
    assert!(target.changed(2).is_empty());
    assert!(!target.changed(3).is_empty());
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), NONE);
    assert!(target.past().changes.is_empty());
}

#[test]
fn an_id_that_reappears_loses_its_tombstone_and_is_created() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    target.lists(tracks([1]));
    let vanished = target.now.wall;
    assert_eq!(target.tombstones(), [2]);
    assert_eq!(target.lists(tracks([1, 2])), [(2, ChangeKind::Created)]);
    assert_eq!(target.tombstones(), NONE);
    let created = target.now.wall;
    let times = [("created", created), ("vanished", vanished)];
    assert_eq!(target.changed(2), times.into());
    assert_eq!(target.lists(tracks([1])), [(2, ChangeKind::Vanished)]);
    assert_eq!(target.tombstones(), [2], "and again");
}

#[test]
fn a_track_recreated_with_the_same_name_has_a_new_id() {
    let mut target = Polled::new();
    target.lists([track(641, "audit-all")]);
    let changes = target.lists([track(694, "audit-all")]);
    assert_eq!(
        changes,
        [(694, ChangeKind::Created), (641, ChangeKind::Vanished)]
    );
    assert_eq!(target.tombstones(), [641]);
    assert_eq!(target.past().tombstones[&641].name, "audit-all");
    let kinds = |id| target.changed(id).into_keys().collect::<Vec<_>>();
    assert_eq!(kinds(641), ["vanished"]);
    assert_eq!(kinds(694), ["created"]);
}

#[test]
fn a_track_deleted_in_an_outage_longer_than_stale_after_leaves_a_tombstone() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    let hidden = target.last_good().show_until.steady;
    while target.now.steady < hidden + STALE_AFTER {
        target.failed(Reason::Unavailable);
        assert_eq!(target.tombstones(), NONE, "an outage proves nothing");
    }
    assert_eq!(target.lists(tracks([1])), [(2, ChangeKind::Vanished)]);
    assert_eq!(target.tombstones(), [2]);
    let tombstone = &target.past().tombstones[&2];
    assert_eq!(
        tombstone.at, target.now.wall,
        "the time of the poll that saw the deletion"
    );
    assert_eq!(tombstone.show_until, target.now.steady + TOMBSTONE_FOR);
}

#[test]
fn a_short_listing_leaves_no_tombstone() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2, 3]));
    for _ in 0..3 {
        assert_eq!(target.listed(reported(3, [1])), []);
        assert_eq!(target.tombstones(), NONE);
    }
    target.lists(tracks([1, 3]));
    assert_eq!(target.tombstones(), [2]);
    assert_eq!(target.past().tombstones[&2].at, target.now.wall);
}

#[test]
fn a_short_listing_keeps_a_tombstone() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    target.lists(tracks([1]));
    target.listed(reported(2, [1]));
    assert_eq!(target.tombstones(), [2]);
    // The track was proven to be gone, so it was not just hidden.
    let changes = target.listed(reported(2, [1, 2]));
    assert_eq!(in_short(&changes), [(2, ChangeKind::Created)]);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn tombstones_are_kept_for_the_lowest_ids() {
    let mut target = Polled::with_room_for(3);
    target.lists(tracks([7, 8, 9]));
    target.lists(tracks([4, 5, 6]));
    assert_eq!(target.tombstones(), [7, 8, 9]);
    target.lists(tracks([3]));
    assert_eq!(target.tombstones(), [4, 5, 6]);
    assert!(target.changed(7).is_empty());
    assert_eq!(
        target.report().counters.changes.into_array(),
        [4, 6, 0, 0, 0]
    );
}

#[test]
fn tracks_beyond_the_limit_are_only_counted() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([1, 2, 3, 4]));
    let listing = &target.last_good().listing;
    let kept: Vec<u64> = listing.tracks.iter().map(|track| track.id).collect();
    let dropped: Vec<u64> = listing.dropped.iter().map(|track| track.id).collect();
    assert_eq!((kept, dropped), (vec![1, 2], vec![3, 4]));
    assert!(!listing.is_short());
    assert!(!listing.proves_absence());

    let mut other = tracks([1, 2, 3, 5]);
    other[2].status = Status::Disabled;
    assert_eq!(target.lists(other), []);
    assert_eq!(
        target.last_good().listing.dropped[0].status,
        Status::Disabled
    );
    assert_eq!(target.lists(tracks([1, 2])), []);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn a_track_that_moves_beyond_the_limit_does_not_vanish() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([5, 6]));
    let changes = target.lists(tracks([1, 5, 6]));
    assert_eq!(changes, [(1, ChangeKind::Created)]);
    assert_eq!(target.tombstones(), NONE);
    // It does not vanish when it is deleted, either: dropped tracks are not compared.
    assert_eq!(target.lists(tracks([1, 5])), []);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn a_track_that_moves_within_the_limit_is_not_created() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([1, 2, 3]));
    assert_eq!(target.lists(tracks([1, 3])), [(2, ChangeKind::Vanished)]);
    assert_eq!(target.tombstones(), [2]);
    assert!(target.changed(3).is_empty());
    // From now on the track is compared.
    assert_eq!(target.lists(tracks([1])), [(3, ChangeKind::Vanished)]);
}

#[test]
fn a_hidden_track_that_reappears_beyond_the_limit_did_not_vanish() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([5, 6]));
    target.listed(reported(2, [5]));
    target.lists(tracks([1, 5, 6]));
    assert_eq!(target.report().unproven.len(), 0);
    assert_eq!(target.lists(tracks([1, 5])), []);
    assert_eq!(target.tombstones(), NONE);
}

/// The track exists, so a tombstone would be wrong.
#[test]
fn an_id_that_reappears_beyond_the_limit_has_no_tombstone() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([1, 5]));
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [5]);
    target.lists(tracks([1, 2, 5]));
    assert_eq!(target.tombstones(), NONE);
    target.lists(tracks([1, 5]));
    assert_eq!(target.tombstones(), [2]);
}

/// Otherwise, change times of tracks beyond the limit would accumulate forever.
#[test]
fn change_times_of_tracks_beyond_the_limit_are_dropped() {
    let mut target = Polled::with_room_for(2);
    target.lists([]);
    target.lists(tracks([8, 9]));
    assert_eq!(target.past().changes.len(), 2);
    target.lists(tracks([1, 2, 8, 9]));
    let changed: Vec<u64> = target.past().changes.keys().copied().collect();
    assert_eq!(changed, [1, 2]);
}

#[test]
fn a_hidden_track_keeps_its_change_times() {
    let mut target = Polled::new();
    target.lists([]);
    target.lists(tracks([1, 2]));
    let created = target.changed(2);
    target.listed(reported(2, [1]));
    assert_eq!(target.changed(2), created);
}

#[test]
fn the_number_of_hidden_tracks_is_bounded() {
    let mut target = Polled::with_room_for(3);
    target.lists(tracks([4, 5, 6]));
    target.listed(reported(9, [1, 2, 3]));
    target.listed(reported(9, [7]));
    let unproven: Vec<u64> = target.report().unproven.keys().copied().collect();
    assert_eq!(unproven, [1, 2, 3]);
    let changed: Vec<u64> = target.past().changes.keys().copied().collect();
    assert_eq!(changed, [1, 2, 3]);
}

/// A poll after some intervals that lists some of nine ids, with a total of `hidden` more.
#[derive(Clone, Debug)]
struct AnyPoll {
    after: u32,
    ids: Vec<u64>,
    hidden: u64,
}

fn any_poll() -> impl Strategy<Value = AnyPoll> {
    let ids = prop::collection::btree_set(1..=9_u64, 0..8);
    let hidden = prop_oneof![3 => Just(0), 1 => 1..3_u64];
    (1..8_u32, ids, hidden).prop_map(|(after, ids, hidden)| AnyPoll {
        after,
        ids: ids.into_iter().collect(),
        hidden,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No listed track has a tombstone, and the number of tombstones and change times is bounded.
    #[test]
    fn only_absent_tracks_have_tombstones(polls in prop::collection::vec(any_poll(), 1..30)) {
        let room = 3;
        let short_lived = Duration::from_mins(5);
        let mut target = Polled::with(super::Retention {
            max_tracks: room,
            tombstone_for: short_lived,
            ..RETENTION
        });
        for AnyPoll { after, ids, hidden } in polls {
            target.pass((after - 1) * INTERVAL);
            let changes = target.listed(reported(ids.len() as u64 + hidden, ids.iter().copied()));
            let now = target.now;
            let kept: Vec<u64> = ids.iter().copied().take(room).collect();
            let past = target.past();
            for (id, tombstone) in &past.tombstones {
                prop_assert!(!ids.contains(id), "{} is listed", id);
                prop_assert!(!target.report().unproven.contains_key(id));
                prop_assert!(past.changes.contains_key(id));
                prop_assert!(tombstone.show_until > now.steady);
                prop_assert!(now.wall.duration_since(tombstone.at).unwrap() < short_lived);
            }
            for id in past.changes.keys() {
                let known = kept.contains(id)
                    || past.tombstones.contains_key(id)
                    || target.report().unproven.contains_key(id);
                prop_assert!(known, "{} has change times without a reason", id);
            }
            prop_assert!(past.tombstones.len() <= room);
            prop_assert!(target.report().unproven.len() <= room);
            for change in changes {
                match change.change {
                    ChangeKind::Created => prop_assert!(kept.contains(&change.id)),
                    ChangeKind::Vanished => prop_assert!(!ids.contains(&change.id) && hidden == 0),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
