//! The search for the operations that made the changes of one poll.

use std::time::{Duration, SystemTime};

use super::matching::{AFTER, BEFORE, attribute, old_names};
use super::query_period::{Window, in_the_cloud};
use crate::clock::age;
use crate::failure::{Failure, Reason};
use crate::snapshot::{Attribution, AttributionResult, ChangeRecord, LookupState, OperationRecord};

/// When the records are searched, after the poll that saw the changes. A record appears some time
/// after its operation; how long is not documented.
pub const SCHEDULE: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(30),
];

/// The number of the last attempt.
const LAST_ATTEMPT: usize = SCHEDULE.len() - 1;

/// The most requests for the changes of one poll, pages and failed requests included. Holds across kills
/// and restarts, unless the state file cannot be written.
pub const MAX_REQUESTS: u32 = 7;

/// The most pages of the last attempt. Earlier attempts read one page, so that requests are left until
/// the end of the schedule, and a late record on the first page is found.
const MAX_PAGES: u32 = 4;

/// How long a restored search waits before it sends a request. By then the restored search is in the
/// state file, so a process that ends right after the request does not repeat it.
const RESTART_WAIT: Duration = Duration::from_secs(10);

/// The search for the operations that made the changes that one poll of an account detected.
///
/// The caller waits [`Self::due_in`], asks for the [`Self::windows`] one after the other, with at most
/// [`Self::max_pages`] pages for all of them and no retries, and passes the result to
/// [`Self::searched`] or [`Self::failed`]. It does so until [`Self::is_over`].
///
/// A certain result ends the search for a change. Candidates are returned at once, and the search
/// continues, because the record that names the track may be late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    state: LookupState,
    /// When a restored search may send its next request.
    not_before: Option<SystemTime>,
}

/// A new result for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The id of the change.
    pub change: u64,
    /// The result so far.
    pub attribution: Attribution,
    /// Whether the search for this change has ended. The result counts only then.
    pub is_final: bool,
}

