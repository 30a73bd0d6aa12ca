//! The log lines of an account: a limited number of each kind a minute, and a count of the others.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::change_line::{log_attempt, log_change, log_operator};
use super::delivery_line::log_delivery;
use crate::duration::format_duration;
use crate::escape::visible;
use crate::failure::{Failure, Reason};
use crate::snapshot::{ChangeRecord, DeliveryReport, LastGood, OperationRecord, TargetReport};

/// The most lines of one kind that an account logs in each [`WINDOW`].
const MAX_LINES: u32 = 100;

/// The most failed write operations on CloudAudit that one sweep logs. It counts the others.
const MAX_ATTEMPTS: usize = 20;

/// The time in which lines are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// The log of one account.
#[derive(Debug)]
pub(super) struct AccountLog {
    account: String,
    health: Budget,
    changes: Budget,
    attempts: Budget,
    details: Budget,
    deliveries: Budget,
}

impl AccountLog {
    pub(super) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            health: Budget::default(),
            changes: Budget::default(),
            attempts: Budget::default(),
            details: Budget::default(),
            deliveries: Budget::default(),
        }
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Logs a line if the health of a target has changed.
    pub(super) fn health(&self, before: Health, after: &TargetReport) {
        if before.state != Health::of(after).state && self.health.admits() {
            health(&self.account, before, after);
        }
    }

    /// Logs a line for a change of a track.
    pub(super) fn change(&self, record: &ChangeRecord) {
        if self.changes.admits() {
            log_change(record);
        }
    }

    /// Logs a line if the state of a storage target has changed.
    pub(super) fn delivery(&self, before: &DeliveryReport, after: &DeliveryReport) {
        if before.state != after.state && self.deliveries.admits() {
            log_delivery(&self.account, before, after);
        }
    }

    /// Logs a line for a change when the search for its operator has a result.
    pub(super) fn operator(&self, record: &ChangeRecord) {
        if self.changes.admits() {
            log_operator(record);
        }
    }

    /// Logs a line for each of the oldest failed operations of a sweep, and one that counts the others.
    /// `attempts` are the newest first.
    pub(super) fn attempts(&self, attempts: &[OperationRecord]) {
        let oldest = attempts.iter().rev().take(MAX_ATTEMPTS);
        for attempt in oldest.filter(|_| self.attempts.admits()) {
            log_attempt(&self.account, attempt);
        }
        let others = attempts.len().saturating_sub(MAX_ATTEMPTS);
        if others > 0 && self.attempts.admits() {
            let account = &*visible(&self.account);
            warn!(account, others, "more attempts to write to CloudAudit");
        }
    }

    /// Logs a line for a search that failed.
    pub(super) fn search_failed(&self, failure: &Failure) {
        if self.health.admits() {
            search_failed(&self.account, failure);
        }
    }

    /// Logs a line for a period that has more records than a sweep can read.
    pub(super) fn records_lost(&self) {
        if self.health.admits() {
            let account = &*visible(&self.account);
            warn!(
                account,
                "a sweep could not read all operation records of 32 minutes; it does not count the oldest ones"
            );
        }
    }

    /// Logs a line for a track whose details could not be fetched.
    pub(super) fn not_described(&self, region: &str, track_id: u64, failure: &Failure) {
        if self.details.admits() {
            not_described(&self.account, region, track_id, failure);
        }
    }

    /// Logs how many lines were suppressed since the last such line, at most once in a [`WINDOW`].
    pub(super) fn count_suppressed(&self) {
        let account = &self.account;
        for (budget, what) in [
            (&self.health, "changes of state of targets"),
            (&self.changes, "changes to tracks"),
            (&self.attempts, "attempts to write to CloudAudit"),
            (&self.details, "tracks without details"),
            (&self.deliveries, "changes of state of storage targets"),
        ] {
            if let Some(lines) = budget.take_suppressed() {
                warn!(account, lines, "log lines were suppressed: {what}");
            }
        }
    }
}

/// The lines of one kind.
#[derive(Debug, Default)]
struct Budget(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// When the first line of the current window was logged.
    began: Option<Instant>,
    logged: u32,
    suppressed: u64,
    /// When the number of suppressed lines was last logged.
    counted: Option<Instant>,
}

