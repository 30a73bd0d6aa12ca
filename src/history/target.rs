//! The history of one target, from poll to poll.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use enum_map::EnumMap;

use super::changes::{Absence, TrackChange, diff, updated};
use crate::clock::{Moment, age, until};
use crate::failure::Failure;
use crate::snapshot::{
    ChangeKind, ChangeOperator, DroppedTrack, KnownTracks, LEAST_APART, LastGood, Listing, PollEnd,
    TargetReport, Tombstone, Track,
};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long the last complete listing is shown.
    pub stale_after: Duration,
    /// How long a deleted track is shown.
    pub tombstone_for: Duration,
    /// The most tracks that are kept in full, and the most tombstones.
    pub max_tracks: usize,
}

/// What is known of one target.
#[derive(Clone, Debug)]
pub struct TargetHistory {
    report: TargetReport,
    retention: Retention,
}

impl TargetHistory {
    /// Creates a target that was not polled yet.
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

    /// Resumes the history of an earlier configuration or process. Uses only the wall-clock times of
    /// `known`, and computes again how long it may be shown. If the clock was set back, a listing may
    /// have a time in the future. The age of such a listing is unknown: it is hidden, but the next
    /// listing is compared with it. A change with a time in the future gets the present time.
    pub fn resume(
        mut known: TargetReport,
        interval: Duration,
        retention: Retention,
        now: Moment,
    ) -> Self {
        known.interval = interval;
        if let Some(good) = &mut known.last_good {
            let age = age(good.at, now.wall);
            good.at = age.map_or(UNIX_EPOCH, |_| good.at.min(now.wall));
            let left = age.map_or(Duration::ZERO, |age| {
                retention.stale_after.saturating_sub(age)
            });
            good.show_until = now + left;
        }
        known.last_poll = known
            .last_poll
            .filter(|poll| age(poll.at, now.wall).is_some());
        let past = Arc::make_mut(&mut known.past);
        for tombstone in past.tombstones.values_mut() {
            tombstone.at = tombstone.at.min(now.wall);
            tombstone.acknowledged = tombstone.acknowledged.map(|at| at.min(now.wall));
            let age = age(tombstone.at, now.wall).unwrap_or_default();
            tombstone.show_until = now.steady + retention.tombstone_for.saturating_sub(age);
        }
        let changes = past.changes.values_mut();
        changes.for_each(|times| times.not_after(now.wall, now.wall));
        let mut history = Self {
            report: known,
            retention,
        };
        history.prune(now);
        history
    }

    /// Returns what is known.
    pub fn report(&self) -> &TargetReport {
        &self.report
    }

    /// Counts a poll that was due while the previous one was still running.
    pub fn skipped(&mut self) {
        self.report.counters.skipped += 1;
    }

    /// Records a failed poll: what is known stays, and ages.
    pub fn failed(&mut self, failure: Failure, now: Moment, took: Duration) {
        self.ended(now, took);
        self.report.counters.failures[failure.reason] += 1;
        self.report.failure = Some(failure);
        self.correct_time_of_listing(now);
    }

    /// Corrects the time of the last listing by the steady clock. If the wall clock was set back, it
    /// would lie in the future, and no alert on its age would fire.
    fn correct_time_of_listing(&mut self, now: Moment) {
        let stale_after = self.retention.stale_after;
        if let Some(good) = &mut self.report.last_good
            && age(good.at, now.wall).is_none()
        {
            let left = until(now, good.show_until.steady);
            let at = now.wall.checked_sub(stale_after.saturating_sub(left));
            good.at = at.unwrap_or(UNIX_EPOCH);
            good.show_until.wall = now.wall + left;
        }
    }

    /// Records a failed poll that has seen some of the tracks. They are shown as they are now, and the
    /// others as they were. `seen` is ascending by id. Before the first complete listing there is
    /// nothing to update, and nothing is shown.
    pub fn seen(
        &mut self,
        seen: Vec<Track>,
        failure: Failure,
        now: Moment,
        took: Duration,
    ) -> Vec<TrackChange> {
        self.failed(failure, now, took);
        let Some(good) = &mut self.report.last_good else {
            return Vec::new();
        };
        good.is_complete = false;
        let mut listing = Arc::new(updated(&good.listing, seen));
        drop_beyond(&mut listing, self.retention.max_tracks);
        // An unchanged listing stays the same allocation, so it is not rendered again.
        if listing == good.listing {
            return Vec::new();
        }
        let before = std::mem::replace(&mut good.listing, listing);
        let (unproven, vanished) = (&mut self.report.unproven, &self.report.past.tombstones);
        let changes = diff(&before, &good.listing, Absence::Open, unproven, vanished);
        self.remember(&changes, now);
        self.prune(now);
        changes
    }

