//! The log lines of an account: a limited number a minute of each kind, and a count of the rest.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::failure::{Failure, Reason};
use crate::history::TrackChange;
use crate::snapshot::{Change, TargetReport};
use crate::tencent::reasons::{escaped, visible};

/// How many lines of a kind an account may log in each [`WINDOW`].
const MAX_LINES: u32 = 100;

/// The time that lines are counted in.
const WINDOW: Duration = Duration::from_mins(1);

/// The log of one account.
#[derive(Debug)]
pub(super) struct AccountLog {
    account: String,
    health: Budget,
    changes: Budget,
    details: Budget,
}

impl AccountLog {
    pub(super) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            health: Budget::default(),
            changes: Budget::default(),
            details: Budget::default(),
        }
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Logs a line if the health of a target has changed.
    pub(super) fn health(&self, before: Health, after: &TargetReport) {
        if before != Health::of(after) && self.health.admits() {
            health(&self.account, before, after);
        }
    }

    /// One line for each change of a track: the log is evidence too.
    pub(super) fn change(&self, region: &str, track_change: &TrackChange) {
        if self.changes.admits() {
            change(&self.account, region, track_change);
        }
    }

    /// One line for each track whose details could not be fetched. The previous details stay.
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
            (&self.changes, "changes of tracks"),
            (&self.details, "tracks without details"),
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
    /// When the first line of the present window was logged.
    began: Option<Instant>,
    logged: u32,
    suppressed: u64,
    /// When suppressed lines were last counted.
    counted: Option<Instant>,
}

impl Budget {
    /// Whether one more line may be logged now; if not, it is counted.
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

    /// How many lines were suppressed, unless that was logged less than a window ago.
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
        // Numbers are always whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a target is, as far as a change of it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    NotPolled,
    Healthy,
    Failing(Reason),
}

impl Health {
    pub(super) fn of(target: &TargetReport) -> Self {
        match &target.failure {
            Some(failure) => Self::Failing(failure.reason),
            None if target.last_poll.is_none() => Self::NotPolled,
            None => Self::Healthy,
        }
    }
}

fn health(account: &str, before: Health, after: &TargetReport) {
    // The name of an account may be a member's, which its owner chooses.
    let (account, region) = (&*visible(account), &after.region);
    match (&after.failure, before) {
        (Some(failure), _) => warn!(
            account,
            region,
            reason = failure.reason.as_str(),
            code = &*failure.code,
            request_id = failure.request_id.as_deref(),
            error = failure.message,
            "target is failing"
        ),
        (None, Health::Failing(_)) => info!(account, region, "target is healthy again"),
        (None, _) => {
            let good = after.last_good.as_ref();
            let tracks = good.map_or(0, |good| good.listing.all().count());
            info!(account, region, tracks, "target is healthy");
        }
    }
}

fn change(account: &str, region: &str, change: &TrackChange) {
    let details: Vec<String> = change.details.iter().map(ToString::to_string).collect();
    let details = details.join(", ");
    let (account, details) = (&*visible(account), &*visible(&details));
    let (id, track) = (change.id, escaped(&change.name));
    let kind = change.change.as_str();
    match change.change {
        Change::Created | Change::Enabled => {
            info!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
        Change::Vanished | Change::Disabled | Change::Modified => {
            warn!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
    }
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

/// The listing is usable without the field. Logged once, because every answer may have it.
pub(super) fn unreadable(account: &str, action: &str, field: &str) {
    let account = &*visible(account);
    warn!(
        account,
        action, field, "a malformed field of an answer is taken as absent"
    );
}

/// The machine's clock wants setting: that this account is polled all the same must not hide it.
pub(super) fn clock_corrected(account: &str, seconds: i64) {
    let account = &*visible(account);
    if seconds == 0 {
        warn!(account, "signing by this machine's own clock again");
    } else {
        warn!(
            account,
            seconds,
            "the API refuses the time on this machine; signing by the API's clock, so many seconds ahead"
        );
    }
}

/// Not one of those: it is counted, and whoever looks for the cause finds the failure beside it.
pub(super) fn skipped(account: &str, region: &str) {
    let account = &*visible(account);
    debug!(account, region, "poll skipped, the one before is running");
}