impl Budget {
    /// Returns whether a line may be logged now. If not, it is counted.
    fn admits(&self) -> bool {
        let now = Instant::now();
        let mut lines = self.lines();
        if lines.began.is_none_or(|began| now - began >= WINDOW) {
            lines.began = Some(now);
            lines.logged = 0;
        }
        let admits = lines.logged < MAX_LINES;
        if admits {
            lines.logged += 1;
        } else {
            lines.suppressed += 1;
        }
        admits
    }

    /// Returns how many lines were suppressed, unless that was logged less than a window ago.
    fn take_suppressed(&self) -> Option<u64> {
        let now = Instant::now();
        let mut lines = self.lines();
        let is_due = lines.counted.is_none_or(|counted| now - counted >= WINDOW);
        if lines.suppressed == 0 || !is_due {
            return None;
        }
        lines.counted = Some(now);
        Some(std::mem::take(&mut lines.suppressed))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // It is changed by assignments, so a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The health of a target, whose changes are logged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Health {
    state: State,
    /// When its tracks were last listed.
    listed: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotPolled,
    Healthy,
    Failing(Reason),
}

impl Health {
    pub(super) fn of(target: &TargetReport) -> Self {
        let state = match &target.failure {
            Some(failure) => State::Failing(failure.reason),
            None if target.last_poll.is_none() => State::NotPolled,
            None => State::Healthy,
        };
        let listed = target.last_good.as_ref().and_then(LastGood::known_at);
        Self { state, listed }
    }
}

fn health(account: &str, before: Health, after: &TargetReport) {
    // The owner of a member account chooses its name.
    let (account, region) = (&*visible(account), &after.region);
    match (&after.failure, before.state) {
        (Some(failure), _) => warn!(
            account,
            region,
            reason = failure.reason.as_str(),
            code = &*failure.code,
            request_id = failure.request_id.as_deref(),
            error = failure.message,
            "target is failing"
        ),
        (None, State::Failing(_)) => info!(
            account,
            region,
            after = time_without_listing(before, after),
            "target is healthy again"
        ),
        (None, _) => {
            let good = after.last_good.as_ref();
            let tracks = good.map_or(0, |good| good.listing.all().count());
            info!(account, region, tracks, "target is healthy");
        }
    }
}

/// Returns how long the target had no listing, in whole seconds. `None` if it never had one.
fn time_without_listing(before: Health, after: &TargetReport) -> Option<String> {
    let ended = after.last_poll?.at;
    let time = ended.duration_since(before.listed?).ok()?;
    Some(format_duration(Duration::from_secs(time.as_secs())))
}

fn search_failed(account: &str, failure: &Failure) {
    let account = &*visible(account);
    let way_out = match failure.reason {
        Reason::Unauthorized => "; grant cloudaudit:DescribeEvents, or disable attribution",
        _ => "",
    };
    warn!(
        account,
        reason = failure.reason.as_str(),
        code = &*failure.code,
        request_id = failure.request_id.as_deref(),
        error = failure.message,
        "cannot search the operation records{way_out}"
    );
}

fn not_described(account: &str, region: &str, track_id: u64, failure: &Failure) {
    let account = &*visible(account);
    warn!(
        account,
        region,
        track_id,
        reason = failure.reason.as_str(),
        code = &*failure.code,
        request_id = failure.request_id.as_deref(),
        error = failure.message,
        "cannot fetch the details of a track"
    );
}

/// Logs an unreadable field that a listing does not require. The caller logs each field once,
/// because every response may have it.
pub(super) fn unreadable(account: &str, action: &str, field: &str) {
    let account = &*visible(account);
    warn!(
        account,
        action, field, "ignoring a malformed field of a response"
    );
}

/// Logs that this machine's clock is wrong. The account is still polled.
pub(super) fn clock_corrected(account: &str, seconds: i64) {
    let account = &*visible(account);
    if seconds == 0 {
        warn!(account, "signing with this machine's clock again");
    } else {
        warn!(
            account,
            seconds,
            "the API rejects the time of this machine; signing with the API's clock; synchronize this machine's clock"
        );
    }
}

/// Logs a skipped poll. It is a debug line, because it is counted and the failure is logged.
pub(super) fn skipped(account: &str, region: &str) {
    let account = &*visible(account);
    debug!(
        account,
        region, "poll skipped: the previous poll is still running"
    );
}