    /// Returns the tracks that the next listing has to account for.
    pub fn known(&self) -> KnownTracks {
        let good = self.report.last_good.as_ref();
        KnownTracks {
            listing: good.map(|good| Arc::clone(&good.listing)),
            unproven: self.report.unproven.keys().copied().collect(),
        }
    }

    /// Records a complete listing. Returns the changes since the previous one, however old that is;
    /// the very first listing has no changes.
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
            // An unchanged listing stays the same allocation, so it is not rendered again. The
            // tracks in `unproven` stay open.
            Some(before) if before == listing => (before, Vec::new()),
            Some(before) => {
                let absence = if listing.is_short() {
                    Absence::Open
                } else {
                    Absence::Proven
                };
                let (unproven, vanished) =
                    (&mut self.report.unproven, &self.report.past.tombstones);
                let changes = diff(&before, &listing, absence, unproven, vanished);
                (listing, changes)
            }
            None => (listing, Vec::new()),
        };
        self.report.last_good = Some(LastGood {
            listing,
            at: now.wall,
            took,
            show_until: now + self.retention.stale_after,
            is_complete: true,
        });
        self.remember(&changes, now);
        self.prune(now);
        changes
    }

    /// Adds details to the last complete listing. They are no change of a track.
    pub fn complete(&mut self, complete: impl FnOnce(&mut Listing)) {
        if let Some(good) = &mut self.report.last_good {
            let mut listing = (*good.listing).clone();
            complete(&mut listing);
            if listing != *good.listing {
                good.listing = Arc::new(listing);
            }
        }
    }

    /// Sets who made the last change of each kind of each track.
    pub fn set_operators(&mut self, operator: impl Fn(u64, ChangeKind) -> Option<ChangeOperator>) {
        let changes = self.report.past.changes.iter();
        let operators: BTreeMap<u64, EnumMap<ChangeKind, Option<ChangeOperator>>> = changes
            .map(|(id, times)| {
                let made = |change| times.at[change].and_then(|_| operator(*id, change));
                (*id, EnumMap::from_fn(made))
            })
            .filter(|(id, operators)| self.report.past.changes[id].operators != *operators)
            .collect();
        if operators.is_empty() {
            return;
        }
        let past = Arc::make_mut(&mut self.report.past);
        for (id, operators) in operators {
            if let Some(times) = past.changes.get_mut(&id) {
                times.operators = operators;
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
            self.report.counters.changes[change.change] += 1;
            let times = past.changes.entry(change.id).or_default();
            times.not_after(now.wall, now.wall - LEAST_APART);
            times.name.clone_from(&change.name);
            times.at[change.change] = Some(now.wall);
            times.operators[change.change] = None;
            match change.change {
                ChangeKind::Vanished => {
                    let tombstone = Tombstone {
                        name: change.name.clone(),
                        at: now.wall,
                        show_until: now.steady + self.retention.tombstone_for,
                        acknowledged: None,
                    };
                    past.tombstones.insert(change.id, tombstone);
                }
                // A deleted track exists again.
                ChangeKind::Created => drop(past.tombstones.remove(&change.id)),
                ChangeKind::Enabled | ChangeKind::Disabled | ChangeKind::Modified => {}
            }
        }
    }

    /// Keeps the tombstones of the lowest ids until they expire, and the change times of tracks that
    /// have a tombstone or are kept in full.
    fn prune(&mut self, now: Moment) {
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
        // A deleted track that returns beyond the limit exists again, though it is not kept in full.
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

/// Keeps the tracks with the lowest ids in full, and counts the others.
fn drop_beyond(listing: &mut Arc<Listing>, max_tracks: usize) {
    if listing.tracks.len() > max_tracks {
        let listing = Arc::make_mut(listing);
        let beyond = listing.tracks.split_off(max_tracks);
        listing
            .dropped
            .extend(beyond.iter().map(DroppedTrack::from));
        listing.dropped.sort_unstable_by_key(|track| track.id);
    }
}
