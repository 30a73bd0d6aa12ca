//! A target whose polls end when the test decides.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{Retention, TargetHistory, TrackChange};
use cloudaudit_exporter::snapshot::{ChangeKind, LastGood, Listing, Past, TargetReport, Track};
use tokio::time::Instant;

use super::{INTERVAL, RETENTION};
use crate::support::tracks::listing;

/// No ids.
pub(crate) const NONE: [u64; 0] = [];

const TOOK: Duration = Duration::from_millis(120);

/// A target whose polls end a minute apart.
pub(crate) struct Polled {
    pub(crate) history: TargetHistory,
    pub(crate) now: Moment,
}

impl Polled {
    pub(crate) fn new() -> Self {
        Self::with(RETENTION)
    }

    pub(crate) fn with(retention: Retention) -> Self {
        Self {
            history: TargetHistory::new("ap-guangzhou".to_owned(), INTERVAL, retention),
            now: noon(),
        }
    }

    /// A target that keeps at most this many tracks.
    pub(crate) fn with_room_for(max_tracks: usize) -> Self {
        Self::with(Retention {
            max_tracks,
            ..RETENTION
        })
    }

    pub(crate) fn listed(&mut self, listing: Listing) -> Vec<TrackChange> {
        self.pass(INTERVAL);
        self.history.listed(listing, self.now, TOOK)
    }

    /// Ends a poll with a complete listing, and returns the changes in short.
    pub(crate) fn lists(
        &mut self,
        tracks: impl IntoIterator<Item = Track>,
    ) -> Vec<(u64, ChangeKind)> {
        in_short(&self.listed(listing(tracks)))
    }

    pub(crate) fn failed(&mut self, reason: Reason) {
        self.pass(INTERVAL);
        let failure = Failure::new(reason, "no");
        self.history.failed(failure, self.now, TOOK);
    }

    /// Ends a poll that saw only these tracks, and returns the changes in short.
    pub(crate) fn sees(
        &mut self,
        tracks: impl IntoIterator<Item = Track>,
    ) -> Vec<(u64, ChangeKind)> {
        self.pass(INTERVAL);
        let failure = Failure::new(Reason::Incomplete, "not all");
        let seen = listing(tracks).tracks;
        in_short(&self.history.seen(seen, failure, self.now, TOOK))
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.wall += time;
        self.now.steady += time;
    }

    pub(crate) fn report(&self) -> &TargetReport {
        self.history.report()
    }

    pub(crate) fn last_good(&self) -> &LastGood {
        let good = self.report().last_good.as_ref();
        good.expect("a listing")
    }

    pub(crate) fn past(&self) -> &Past {
        &self.report().past
    }

    /// The ids of the tombstones.
    pub(crate) fn tombstones(&self) -> Vec<u64> {
        self.past().tombstones.keys().copied().collect()
    }

    /// Returns when a track changed, by the kind of change.
    pub(crate) fn changed(&self, id: u64) -> BTreeMap<&'static str, SystemTime> {
        let times = self.past().changes.get(&id).into_iter();
        let kinds = times.flat_map(|times| times.at);
        kinds
            .filter_map(|(change, at)| Some((change.as_str(), at?)))
            .collect()
    }
}

pub(crate) fn noon() -> Moment {
    Moment {
        wall: UNIX_EPOCH + Duration::from_hours(498_720),
        steady: Instant::now(),
    }
}

pub(crate) fn in_short(changes: &[TrackChange]) -> Vec<(u64, ChangeKind)> {
    changes.iter().map(|it| (it.id, it.change)).collect()
}
