//! Tracks that were listed and no longer are, and how many of them are remembered how long.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{Change, Listing, Status, Track};
use proptest::prelude::*;

use super::polled::{NONE, Polled, in_short};
use super::{INTERVAL, RETENTION, STALE_AFTER, TOMBSTONE_FOR};
use crate::support::tracks::{listing, track};

/// Enabled tracks with these ids.
fn tracks(ids: impl IntoIterator<Item = u64>) -> Vec<Track> {
    ids.into_iter().map(|id| track(id, "x")).collect()
}

/// What a walk over the pages finds of them, with `reported` by the API.
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

    // Nothing moves it, neither what fails nor what is listed.
    let tombstone = tombstone.clone();
    target.failed(Reason::Unavailable);
    target.lists([track(1, "a"), track(3, "c")]);
    target.lists([track(1, "a")]);
    assert_eq!(target.past().tombstones[&2], tombstone);
    assert_eq!(target.tombstones(), [2, 3]);
}

#[test]
fn a_tombstone_is_forgotten_after_its_time_and_its_changes_with_it() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2, 3]));
    target.lists(tracks([1, 3]));
    let vanished = target.now;
    target.lists(tracks([1]));

    target.now.steady = vanished.steady + TOMBSTONE_FOR - INTERVAL.mul_f64(1.5);
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [2, 3], "not too early");
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [3], "the one that is over");
    assert!(target.changed(2).is_empty());
    assert!(!target.changed(3).is_empty());
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), NONE);
    assert!(target.past().changes.is_empty());
}

#[test]
fn an_id_that_returns_takes_its_tombstone_away_and_is_created() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    target.lists(tracks([1]));
    let vanished = target.now.wall;
    assert_eq!(target.tombstones(), [2]);
    assert_eq!(target.lists(tracks([1, 2])), [(2, Change::Created)]);
    assert_eq!(target.tombstones(), NONE);
    let created = target.now.wall;
    let times = [("created", created), ("vanished", vanished)];
    assert_eq!(target.changed(2), times.into());
    assert_eq!(target.lists(tracks([1])), [(2, Change::Vanished)]);
    assert_eq!(target.tombstones(), [2], "and again");
}

#[test]
fn deleted_and_created_again_under_the_same_name_is_two_ids() {
    let mut target = Polled::new();
    target.lists([track(641, "audit-all")]);
    let changes = target.lists([track(694, "audit-all")]);
    assert_eq!(changes, [(694, Change::Created), (641, Change::Vanished)]);
    assert_eq!(target.tombstones(), [641]);
    assert_eq!(target.past().tombstones[&641].name, "audit-all");
    let kinds = |id| target.changed(id).into_keys().collect::<Vec<_>>();
    assert_eq!(kinds(641), ["vanished"]);
    assert_eq!(kinds(694), ["created"]);
}

#[test]
fn a_track_deleted_in_an_outage_longer_than_stale_after_leaves_a_tombstone_after_it() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    let hidden = target.last_good().show_until.steady;
    while target.now.steady < hidden + STALE_AFTER {
        target.failed(Reason::Unavailable);
        assert_eq!(target.tombstones(), NONE, "an outage proves nothing");
    }
    assert_eq!(target.lists(tracks([1])), [(2, Change::Vanished)]);
    assert_eq!(target.tombstones(), [2]);
    let tombstone = &target.past().tombstones[&2];
    assert_eq!(tombstone.at, target.now.wall, "seen, not done, then");
    assert_eq!(tombstone.show_until, target.now.steady + TOMBSTONE_FOR);
}

