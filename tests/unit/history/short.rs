//! What a listing that is not all there does not prove.

use std::collections::BTreeMap;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{Change, Listing, Status, Track};
use proptest::prelude::*;

use super::changes::told;
use super::polled::{Polled, in_short};
use crate::support::tracks::{listing, track};

#[test]
fn while_fewer_are_listed_than_reported_nobody_vanishes() {
    let all = || [track(1, "a"), track(2, "b"), track(3, "c")];
    let one_hidden = |reported| Listing {
        reported,
        ..listing([track(1, "a")])
    };
    let mut target = Polled::new();
    target.listed(listing(all()));
    assert_eq!(target.listed(one_hidden(3)), [], "two are not shown");
    target.failed(Reason::Incomplete);
    assert_eq!(target.listed(one_hidden(2)), [], "one is still not shown");

    // One comes back, switched off meanwhile, which is no creation; the other one is proved gone.
    let mut back = track(2, "b");
    back.status = Status::Disabled;
    assert_eq!(
        told(&target.listed(listing([track(1, "a"), back.clone()])))
            .iter()
            .map(|line| line.split(" [").next().unwrap())
            .collect::<Vec<_>>(),
        ["2 b disabled", "3 c vanished"]
    );
    assert_eq!(target.listed(listing([track(1, "a"), back])), [], "once");
}

#[test]
fn a_new_track_is_created_even_in_a_listing_that_is_not_all_there() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a")]));
    let changes = target.listed(Listing {
        reported: 3,
        ..listing([track(2, "b")])
    });
    assert_eq!(in_short(&changes), [(2, Change::Created)]);
}

#[test]
fn more_listed_than_reported_proves_who_is_gone() {
    let mut target = Polled::new();
    target.listed(listing([track(1, "a"), track(2, "b")]));
    let changes = target.listed(Listing {
        reported: 0,
        ..listing([track(1, "a")])
    });
    assert_eq!(in_short(&changes), [(2, Change::Vanished)]);
}

/// Up to six ids in three states and two names, and up to two more reported than listed.
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

    /// Whoever replays the changes knows what is there: nothing is told twice, nothing is left out.
    #[test]
    fn changes_add_up_to_what_is_listed(listings in prop::collection::vec(any_listing(), 1..12)) {
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
                    (Change::Created, None) => {
                        let on = to("Status").unwrap() == "enabled";
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (Change::Vanished, Some(_)) => {
                        prop_assert!(is_whole);
                        replayed.remove(&change.id);
                    }
                    (Change::Enabled, Some((false, name))) => {
                        replayed.insert(change.id, (true, name));
                    }
                    (Change::Disabled, Some((true, name))) => {
                        replayed.insert(change.id, (false, name));
                    }
                    (Change::Modified, Some((on, _))) => {
                        replayed.insert(change.id, (on, to("Name").unwrap()));
                    }
                    (_, known) => prop_assert!(false, "{:?} of {:?}", change, known),
                }
            }
            if !was_whole {
                // They may have been there all the time: nobody is told of them.
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
