//! One target, from poll to poll.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::changes::{TrackChange, between};
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{Change, DroppedTrack, LastGood, Listing, PollEnd, TargetReport, Tombstone};

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
        let no_later_than_now = |at: &mut SystemTime| *at = (*at).min(now.wall);
        if let Some(good) = &mut known.last_good {
            no_later_than_now(&mut good.at);
            good.show_until = end_of(good.at, retention.stale_after, now);
        }
        if let Some(poll) = &mut known.last_poll {
            no_later_than_now(&mut poll.at);
        }
        let past = Arc::make_mut(&mut known.past);
        for tombstone in past.tombstones.values_mut() {
            no_later_than_now(&mut tombstone.at);
            tombstone.show_until = end_of(tombstone.at, retention.tombstone_for, now);
        }
        let changes = past.changes.values_mut();
        changes
            .flat_map(|times| times.at.iter_mut().flatten())
            .for_each(no_later_than_now);
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
        listing: impl Into<Arc<Listing>>,
        now: Moment,
        took: Duration,
    ) -> Vec<TrackChange> {
        self.ended(now, took);
        self.report.failure = None;
        let mut listing = listing.into();
        drop_beyond(&mut listing, self.retention.max_tracks);
        let before = self.report.last_good.take();
        let (listing, changes) = match before.map(|good| good.listing) {
            // An unchanged listing stays the same allocation, so that nothing is rendered again. It
            // leaves open what the same one before it left open.
            Some(before) if before == listing => (before, Vec::new()),
            Some(before) => {
                let unproven = &mut self.report.unproven;
                let changes = between(&before, &listing, unproven, &self.report.past.tombstones);
                (listing, changes)
            }
            None => (listing, Vec::new()),
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

    /// Puts what is known besides into the last complete listing. It is no change: it was so
    /// before.
    pub fn complete(&mut self, complete: impl FnOnce(&mut Listing)) {
        if let Some(good) = &mut self.report.last_good {
            let mut listing = (*good.listing).clone();
            complete(&mut listing);
            if listing != *good.listing {
                good.listing = Arc::new(listing);
            }
        }
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

    /// Keeps the tombstones of the lowest ids, as long as their time is not over, and change times
    /// of tracks that have a tombstone or are watched.
    fn forget(&mut self, now: Moment) {
        let limit = self.retention.max_tracks;
        let TargetReport {
            last_good,
            past,
            unproven,
            ..
        } = &mut self.report;
        while unproven.len() > limit {
            unproven.pop_last();
        }
        let listing = last_good.as_ref().map(|good| &*good.listing);
        // One that returns beyond the limit is not watched, and is there all the same.
        let returned = |id| listing.is_some_and(|listing| listing.drops(id));
        let buried = past.tombstones.iter();
        let buried: BTreeSet<u64> = buried
            .filter(|(id, tombstone)| tombstone.show_until > now.steady && !returned(**id))
            .map(|(id, _)| *id)
            .take(limit)
            .collect();
        let is_kept = |id: &u64| {
            let is_listed = listing.is_none_or(|listing| listing.keeps(*id));
            is_listed || unproven.contains_key(id) || buried.contains(id)
        };
        let is_same = past.tombstones.len() == buried.len() && past.changes.keys().all(is_kept);
        if !is_same {
            let past = Arc::make_mut(past);
            past.tombstones.retain(|id, _| buried.contains(id));
            past.changes.retain(|id, _| is_kept(id));
        }
    }
}

/// Keeps the tracks with the lowest ids, and of the others their number.
fn drop_beyond(listing: &mut Arc<Listing>, max_tracks: usize) {
    if listing.tracks.len() > max_tracks {
        let listing = Arc::make_mut(listing);
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
