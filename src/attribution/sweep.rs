//! The sweep: all write operations on CloudAudit since the last sweep.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::query_period::{Window, in_the_cloud, on_this_machine};
use super::remembered::{TOLERANCE, is_write, seen_switch};
use super::unseen::{Polls, Read, UnseenSwitchOff, take_unseen};
use crate::clock::{age, unix_nanos};
use crate::snapshot::{
    ChangeRecord, ChangeSource, OperationRecord, Outcome, Remembered, SweepState, TrackEvent,
};

/// How far a sweep reaches ahead of now, because two clocks differ.
const AHEAD: Duration = Duration::from_mins(1);

/// How far a period begins before the end of the previous period: half an hour, plus [`AHEAD`], because
/// records appear late.
const OVERLAP: Duration = AHEAD.saturating_add(Duration::from_mins(30));

/// The most pages of one sweep.
pub const MAX_SWEEP_PAGES: u32 = 20;

/// The shortest period of a sweep. A period with more records than the pages hold is halved until it
/// is this short.
const SHORTEST: Duration = Duration::from_mins(1);

/// The wait for the next sweep if the last one did not reach the present.
const CATCH_UP: Duration = Duration::from_mins(1);

/// How long a process waits before its first sweep. Its counters begin at 0, and an alert sees only
/// what they count after a scrape has seen the 0. The wait is long enough for two scrapes, because one
/// scrape may fail. It loses nothing, because the sweep covers a longer period.
pub const FIRST_WAIT: Duration = Duration::from_mins(2);

/// The most operations that are remembered, and the most switches that polls saw: more than the pages
/// of one sweep hold.
const MAX_REMEMBERED: usize = 4_000;

/// The times of records are whole seconds.
const RECORD_PRECISION: Duration = Duration::from_secs(1);

/// Operations by kind and outcome.
pub type Counts = BTreeMap<(TrackEvent, Outcome), u64>;

/// Reads the records of all write operations on CloudAudit in an account. Each period begins before
/// the end of the previous one, by [`OVERLAP`], and an operation that was counted is not counted again.
///
/// The caller waits [`Self::due_in`], requests [`Self::window`] with at most [`MAX_SWEEP_PAGES`] pages,
/// and passes the records to [`Self::swept`]. After a failure it does nothing, and the next period is
/// longer; after a timeout it calls [`Self::timed_out`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    state: SweepState,
    /// The longest period that the last sweeps could read, without the overlap.
    span: Duration,
    /// Whether the last sweep did not reach the present.
    is_behind: bool,
    /// When a process that has just started may sweep.
    not_before: Option<SystemTime>,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The operations that no sweep has counted before.
    pub counts: Counts,
    /// The operations among them that were denied or failed, in the order of the records.
    pub attempts: Vec<OperationRecord>,
    /// Tracks that were switched off and on again between two polls.
    pub unseen: Vec<UnseenSwitchOff>,
    /// Whether the records were incomplete although the period cannot be shorter: the older records of
    /// the period are lost.
    pub is_cut: bool,
}

impl Sweep {
    /// Begins now. What happened before is not counted: an earlier process may have counted it, and its
    /// polls are not known.
    pub fn new(now: SystemTime) -> Self {
        Self::of(SweepState {
            since: now,
            until: now,
            listed: None,
            settled: None,
            remembered: Vec::new(),
            seen: Vec::new(),
        })
    }

    /// Continues after a restart.
    pub fn restore(mut state: SweepState) -> Self {
        // The state of an earlier version lacks `since` and `listed`, what polls saw, and what was
        // counted. Operations that the earlier version read do not count again.
        let began = if state.since == unix_nanos::missing() {
            state.until
        } else {
            state.since
        };
        state.listed.get_or_insert(began);
        Self::of(state)
    }

    fn of(state: SweepState) -> Self {
        Self {
            state,
            span: Duration::MAX,
            is_behind: false,
            not_before: None,
        }
    }

    /// Begins in a new process: [`FIRST_WAIT`] passes before the first sweep, or the interval if that
    /// is shorter.
    pub fn restarted(&mut self, now: SystemTime, interval: Duration) {
        self.not_before = Some(now + FIRST_WAIT.min(interval));
    }

    /// Returns the values that survive a restart.
    pub fn state(&self) -> &SweepState {
        &self.state
    }

    /// Returns how long to wait for the next sweep. `last` is when the last attempt ended, `None`
    /// before the first one.
    pub fn due_in(
        &mut self,
        last: Option<SystemTime>,
        now: SystemTime,
        interval: Duration,
    ) -> Duration {
        let wait = if self.is_behind {
            CATCH_UP.min(interval)
        } else {
            interval
        };
        let since = |last| wait.saturating_sub(age(last, now).unwrap_or_default());
        let due = last.map_or(Duration::ZERO, since);
        // A clock that was set back does not lengthen the wait of a new process.
        let longest = now + FIRST_WAIT.min(interval);
        self.not_before = self.not_before.filter(|at| *at > now).min(Some(longest));
        let allowed = self.not_before.and_then(|at| at.duration_since(now).ok());
        due.max(allowed.unwrap_or_default())
    }

