//! A poll that saw only some of the tracks updates these and keeps the others unchanged.

use std::sync::Arc;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{
    AccountInfo, ChangeKind, ExpectedTrack, Listing, Status, Track,
};
use proptest::prelude::*;

use super::polled::{NONE, Polled};
use super::{INTERVAL, STALE_AFTER, overview};
use crate::support::tracks::{listing, track};

fn off(id: u64) -> Track {
    Track {
        status: Status::Disabled,
        ..track(id, "x")
    }
}

fn on(id: u64) -> Track {
    track(id, "x")
}

fn shown(target: &Polled) -> Vec<(u64, Status)> {
    let tracks = target.last_good().listing.tracks.iter();
    tracks.map(|track| (track.id, track.status)).collect()
}

#[test]
fn seen_tracks_are_updated_and_the_others_are_kept() {
    let mut target = Polled::new();
    target.lists([on(1), off(2), on(3)]);
    let good = target.last_good().clone();
    assert_eq!(
        target.sees([on(2), off(3)]),
        [(2, ChangeKind::Enabled), (3, ChangeKind::Disabled)]
    );
    assert_eq!(
        shown(&target),
        [
            (1, Status::Enabled),
            (2, Status::Enabled),
            (3, Status::Disabled)
        ]
    );
    assert!(!target.report().is_up());
    assert_eq!(
        target.report().failure.as_ref().unwrap().reason,
        Reason::Incomplete
    );
    assert_eq!(target.report().counters.failures[Reason::Incomplete], 1);
    assert_eq!(
        target.last_good().at,
        good.at,
        "the time of the last listing is unchanged"
    );
    assert_eq!(target.last_good().show_until, good.show_until);
    assert!(!target.last_good().is_complete);
    assert_eq!(target.changed(3)["disabled"], target.now.wall);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn a_track_that_is_seen_for_the_first_time_is_created() {
    let mut target = Polled::new();
    target.lists([on(1)]);
    assert_eq!(target.sees([on(2)]), [(2, ChangeKind::Created)]);
    assert_eq!(target.sees([on(2)]), [], "once");
    assert_eq!(target.lists([on(1), on(2)]), []);
    assert!(target.last_good().is_complete);
    assert_eq!(target.sees([on(1)]), []);
    assert_eq!(target.lists([on(1)]), [(2, ChangeKind::Vanished)]);
    // A deleted track that reappears is created, even if other tracks are not seen.
    assert_eq!(target.sees([on(2)]), [(2, ChangeKind::Created)]);
    assert_eq!(target.tombstones(), NONE);
}

#[test]
fn before_the_first_listing_nothing_is_known() {
    let mut target = Polled::new();
    assert_eq!(target.sees([on(1)]), []);
    assert!(target.report().last_good.is_none());
    assert!(!target.report().is_up());
    assert_eq!(
        target.lists([on(1), on(2)]),
        [],
        "the first one changes nothing"
    );
}

#[test]
fn an_unchanged_listing_is_not_reallocated() {
    let mut target = Polled::new();
    target.lists([on(1), on(2)]);
    let before = Arc::clone(&target.last_good().listing);
    target.sees([on(1)]);
    assert!(Arc::ptr_eq(&before, &target.last_good().listing));
}

#[test]
fn coverage_is_not_known_until_the_next_complete_listing() {
    let account = AccountInfo::default();
    let covered = |target: &Polled| overview::now(&account, &[target]).totals.covered;
    let mut target = Polled::new();
    target.lists([on(1), off(2)]);
    assert_eq!(covered(&target), Some(true));
    target.sees([on(1)]);
    assert_eq!(covered(&target), None, "track 2 is not seen");
    assert_eq!(
        overview::now(&account, &[&target])
            .totals
            .tracks
            .into_array(),
        [1, 1, 0]
    );
    target.failed(Reason::Unavailable);
    assert_eq!(covered(&target), None, "another failure proves nothing");
    target.lists([on(1), off(2)]);
    assert_eq!(covered(&target), Some(true));
}

/// The region with the incomplete listing may show the same track as disabled.
#[test]
fn one_incomplete_region_makes_coverage_unknown() {
    let account = AccountInfo::default();
    let (mut one, mut other) = (Polled::new(), Polled::new());
    one.lists([on(1), on(2)]);
    other.lists([on(1), on(2)]);
    other.sees([on(1)]);
    for targets in [[&one, &other], [&other, &one]] {
        assert_eq!(overview::now(&account, &targets).totals.covered, None);
        assert_eq!(
            overview::now(&account, &targets).totals.tracks.into_array(),
            [2, 0, 0]
        );
    }
}

#[test]
fn an_expected_track_that_is_not_seen_may_be_present() {
    let account = AccountInfo {
        expected_tracks: ["x", "y"]
            .map(|name| ExpectedTrack {
                name: name.to_owned(),
                ..ExpectedTrack::default()
            })
            .into(),
        ..AccountInfo::default()
    };
    let present = |target: &Polled| -> Vec<_> {
        let totals = overview::now(&account, &[target]).totals;
        totals
            .expectations
            .iter()
            .map(|it| (it.present, it.matches))
            .collect()
    };
    let mut target = Polled::new();
    target.lists([on(1)]);
    assert_eq!(
        present(&target),
        [(Some(true), Some(true)), (Some(false), Some(false))]
    );
    target.sees([off(1)]);
    assert_eq!(present(&target), [(Some(true), Some(false)), (None, None)]);
    target.sees([track(2, "y")]);
    assert_eq!(present(&target)[1], (Some(true), Some(true)));
}

#[test]
fn tracks_beyond_the_limit_are_counted() {
    let mut target = Polled::with_room_for(2);
    target.lists([on(3), on(5), on(7)]);
    assert_eq!(target.sees([on(1), off(7)]), [(1, ChangeKind::Created)]);
    let listing = &target.last_good().listing;
    assert_eq!(
        shown(&target).iter().map(|it| it.0).collect::<Vec<_>>(),
        [1, 3]
    );
    let dropped: Vec<_> = listing
        .dropped
        .iter()
        .map(|it| (it.id, it.status))
        .collect();
    assert_eq!(dropped, [(5, Status::Enabled), (7, Status::Disabled)]);
}

/// An accepted listing below `TotalCount` proves nothing about the tracks that it lacks. An
/// incomplete listing may show them again, and proves nothing about the others.
#[test]
fn an_incomplete_listing_does_not_prove_that_a_hidden_track_is_gone() {
    let mut target = Polled::new();
    target.lists([on(1), on(2), on(3)]);
    target.listed(Listing {
        reported: 3,
        ..listing([on(1)])
    });
    assert_eq!(target.sees([on(1), off(2)]), [(2, ChangeKind::Disabled)]);
    assert_eq!(
        target.lists([on(1)]),
        [(2, ChangeKind::Vanished), (3, ChangeKind::Vanished)]
    );
}

#[test]
fn incomplete_listings_do_not_extend_how_long_data_is_shown() {
    let mut target = Polled::new();
    target.lists([on(1), on(2)]);
    let hidden = target.last_good().show_until;
    while !hidden.is_reached(target.now) {
        target.sees([on(1)]);
    }
    assert_eq!(target.now.steady, hidden.steady);
    assert_eq!(STALE_AFTER.as_secs() % INTERVAL.as_secs(), 0);
    assert_eq!(
        target.sees([off(1)]),
        [(1, ChangeKind::Disabled)],
        "a fact about the past"
    );
    assert_eq!(
        target.lists([off(1)]),
        [(2, ChangeKind::Vanished)],
        "the track was still known"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No track vanishes in an incomplete listing, and a complete listing replaces everything.
    #[test]
    fn only_a_complete_listing_makes_a_track_vanish(
        polls in prop::collection::vec(
            (any::<bool>(), prop::collection::btree_map(1..8_u64, any::<bool>(), 0..6)), 1..12,
        ),
    ) {
        let mut target = Polled::new();
        for (is_complete, tracks) in polls {
            let tracks = tracks.into_iter();
            let tracks: Vec<Track> =
                tracks.map(|(id, is_on)| if is_on { on(id) } else { off(id) }).collect();
            let before = target.report().last_good.as_ref().map(|_| shown(&target));
            if is_complete {
                target.lists(tracks.clone());
                prop_assert_eq!(&target.last_good().listing.tracks, &tracks);
            } else if let Some(before) = before {
                let changes = target.sees(tracks.clone());
                prop_assert!(changes.iter().all(|(_, change)| *change != ChangeKind::Vanished));
                let listing = &target.last_good().listing;
                for track in &tracks {
                    prop_assert_eq!(listing.track(track.id), Some(track));
                }
                for (id, status) in before {
                    let is_seen = tracks.iter().any(|track| track.id == id);
                    prop_assert!(is_seen || listing.track(id).unwrap().status == status);
                }
            } else {
                target.sees(tracks);
            }
            if let Some(good) = &target.report().last_good {
                let both = |id: &u64| good.listing.keeps(*id);
                prop_assert!(!target.past().tombstones.keys().any(both));
            }
        }
    }
}