#[test]
fn a_listing_that_is_short_leaves_no_tombstone_until_one_proves_it() {
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
fn a_known_tombstone_stays_while_listings_are_short() {
    let mut target = Polled::new();
    target.lists(tracks([1, 2]));
    target.lists(tracks([1]));
    target.listed(reported(2, [1]));
    assert_eq!(target.tombstones(), [2]);
    // It is known to have been gone, so it did not just hide.
    let changes = target.listed(reported(2, [1, 2]));
    assert_eq!(in_short(&changes), [(2, Change::Created)]);
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
fn tracks_beyond_the_limit_are_counted_and_no_more() {
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
fn a_kept_track_that_becomes_a_dropped_one_does_not_vanish() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([5, 6]));
    let changes = target.lists(tracks([1, 5, 6]));
    assert_eq!(changes, [(1, Change::Created)]);
    assert_eq!(target.tombstones(), NONE);
    // Nor when it goes for good: nobody watches dropped ones.
    assert_eq!(target.lists(tracks([1, 5])), []);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn a_dropped_track_that_becomes_a_kept_one_is_not_created() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([1, 2, 3]));
    assert_eq!(target.lists(tracks([1, 3])), [(2, Change::Vanished)]);
    assert_eq!(target.tombstones(), [2]);
    assert!(target.changed(3).is_empty());
    // From here on it is watched.
    assert_eq!(target.lists(tracks([1])), [(3, Change::Vanished)]);
}

#[test]
fn a_hidden_track_that_turns_up_beyond_the_limit_did_not_vanish() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([5, 6]));
    target.listed(reported(2, [5]));
    target.lists(tracks([1, 5, 6]));
    assert_eq!(target.report().unproven.len(), 0);
    assert_eq!(target.lists(tracks([1, 5])), []);
    assert_eq!(target.tombstones(), NONE);
}

/// It is there: a tombstone would say that it is not, and twice so when it is kept again.
#[test]
fn an_id_that_returns_beyond_the_limit_has_no_tombstone() {
    let mut target = Polled::with_room_for(2);
    target.lists(tracks([1, 5]));
    target.lists(tracks([1]));
    assert_eq!(target.tombstones(), [5]);
    target.lists(tracks([1, 2, 5]));
    assert_eq!(target.tombstones(), NONE);
    target.lists(tracks([1, 5]));
    assert_eq!(target.tombstones(), [2]);
}

/// Else an account whose tracks come and go beyond the limit would be remembered for ever.
#[test]
fn what_is_not_kept_any_more_is_forgotten() {
    let mut target = Polled::with_room_for(2);
    target.lists([]);
    target.lists(tracks([8, 9]));
    assert_eq!(target.past().changes.len(), 2);
    target.lists(tracks([1, 2, 8, 9]));
    let changed: Vec<u64> = target.past().changes.keys().copied().collect();
    assert_eq!(changed, [1, 2]);
}

#[test]
fn a_hidden_track_is_not_forgotten() {
    let mut target = Polled::new();
    target.lists([]);
    target.lists(tracks([1, 2]));
    let created = target.changed(2);
    target.listed(reported(2, [1]));
    assert_eq!(target.changed(2), created);
}

#[test]
fn hidden_tracks_are_bounded_too() {
    let mut target = Polled::with_room_for(3);
    target.lists(tracks([4, 5, 6]));
    target.listed(reported(9, [1, 2, 3]));
    target.listed(reported(9, [7]));
    let unproven: Vec<u64> = target.report().unproven.keys().copied().collect();
    assert_eq!(unproven, [1, 2, 3]);
    let changed: Vec<u64> = target.past().changes.keys().copied().collect();
    assert_eq!(changed, [1, 2, 3]);
}

/// What comes back from a poll after so many intervals: nine ids, some reported and not listed.
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

    /// However tracks come and go: who is there has no tombstone, who has one is not there, and
    /// what is remembered is bounded.
    #[test]
    fn tombstones_are_of_the_absent(polls in prop::collection::vec(any_poll(), 1..30)) {
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
                prop_assert!(!ids.contains(id), "{} is there", id);
                prop_assert!(!target.report().unproven.contains_key(id));
                prop_assert!(past.changes.contains_key(id));
                prop_assert!(tombstone.show_until > now.steady);
                prop_assert!(now.wall.duration_since(tombstone.at).unwrap() < short_lived);
            }
            for id in past.changes.keys() {
                let known = kept.contains(id)
                    || past.tombstones.contains_key(id)
                    || target.report().unproven.contains_key(id);
                prop_assert!(known, "{} is remembered for nothing", id);
            }
            prop_assert!(past.tombstones.len() <= room);
            prop_assert!(target.report().unproven.len() <= room);
            for change in changes {
                match change.change {
                    Change::Created => prop_assert!(kept.contains(&change.id)),
                    Change::Vanished => prop_assert!(!ids.contains(&change.id) && hidden == 0),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
