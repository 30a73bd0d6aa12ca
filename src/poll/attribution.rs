//! The search for the operators who made the changes of an account: what is searched, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use enum_map::EnumMap;

use super::search::{SearchEnd, SearchJob, SearchKind, SearchedRecords};
use crate::attribution::{Counts, Lookup, MAX_SWEEP_PAGES, Polls, Sweep, Swept, Update, Window};
use crate::failure::Failure;
use crate::snapshot::{
    AttributionReport, AttributionResult, ChangeKind, ChangeRecord, ChangeSource, LookupState,
    Outcome, SweepReport, TrackEvent,
};

/// How long changes are collected before the first search. The regions of an account show a change of
/// a track at almost the same time, and one search serves them all.
const BATCH_WAIT: Duration = Duration::from_secs(3);

/// How an account searches.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttributionSettings {
    /// The time between two sweeps. `None` to search only after a change.
    pub sweep_interval: Option<Duration>,
    /// Whether the operators of changes are shown as labels.
    pub operator_label: bool,
}

/// What a search found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) updates: Vec<Update>,
    /// What a sweep found.
    pub(super) swept: Swept,
    /// Why the search failed, unless the search before failed for the same reason.
    pub(super) failure: Option<Failure>,
}

/// The searches of one account.
pub(super) struct Searches {
    pub(super) settings: AttributionSettings,
    results: EnumMap<AttributionResult, u64>,
    /// In the order in which they began. The first attempt of the last one may be waiting for more
    /// changes.
    lookups: Vec<Lookup>,
    sweeps: Option<Sweeps>,
    /// The search that is running; at most one.
    running: Option<SearchKind>,
    /// The last failure, until a search succeeds.
    failure: Option<Failure>,
    /// `None` if it has changed.
    report: Option<Arc<AttributionReport>>,
}

struct Sweeps {
    sweep: Sweep,
    interval: Duration,
    /// The end of the last one, failed or not.
    tried: Option<SystemTime>,
    /// The end of the last one that succeeded.
    last: Option<SystemTime>,
    operations: Counts,
    attempts: BTreeMap<(TrackEvent, Outcome), SystemTime>,
    unseen_switch_offs: u64,
    unseen_tracks: BTreeMap<u64, (String, SystemTime)>,
}

impl Searches {
    /// Resumes from the last report.
    pub(super) fn new(
        settings: AttributionSettings,
        known: Option<&AttributionReport>,
        now: SystemTime,
    ) -> Self {
        let sweeps = settings.sweep_interval.map(|interval| {
            let known = known.and_then(|known| known.sweeps.as_ref());
            Sweeps::new(interval, known, now)
        });
        let lookups = known.iter().flat_map(|known| known.lookups.iter().cloned());
        Self {
            settings,
            results: known.map_or_else(EnumMap::default, |known| known.results),
            lookups: lookups.map(Lookup::restore).collect(),
            sweeps,
            running: None,
            failure: None,
            report: None,
        }
    }