    /// Returns the period to ask for.
    pub fn window(&self, now: SystemTime, skew: i64) -> Window {
        // A clock that was set back must not end the sweeps.
        let until = self.state.until.min(now);
        let from = in_the_cloud(until, skew) - OVERLAP;
        let end = in_the_cloud(now, skew) + AHEAD;
        let longest = self.span.saturating_add(OVERLAP);
        let end = from.checked_add(longest).map_or(end, |cut| cut.min(end));
        Window::oldest(from, end, in_the_cloud(now, skew))
    }

    /// Notes the end of a poll that listed the tracks. Only the first one matters: no poll shows whether
    /// a track was on before.
    pub fn listed(&mut self, ended: SystemTime) {
        self.state.listed.get_or_insert(ended);
    }

    /// Remembers the switches among changes that a poll saw.
    pub fn saw<'a>(&mut self, changes: impl IntoIterator<Item = &'a ChangeRecord>) {
        let of_polls = changes.into_iter();
        let of_polls = of_polls.filter(|change| change.source == ChangeSource::Poll);
        self.state.seen.extend(of_polls.filter_map(seen_switch));
        let excess = self.state.seen.len().saturating_sub(MAX_REMEMBERED);
        self.state.seen.drain(..excess);
    }

    /// Adds the records of a period. If the records are not complete, the next sweep reads a shorter
    /// period from the same beginning.
    pub fn swept(
        &mut self,
        window: Window,
        records: &[OperationRecord],
        is_complete: bool,
        polls: Polls<'_>,
        now: SystemTime,
        skew: i64,
    ) -> Swept {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(window.until);
        let end = on_this_machine(end, skew);
        let is_cut = !is_complete && own(window) <= SHORTEST;
        if is_complete {
            self.span = self.span.saturating_mul(2);
        } else {
            self.shorten(window);
        }
        if is_complete || is_cut {
            self.state.until = end;
        }
        self.is_behind = self.state.until < now;
        let mut swept = Swept {
            is_cut,
            ..Swept::default()
        };
        self.mark_counted(skew);
        let since = self.state.since;
        let counts = |record: &&OperationRecord| {
            let at = on_this_machine(record.operation.at, skew);
            is_write(record) && at + RECORD_PRECISION > since
        };
        for record in records.iter().filter(counts) {
            let remembered = Remembered::of(record);
            if self
                .state
                .remembered
                .iter()
                .any(|old| old.key == remembered.key)
            {
                continue;
            }
            let count = swept.counts.entry((record.event(), record.outcome));
            *count.or_default() += 1;
            if record.outcome != Outcome::Succeeded {
                swept.attempts.push(record.clone());
            }
            self.state.remembered.push(remembered);
        }
        // Records have whole seconds. Of off and on in the same second, off counts as the first.
        let order = |old: &Remembered| (old.at, old.switched.as_ref().map(|(_, on)| *on));
        self.state.remembered.sort_by_key(order);
        let read = Read {
            records,
            are_complete: is_complete,
            polls,
            skew,
        };
        swept.unseen = take_unseen(&mut self.state, read);
        self.forget(skew);
        swept
    }

    /// Ends a sweep that took too long. The next sweep reads a shorter period from the same beginning.
    /// Otherwise its period would be even longer, and the sweep would never end in time. It begins
    /// soon, unless the period cannot be shorter.
    pub fn timed_out(&mut self, window: Window) {
        self.shorten(window);
        self.is_behind = own(window) > SHORTEST;
    }

    /// Marks the switches that an earlier version counted. That version wrote only the time until which
    /// it had counted.
    fn mark_counted(&mut self, skew: i64) {
        let Some(settled) = self.state.settled.take() else {
            return;
        };
        for old in &mut self.state.remembered {
            let is_on = old.switched.as_ref().is_some_and(|(_, on)| *on);
            old.is_counted |= is_on && on_this_machine(old.at, skew) + TOLERANCE <= settled;
        }
    }

    fn shorten(&mut self, window: Window) {
        self.span = (own(window) / 2).max(SHORTEST);
    }

    /// Forgets what no later period can contain, and the oldest operations beyond the limit.
    fn forget(&mut self, skew: i64) {
        let until = in_the_cloud(self.state.until, skew);
        // Two overlaps, so that a pair whose records appear late is still found.
        let oldest = until.checked_sub(OVERLAP * 2).unwrap_or(until);
        let oldest_here = on_this_machine(oldest, skew);
        self.state.seen.retain(|seen| seen.is_after(oldest_here));
        let remembered = &mut self.state.remembered;
        remembered.retain(|old| old.at >= oldest);
        let excess = remembered.len().saturating_sub(MAX_REMEMBERED);
        remembered.drain(..excess);
    }
}

/// Returns how long a period is without the overlap.
fn own(window: Window) -> Duration {
    let read = Duration::from_secs(window.until.saturating_sub(window.from));
    read.saturating_sub(OVERLAP)
}
