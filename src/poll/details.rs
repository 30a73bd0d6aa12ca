//! What listings leave out of tracks, asked for track by track and on a slower clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{Details, Listing, Track};

/// What was told of a track is believed for so many of its intervals, while newer answers fail.
const LONGEST_INTERVALS: u32 = 4;

/// How many tracks are asked for in one round; the others follow after the next listing.
const MAX_ASKED: usize = 1_000;

/// What came of one track's call.
pub(super) type Told = (u64, Result<Details, Failure>);

/// What is known of an account's tracks besides their listings.
#[derive(Debug)]
pub(super) struct DetailsBook {
    /// Each track is asked for once in this time.
    interval: Duration,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    asked: Instant,
    /// What was told, and when.
    told: Option<(Details, Moment)>,
}

impl DetailsBook {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            known: BTreeMap::new(),
        }
    }

    /// The tracks of a listing that are to be asked for now: new ones, and those whose time has
    /// come.
    pub(super) fn due(&self, listing: &Listing, now: Instant) -> Vec<u64> {
        let is_due = |id: &u64| {
            let known = self.known.get(id);
            known.is_none_or(|known| now - known.asked >= self.interval)
        };
        let ids = listing.tracks.iter().map(|track| track.id);
        ids.filter(is_due).take(MAX_ASKED).collect()
    }

    /// Takes note of what was told.
    pub(super) fn enter(&mut self, told: Vec<Told>, now: Moment) {
        for (id, result) in told {
            let known = self.known.entry(id).or_insert(Known {
                asked: now.steady,
                told: None,
            });
            known.asked = now.steady;
            if let Ok(details) = result {
                known.told = Some((details, now));
            }
        }
        // A track that has gone is asked for no more.
        let longest = self.interval * LONGEST_INTERVALS;
        self.known
            .retain(|_, known| now.steady - known.asked < longest);
    }

    /// Puts what is known into the tracks of a listing.
    pub(super) fn complete(&self, tracks: &mut [Track], now: Moment) {
        let longest = self.interval * LONGEST_INTERVALS;
        for track in tracks {
            let told = self
                .known
                .get(&track.id)
                .and_then(|known| known.told.as_ref());
            let young = told.filter(|(_, at)| !(*at + longest).is_reached(now));
            track.details = young.map(|(details, _)| details.clone());
        }
    }
}
