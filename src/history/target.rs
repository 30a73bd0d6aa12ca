//! One target, from poll to poll.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::changes::{TrackChange, between};
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{
    Change, DroppedTrack, LastGood, Listing, Past, PollEnd, TargetReport, Tombstone,
};

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long the last complete listing is shown.
    pub stale_after: Duration,
    /// How long a vanished track is shown.
    pub tombstone_for: Duration,
    /// Of how many tracks more than their number is kept, and as many tombstones.
    pub max_tracks: usize,
}

/// All that one target has shown so far.
#[derive(Clone, Debug)]
pub struct TargetHistory {
    report: TargetReport,
    retention: Retention,
}

impl TargetHistory {
    /// A target of which nothing is known.
    pub fn new(region: String, interval: Duration, retention: Retention) -> Self {
        Self {
            report: TargetReport {
                region,
                interval,
                ..TargetReport::default()
            },
            retention,
        }
    }

    /// Goes on with what another history knew, of an earlier configuration or an earlier process.
    /// Only times of day count in `known`: until when it may be shown is worked out anew. What lies
    /// in the future, because a clock was set back, has just been.
    pub fn resume(
        mut known: TargetReport,
        interval: Duration,
        retention: Retention,
        now: Moment,
    ) -> Self {
        known.interval = interval;
        if let Some(good) = &mut known.last_good {
            good.at = good.at.min(now.wall);
            good.show_until = end_of(good.at, retention.stale_after, now);
        }
        if let Some(poll) = &mut known.last_poll {
            poll.at = poll.at.min(now.wall);
        }
        let past = Arc::make_mut(&mut known.past);
        for tombstone in past.tombstones.values_mut() {
            tombstone.at = tombstone.at.min(now.wall);
            tombstone.show_until = end_of(tombstone.at, retention.tombstone_for, now);
        }
        let mut history = Self {
            report: known,
            retention,
        };
        history.forget(now);
        history
    }

    /// What is known.
    pub fn report(&self) -> &TargetReport {
        &self.report
    }

    /// A poll was due while the one before was running.
    pub fn skipped(&mut self) {
        self.report.counters.skipped += 1;
    }

    /// A poll has failed: what is known stays, and ages.
    pub fn failed(&mut self, failure: Failure, now: Moment, took: Duration) {
        self.ended(now, took);
        self.report.counters.failures[failure.reason as usize] += 1;
        self.report.failure = Some(failure);
    }

    /// A poll has brought a complete listing. The changes are those since the one before, however
    /// old that is; the first one ever changes nothing.
    pub fn listed(
        &mut self,
        mut listing: Listing,
        now: Moment,
        took: Duration,
    ) -> Vec<TrackChange> {
        self.ended(now, took);
        self.report.failure = None;
        drop_beyond(&mut listing, self.retention.max_tracks);
        let before = self.report.last_good.take();
        let changes = match &before {
            Some(before) => between(
                &before.listing,
                &listing,
                &mut self.report.unproven,
                &self.report.past.tombstones,
            ),
            None => Vec::new(),
        };
        // An unchanged listing stays the same allocation, so that nothing is rendered again.
        let listing = match before {
            Some(before) if *before.listing == listing => before.listing,
            _ => Arc::new(listing),
        };
        self.report.last_good = Some(LastGood {
            listing,
            at: now.wall,
            show_until: now.steady + self.retention.stale_after,
        });
        self.remember(&changes, now);
        self.forget(now);
        changes
    }

    fn ended(&mut self, now: Moment, took: Duration) {
        self.report.counters.polls += 1;
        self.report.last_poll = Some(PollEnd { at: now.wall, took });
    }

    fn remember(&mut self, changes: &[TrackChange], now: Moment) {
        if changes.is_empty() {
            return;
        }
        let past = Arc::make_mut(&mut self.report.past);
        for change in changes {
            self.report.counters.changes[change.change as usize] += 1;
            let times = past.changes.entry(change.id).or_default();
            times.name.clone_from(&change.name);
            times.at[change.change as usize] = Some(now.wall);
            match change.change {
                Change::Vanished => {
                    let tombstone = Tombstone {
                        name: change.name.clone(),
                        at: now.wall,
                        show_until: now.steady + self.retention.tombstone_for,
                    };
                    past.tombstones.insert(change.id, tombstone);
                }
                // An id that returns is there again.
                Change::Created => drop(past.tombstones.remove(&change.id)),
                Change::Enabled | Change::Disabled | Change::Modified => {}
            }
        }
    }

    /// Forgets tombstones whose time is over or that are too many, and with each of them when its
    /// track changed.
    fn forget(&mut self, now: Moment) {
        let limit = self.retention.max_tracks;
        while self.report.unproven.len() > limit {
            self.report.unproven.pop_last();
        }
        let tombstones = &self.report.past.tombstones;
        let is_over = |tombstone: &Tombstone| tombstone.show_until <= now.steady;
        if tombstones.len() <= limit && !tombstones.values().any(is_over) {
            return;
        }
        let Past {
            tombstones,
            changes,
        } = Arc::make_mut(&mut self.report.past);
        tombstones.retain(|id, tombstone| {
            let keep = !is_over(tombstone);
            if !keep {
                changes.remove(id);
            }
            keep
        });
        while tombstones.len() > limit {
            if let Some((id, _)) = tombstones.pop_last() {
                changes.remove(&id);
            }
        }
    }
}

/// Keeps the tracks with the lowest ids, and of the others their number.
fn drop_beyond(listing: &mut Listing, max_tracks: usize) {
    if listing.tracks.len() > max_tracks {
        let beyond = listing.tracks.split_off(max_tracks);
        listing
            .dropped
            .extend(beyond.iter().map(DroppedTrack::from));
    }
}

/// When something that began at a time of day ends, on the steady clock.
fn end_of(began: SystemTime, lasts: Duration, now: Moment) -> Instant {
    let age = now.wall.duration_since(began).unwrap_or_default();
    now.steady + lasts.saturating_sub(age)
}
