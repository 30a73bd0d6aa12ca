//! The details of tracks, which listings omit: one request per track, less often than polls.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{Details, Listing, Track};

/// Details stay valid for this many of their intervals while newer requests fail.
const VALID_INTERVALS: u32 = 4;

/// The most tracks of one round. The remaining ones follow after the next listing.
const MAX_TRACKS: usize = 1_000;

/// The id of a track, and its details or why they could not be fetched.
pub(super) type DescribeResult = (u64, Result<Details, Failure>);

/// The details of an account's tracks.
#[derive(Debug)]
pub(super) struct DetailsCache {
    /// The time between two requests for one track.
    interval: Duration,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    requested: Instant,
    /// The last details, and when they were fetched.
    details: Option<(Details, Moment)>,
}

impl DetailsCache {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            known: BTreeMap::new(),
        }
    }

    /// Returns the tracks of a listing whose details are due: new tracks, and those whose details
    /// are older than the interval.
    pub(super) fn due(&self, listing: &Listing, now: Instant) -> Vec<u64> {
        let is_due = |id: &u64| {
            let known = self.known.get(id);
            known.is_none_or(|known| now - known.requested >= self.interval)
        };
        let ids = listing.tracks.iter().map(|track| track.id);
        ids.filter(is_due).take(MAX_TRACKS).collect()
    }

    /// Records the results of a round.
    pub(super) fn enter(&mut self, results: Vec<DescribeResult>, now: Moment) {
        for (id, result) in results {
            let known = self.known.entry(id).or_insert(Known {
                requested: now.steady,
                details: None,
            });
            known.requested = now.steady;
            if let Ok(details) = result {
                known.details = Some((details, now));
            }
        }
        // A deleted track is not requested any more.
        let valid = self.interval * VALID_INTERVALS;
        self.known
            .retain(|_, known| now.steady - known.requested < valid);
    }

    /// Adds the valid details to the tracks of a listing.
    pub(super) fn complete(&self, tracks: &mut [Track], now: Moment) {
        let valid = self.interval * VALID_INTERVALS;
        for track in tracks {
            let known = self.known.get(&track.id);
            let details = known.and_then(|known| known.details.as_ref());
            let details = details.filter(|(_, at)| !(*at + valid).is_reached(now));
            track.details = details.map(|(details, _)| details.clone());
        }
    }
}