impl Lookup {
    /// Begins the search for the changes of one poll. `began` is the end of that poll.
    pub fn new<'a>(began: SystemTime, changes: impl IntoIterator<Item = &'a ChangeRecord>) -> Self {
        let changes: Vec<&ChangeRecord> = changes.into_iter().collect();
        let previous = changes.iter().map(|change| change.previous);
        Self::restore(LookupState {
            began,
            // `None` is the least.
            previous: previous.min().flatten(),
            attempts: 0,
            requests: 0,
            has_read_all: false,
            changes: changes.iter().map(|change| change.id).collect(),
        })
    }

    /// Restores a search after a restart.
    pub fn restore(state: LookupState) -> Self {
        Self {
            state,
            not_before: None,
        }
    }

    /// Continues after a restart. The earlier process may have ended right after an attempt. If an
    /// attempt was due and is not in the state file, all pages it may request count as sent. It is one
    /// attempt at most, because a process persists each one long before the next. Attempts whose time
    /// has passed are merged into one.
    pub fn restarted(&mut self, now: SystemTime) {
        let passed = passed(self.state.began, now);
        if passed > self.state.attempts {
            self.state.requests = self.state.requests.saturating_add(self.max_pages());
            self.state.attempts = passed.saturating_sub(1);
        }
        self.not_before = Some(now + RESTART_WAIT);
    }

    /// Returns the values that survive a restart.
    pub fn state(&self) -> &LookupState {
        &self.state
    }

    /// Returns whether the search has ended.
    pub fn is_over(&self) -> bool {
        self.state.changes.is_empty()
    }

    /// Returns how long to wait for the next attempt. If the clock was set back, the schedule begins
    /// again from now; the number of requests does not.
    pub fn due_in(&mut self, now: SystemTime) -> Duration {
        let elapsed = age(self.state.began, now).unwrap_or_else(|| {
            self.state.began = now;
            Duration::ZERO
        });
        let next = SCHEDULE.get(self.state.attempts);
        let due = next.map_or(Duration::ZERO, |next| next.saturating_sub(elapsed));
        let allowed = self.not_before.and_then(|at| at.duration_since(now).ok());
        due.max(allowed.unwrap_or_default().min(RESTART_WAIT))
    }

    /// Returns the periods to ask for, newest first.
    pub fn windows(&self, now: SystemTime, skew: i64) -> Vec<Window> {
        let now = in_the_cloud(now, skew);
        // Without a previous poll the change may be of any age.
        let previous = self.state.previous.unwrap_or(SystemTime::UNIX_EPOCH);
        let from = in_the_cloud(previous, skew);
        Window::split(from.checked_sub(BEFORE).unwrap_or(from), now + AFTER)
    }

    /// Returns how many pages the present attempt may request.
    pub fn max_pages(&self) -> u32 {
        let pages = if self.state.attempts < LAST_ATTEMPT {
            1
        } else {
            MAX_PAGES
        };
        pages.min(MAX_REQUESTS.saturating_sub(self.state.requests))
    }

    /// Ends an attempt that succeeded. `changes` has the changes of the account; the search forgets a
    /// change that is no longer among them. `are_complete` is whether `records` are all records of the
    /// periods. If no attempt reads all records, the search fails, because it may have missed the
    /// record that matters.
    pub fn searched<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a ChangeRecord>,
        records: &[OperationRecord],
        are_complete: bool,
        requests: u32,
        now: SystemTime,
        skew: i64,
    ) -> Vec<Update> {
        let is_last = self.end_attempt(requests, now);
        let has_sent = requests > 0;
        self.state.has_read_all |= are_complete && has_sent;
        if !are_complete && !is_last {
            // The last attempt needs the requests that the next attempt would send.
            self.state.attempts = (self.state.attempts + 1).min(LAST_ATTEMPT);
        }
        // Without a request, the search has not seen records that appeared since the last attempt.
        let nothing = if self.state.has_read_all && has_sent {
            AttributionResult::NotFound
        } else {
            AttributionResult::Failed
        };
        let changes: Vec<&ChangeRecord> = changes.into_iter().collect();
        self.update(changes.iter().copied(), is_last, |change| {
            let old_names = old_names(change, &changes);
            let found = attribute(change, &old_names, records, are_complete, skew);
            let has_result = found.result != AttributionResult::NotFound || is_last;
            // Candidates of an earlier attempt stay, unless there are better ones.
            let is_worse = found.result == AttributionResult::NotFound
                && change.attribution.result == AttributionResult::Candidate;
            let found = match found.result {
                AttributionResult::NotFound => Attribution::without_operation(nothing),
                _ => found,
            };
            (has_result && !is_worse).then_some(found)
        })
    }

    /// Ends an attempt that failed. A denial ends the search, because no later attempt can succeed.
    pub fn failed<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a ChangeRecord>,
        failure: &Failure,
        requests: u32,
        now: SystemTime,
    ) -> Vec<Update> {
        let is_denied = failure.reason == Reason::Unauthorized;
        let is_last = self.end_attempt(requests, now) || is_denied;
        let result = if is_denied {
            AttributionResult::Denied
        } else {
            AttributionResult::Failed
        };
        self.update(changes, is_last, |change| {
            let has_candidates = change.attribution.result == AttributionResult::Candidate;
            (is_last && !has_candidates).then(|| Attribution {
                result,
                operations: Vec::new(),
            })
        })
    }

    /// Counts an attempt and returns whether it was the last one. Attempts whose time has passed are
    /// skipped: after an interruption, one attempt finds what they would have found.
    fn end_attempt(&mut self, requests: u32, now: SystemTime) -> bool {
        let next = self.state.attempts.saturating_add(1);
        self.state.attempts = passed(self.state.began, now).max(next);
        // An attempt counts, even if the caller sent nothing.
        self.state.requests = self.state.requests.saturating_add(requests.max(1));
        self.state.attempts >= SCHEDULE.len() || self.state.requests >= MAX_REQUESTS
    }

    /// Returns the new results, and forgets the changes whose search has ended.
    fn update<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a ChangeRecord>,
        is_last: bool,
        result: impl Fn(&ChangeRecord) -> Option<Attribution>,
    ) -> Vec<Update> {
        let mut open = Vec::new();
        let mut updates = Vec::new();
        for change in changes {
            if !self.state.changes.contains(&change.id) {
                continue;
            }
            let found = result(change);
            let attribution = found.as_ref().unwrap_or(&change.attribution);
            let is_final = is_last || attribution.result == AttributionResult::Certain;
            if !is_final {
                open.push(change.id);
            }
            if is_final || *attribution != change.attribution {
                updates.push(Update {
                    change: change.id,
                    attribution: attribution.clone(),
                    is_final,
                });
            }
        }
        self.state.changes = open;
        updates
    }
}

/// Returns how many attempts are due at a time or before.
fn passed(began: SystemTime, now: SystemTime) -> usize {
    let elapsed = age(began, now).unwrap_or_default();
    SCHEDULE.iter().filter(|due| **due <= elapsed).count()
}
