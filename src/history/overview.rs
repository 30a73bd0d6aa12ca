//! What the targets of an account come to together.
//!
//! Regions very probably show the same tracks, so nothing is summed over them: tracks are told apart
//! by their ids. What a region shows counts as long as it may be shown, so there is an overview for
//! each of the times until the next region is too old.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::snapshot::{
    AccountInfo, Expectation, ExpectedTrack, LastGood, Overview, Status, TargetReport, Track,
};

/// The overviews of an account from now on, the last one first.
pub fn overviews<'a>(
    account: &AccountInfo,
    targets: impl IntoIterator<Item = &'a TargetReport>,
) -> Vec<Overview> {
    let mut known: Vec<&LastGood> = targets
        .into_iter()
        .filter_map(|target| target.last_good.as_ref())
        .collect();
    known.sort_by_key(|good| Reverse(good.show_until));
    let mut union = Union::default();
    let mut overviews = Vec::new();
    for (index, good) in known.iter().enumerate() {
        union.add(good);
        let next = known.get(index + 1).map(|good| good.show_until);
        if next != Some(good.show_until) {
            overviews.push(union.overview(account, next, good.show_until));
        }
    }
    overviews
}

/// The tracks of several listings, each id once.
#[derive(Default)]
struct Union<'a> {
    tracks: BTreeMap<u64, Seen<'a>>,
    /// Whether there may be tracks that none of the listings shows in full.
    has_gaps: bool,
}

/// A track, and the worst status that a region shows of it.
struct Seen<'a> {
    status: Status,
    /// None of a dropped one.
    track: Option<&'a Track>,
}

impl<'a> Union<'a> {
    fn add(&mut self, good: &'a LastGood) {
        let listing = &good.listing;
        self.has_gaps |= !listing.proves_absence();
        for track in listing.all() {
            let seen = self.tracks.entry(track.id).or_insert(Seen {
                status: track.status,
                track: None,
            });
            seen.status = worse(seen.status, track.status);
        }
        for track in &listing.tracks {
            if let Some(seen) = self.tracks.get_mut(&track.id) {
                seen.track = Some(track);
            }
        }
    }

    fn overview(&self, account: &AccountInfo, from: Option<Instant>, until: Instant) -> Overview {
        let mut tracks = [0; Status::ALL.len()];
        for seen in self.tracks.values() {
            tracks[seen.status as usize] += 1;
        }
        let expected = account.expected_tracks.iter();
        Overview {
            from,
            until,
            tracks,
            covered: self.covered(),
            expectations: expected
                .map(|expected| self.expectation(expected))
                .collect(),
        }
    }

    /// Whether the enabled tracks record everything that is read and everything that is written.
    fn covered(&self) -> Option<bool> {
        let enabled = || {
            let seen = self
                .tracks
                .values()
                .filter(|seen| seen.status == Status::Enabled);
            seen.filter_map(|seen| seen.track)
        };
        let covers = |action_type| -> Option<bool> {
            if enabled().any(|track| track.covers(action_type) == Some(true)) {
                return Some(true);
            }
            let may_be =
                self.has_gaps || enabled().any(|track| track.covers(action_type).is_none());
            (!may_be).then_some(false)
        };
        match (covers("Read"), covers("Write")) {
            (Some(true), Some(true)) => Some(true),
            (Some(false), _) | (_, Some(false)) => Some(false),
            _ => None,
        }
    }

    fn expectation(&self, expected: &ExpectedTrack) -> Expectation {
        let mut named = self.tracks.values().filter_map(|seen| {
            let track = seen.track.filter(|track| track.name == expected.name)?;
            Some((track, seen.status))
        });
        let absent = if self.has_gaps { None } else { Some(false) };
        let matches = named
            .clone()
            .any(|(track, status)| expected.is_met_by(track, status));
        let present = named.next().is_some();
        Expectation {
            name: expected.name.clone(),
            present: if present { Some(true) } else { absent },
            matches: match (present, matches) {
                (_, true) => Some(true),
                (true, false) => Some(false),
                (false, false) => absent,
            },
        }
    }
}

/// One id with two statuses counts as the one that somebody should look at.
fn worse(one: Status, other: Status) -> Status {
    let badness = |status: &Status| match status {
        Status::Enabled => 0,
        Status::Unknown => 1,
        Status::Disabled => 2,
    };
    std::cmp::max_by_key(one, other, badness)
}
