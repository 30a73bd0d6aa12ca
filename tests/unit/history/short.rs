//! What a listing with fewer tracks than reported does not prove.

use std::collections::BTreeMap;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{ChangeKind, Listing, Status, Track};
use proptest::prelude::*;

use super::changes::lines_of;
use super::polled::{Polled, in_short};
use crate::support::tracks::{listing, track};

#[test]
fn no_track_vanishes_while_fewer_are_listed_than_reported() {
    let all = || [track(1, "a"), track(2, "b"), track(3, "c")];
    let one_hidden = |reported| Listing {
        reported,
        ..listing([track(1, "a")])
    };
    let mut target = Polled::new();
    target.listed(listing(all()));
    assert_eq!(target.listed(one_hidden(3)), [], "two tracks are hidden");
    target.failed(Reason::Incomplete);
    assert_eq!(
        target.listed(one_hidden(2)),
        [],
        "one track is still hidden"
    );

    // Track 2 reappears disabled, which is not a creation. Track 3 is proven to be gone.
    let mut back = track(2, "b");
    back.status = Status::Disabled;
    assert_eq!(
        lines_of(&target.listed(listing([track(1, "a"), back.clone()])))
            .iter()
            .map(|line| line.split(" [").next().unwrap())
            .collect::<Vec<_>>(),
        ["2 b disabled", "3 c vanished"]
    );
    assert_eq!(target.listed(listing([track(1, "a"), back])), [], "once");
}

#[test]
fn a_new_track_is_created_even_in_an_incomplete_listing() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let changes = target.listed(Listing {
        reported: 3,
        ..listing([track(2, "b")])
    });
    assert_eq!(in_short(&changes), [(2, ChangeKind::Created)]);
}

#[test]
fn a_listing_with_more_tracks_than_reported_proves_absence() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    let changes = target.listed(Listing {
        reported: 0,
        ..listing([track(1, "a")])
    });
    assert_eq!(in_short(&changes), [(2, ChangeKind::Vanished)]);
}

/// Up to four tracks with six possible ids, and a total of up to two more than listed.
fn any_listing() -> impl Strategy<Value = Listing> {
    let states = prop::sample::select(Status::ALL);
    let one = (1..=6_u64, states, prop::sample::select(&["a", "b"][..]));
    (prop::collection::btree_set(one, 0..5), 0..=2_u64).prop_map(|(tracks, hidden)| {
        let by_id: BTreeMap<u64, Track> = tracks
            .into_iter()
            .map(|(id, status, name)| {
                let track = Track {
                    status,
                    ..track(id, name)
                };
                (id, track)
            })
            .collect();
        let listing = listing(by_id.into_values());
        Listing {
            reported: listing.reported + hidden,
            ..listing
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Replaying the changes yields the listed tracks: no change is reported twice or missing.
    #[test]
    fn replayed_changes_yield_the_listed_tracks(listings in prop::collection::vec(any_listing(), 1..12)) {
        let mut target = Polled::new();
        let state = |track: &Track| (track.status == Status::Enabled, track.name.clone());
        let mut replayed: BTreeMap<u64, (bool, String)> = BTreeMap::new();
        let mut was_whole = true;
        for (number, listing) in listings.into_iter().enumerate() {
            let listed: BTreeMap<u64, (bool, String)> =
                listing.tracks.iter().map(|track| (track.id, state(track))).collect();
            let is_whole = listing.reported == listing.tracks.len() as u64;
            let changes = target.listed(listing);
            if number == 0 {
                prop_assert_eq!(&changes, &[]);
                replayed = listed;
                was_whole = is_whole;
                continue;
            }
            for change in changes {
                let to = |field: &str| {
                    change.fields.iter().find(|it| it.field == field).map(|it| it.to.clone())
                };
                let known = replayed.get(&change.id).cloned();
                match (change.change, known) {
                    (ChangeKind::Created, None) => {
                        let on = to("Status").unwrap() == "enabled";
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (ChangeKind::Vanished, Some(_)) => {
                        prop_assert!(is_whole);
                        replayed.remove(&change.id);
                    }
                    (ChangeKind::Enabled, Some((false, name))) => {
                        replayed.insert(change.id, (true, name));
                    }
                    (ChangeKind::Disabled, Some((true, name))) => {
                        replayed.insert(change.id, (false, name));
                    }
                    (ChangeKind::Modified, Some((on, _))) => {
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (_, known) => prop_assert!(false, "{:?} of {:?}", change, known),
                }
            }
            if !was_whole {
                // These tracks may have existed before, so no change reports them.
                for (id, state) in &listed {
                    replayed.entry(*id).or_insert_with(|| state.clone());
                }
            }
            was_whole = is_whole;
            if is_whole {
                prop_assert_eq!(&replayed, &listed);
            } else {
                for (id, state) in &listed {
                    prop_assert_eq!(replayed.get(id), Some(state));
                }
            }
        }
    }
}