    /// Adds changes whose operators are to be found, to the search that is about to begin or to a new
    /// search.
    pub(super) fn add<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a ChangeRecord>,
        now: SystemTime,
    ) {
        let new = Lookup::new(now, changes);
        if new.is_over() {
            return;
        }
        self.report = None;
        let lookups = self.lookups.len();
        let is_running =
            matches!(self.running, Some(SearchKind::Lookup(index)) if index + 1 == lookups);
        match self.lookups.last().map(|open| open.state().clone()) {
            Some(open) if open.attempts == 0 && !is_running => {
                let new = new.state();
                let joined = LookupState {
                    previous: open.previous.min(new.previous),
                    changes: [open.changes, new.changes.clone()].concat(),
                    ..open
                };
                self.lookups.pop();
                self.lookups.push(Lookup::restore(joined));
            }
            _ => self.lookups.push(new),
        }
    }

    /// Adds changes whose search an earlier process has begun and not persisted.
    pub(super) fn resume(&mut self, pending: Vec<&ChangeRecord>) {
        let lost = pending.into_iter().filter(|change| !self.has(change.id));
        let lost: Vec<&ChangeRecord> = lost.collect();
        if let Some(seen) = lost.iter().map(|change| change.seen).max() {
            self.report = None;
            self.lookups.push(Lookup::new(seen, lost));
        }
    }

    /// Whether the exporter still searches for the operator of any change.
    pub(super) fn has_any(&self) -> bool {
        !self.lookups.is_empty()
    }

    /// Continues the searches of an earlier process, which may have ended right after a request, and
    /// delays the first sweep.
    pub(super) fn restarted(&mut self, now: SystemTime) {
        if let Some(sweeps) = &mut self.sweeps {
            sweeps.sweep.restarted(now, sweeps.interval);
        }
        self.report = None;
        let lookups = self.lookups.iter_mut();
        lookups.for_each(|lookup| lookup.restarted(now));
    }

    /// Returns whether the exporter still searches for the operator of a change.
    pub(super) fn has(&self, change: u64) -> bool {
        let mut lookups = self.lookups.iter();
        lookups.any(|lookup| lookup.state().changes.contains(&change))
    }

    /// Returns how long to wait for the next search. `None` if there is none, or one is running.
    pub(super) fn due_in(&mut self, now: SystemTime) -> Option<Duration> {
        let (due, _) = self.next(now, BATCH_WAIT)?;
        Some(due)
    }

    /// Begins the next search if it is due. The caller makes it.
    pub(super) fn begin(&mut self, now: SystemTime, skew: i64) -> Option<SearchJob> {
        self.begin_after(BATCH_WAIT, now, skew)
    }

    /// Begins the next search if it is due, without waiting for more changes.
    pub(super) fn begin_at_once(&mut self, now: SystemTime, skew: i64) -> Option<SearchJob> {
        self.begin_after(Duration::ZERO, now, skew)
    }

    fn begin_after(
        &mut self,
        batch_wait: Duration,
        now: SystemTime,
        skew: i64,
    ) -> Option<SearchJob> {
        let (due, kind) = self.next(now, batch_wait)?;
        if !due.is_zero() {
            return None;
        }
        self.running = Some(kind);
        let (windows, max_pages) = match kind {
            SearchKind::Lookup(index) => {
                let lookup = &self.lookups[index];
                (lookup.windows(now, skew), lookup.max_pages())
            }
            SearchKind::Sweep => {
                let sweeps = self.sweeps.as_ref()?;
                (vec![sweeps.sweep.window(now, skew)], MAX_SWEEP_PAGES)
            }
        };
        Some(SearchJob {
            kind,
            windows,
            max_pages,
        })
    }

    /// Returns the next search, and how long to wait for it.
    fn next(&mut self, now: SystemTime, batch_wait: Duration) -> Option<(Duration, SearchKind)> {
        if self.running.is_some() {
            return None;
        }
        let lookups = self.lookups.iter_mut().enumerate();
        let lookups = lookups.map(|(index, lookup)| {
            let wait = if lookup.state().attempts == 0 {
                let waited = now.duration_since(lookup.state().began);
                batch_wait.saturating_sub(waited.unwrap_or_default())
            } else {
                Duration::ZERO
            };
            (wait.max(lookup.due_in(now)), SearchKind::Lookup(index))
        });
        let sweep = self.sweeps.as_mut().map(|sweeps| {
            let due = sweeps.sweep.due_in(sweeps.tried, now, sweeps.interval);
            (due, SearchKind::Sweep)
        });
        lookups.chain(sweep).min_by_key(|(due, _)| *due)
    }

    /// Notes that a poll listed the tracks.
    pub(super) fn listed(&mut self, now: SystemTime) {
        if let Some(sweeps) = &mut self.sweeps
            && sweeps.sweep.state().listed.is_none()
        {
            self.report = None;
            sweeps.sweep.listed(now);
        }
    }

    /// Remembers the switches that a poll saw.
    pub(super) fn saw<'a>(&mut self, changes: impl IntoIterator<Item = &'a ChangeRecord>) {
        if let Some(sweeps) = &mut self.sweeps {
            self.report = None;
            sweeps.sweep.saw(changes);
        }
    }

    /// Ends the running search. `changes` are the changes of the account in the feed.
    pub(super) fn end<'a>(
        &mut self,
        end: SearchEnd,
        changes: impl Iterator<Item = &'a ChangeRecord> + Clone,
        polls: Polls<'_>,
        now: SystemTime,
        skew: i64,
    ) -> Found {
        let SearchEnd {
            job,
            result,
            has_timed_out,
            requests,
        } = end;
        self.running = None;
        self.report = None;
        let mut found = Found::default();
        match (job.kind, &result) {
            (SearchKind::Lookup(index), Ok(searched)) => {
                let is_complete = searched.is_complete && !searched.has_unreadable;
                let records = &searched.records;
                let lookup = &mut self.lookups[index];
                found.updates = lookup.searched(changes, records, is_complete, requests, now, skew);
            }
            (SearchKind::Lookup(index), Err(failure)) => {
                found.updates = self.lookups[index].failed(changes, failure, requests, now);
            }
            (SearchKind::Sweep, result) => {
                if let (Some(sweeps), [window]) = (&mut self.sweeps, &job.windows[..]) {
                    sweeps.tried = Some(now);
                    if let Ok(searched) = result {
                        found.swept = sweeps.end(*window, searched, polls, now, skew);
                    } else if has_timed_out {
                        sweeps.sweep.timed_out(*window);
                    }
                }
            }
        }
        self.lookups.retain(|lookup| !lookup.is_over());
        for update in found.updates.iter().filter(|update| update.is_final) {
            self.results[update.attribution.result] += 1;
        }
        let reason = |failure: &Option<Failure>| failure.as_ref().map(|failure| failure.reason);
        let failure = result.err();
        if reason(&failure) != reason(&self.failure) {
            found.failure.clone_from(&failure);
        }
        self.failure = failure;
        found
    }

    /// Shows which tracks were switched off and on again between two polls. `changes` are the changes of
    /// the account in the feed, newest first.
    pub(super) fn show_unseen(&mut self, changes: &[&ChangeRecord]) {
        let Some(sweeps) = &mut self.sweeps else {
            return;
        };
        let is_unseen = |change: &&&ChangeRecord| {
            change.source == ChangeSource::Operation && change.change == ChangeKind::Disabled
        };
        // An operation may name a track that no listing has, only by its name.
        let unseen = changes.iter().filter(is_unseen).rev();
        let unseen = unseen.filter(|change| change.track_id != 0);
        sweeps.unseen_tracks = unseen
            .map(|change| (change.track_id, (change.track.clone(), change.seen)))
            .collect();
        self.report = None;
    }

    /// Returns the searches and their counters. The same allocation if they have not changed.
    pub(super) fn report(&mut self) -> Arc<AttributionReport> {
        let Self {
            results,
            lookups,
            sweeps,
            failure,
            report,
            ..
        } = self;
        Arc::clone(report.get_or_insert_with(|| {
            Arc::new(AttributionReport {
                results: *results,
                lookups: lookups
                    .iter()
                    .map(|lookup| lookup.state().clone())
                    .collect(),
                failure: failure.clone(),
                sweeps: sweeps.as_ref().map(Sweeps::report),
            })
        }))
    }
}

impl Sweeps {
    fn new(interval: Duration, known: Option<&SweepReport>, now: SystemTime) -> Self {
        let last = known.and_then(|known| known.last);
        Self {
            sweep: known.map_or_else(
                || Sweep::new(now),
                |known| Sweep::restore(known.state.clone()),
            ),
            interval,
            // A restart is no reason for a sweep.
            tried: last.filter(|last| *last <= now),
            last,
            operations: known.map_or_else(BTreeMap::new, |known| known.operations.clone()),
            attempts: known.map_or_else(BTreeMap::new, |known| known.attempts.clone()),
            unseen_switch_offs: known.map_or(0, |known| known.unseen_switch_offs),
            unseen_tracks: BTreeMap::new(),
        }
    }

    fn end(
        &mut self,
        window: Window,
        searched: &SearchedRecords,
        polls: Polls<'_>,
        now: SystemTime,
        skew: i64,
    ) -> Swept {
        if searched.is_complete {
            self.last = Some(now);
        }
        let (records, is_complete) = (&searched.records, searched.is_complete);
        let mut swept = self
            .sweep
            .swept(window, records, is_complete, polls, now, skew);
        if searched.has_unreadable {
            for unseen in &mut swept.unseen {
                (unseen.is_off_certain, unseen.is_on_certain) = (false, false);
            }
        }
        for (kind, count) in &swept.counts {
            *self.operations.entry(*kind).or_default() += count;
            if kind.1 != Outcome::Succeeded {
                self.attempts.insert(*kind, now);
            }
        }
        self.unseen_switch_offs += swept.unseen.len() as u64;
        swept
    }

    fn report(&self) -> SweepReport {
        SweepReport {
            last: self.last,
            state: self.sweep.state().clone(),
            operations: self.operations.clone(),
            attempts: self.attempts.clone(),
            unseen_switch_offs: self.unseen_switch_offs,
            unseen_tracks: self.unseen_tracks.clone(),
        }
    }
}
