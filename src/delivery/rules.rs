//! Derives the state of one storage target from the results of its checks.

use std::time::{Duration, SystemTime};

use crate::clock::Moment;
use crate::snapshot::{DeliveryReport, DeliveryState};
use crate::tencent::storage::CheckResult;

/// A state is valid for this many intervals after its check. Later, readers show `unknown`.
pub(super) const VALID_INTERVALS: u32 = 3;

/// A check that contradicts the previous ones is repeated after this time. A storage target is
/// `missing` only if it was not found twice, at least this far apart.
pub(super) const CONFIRM_AFTER: Duration = Duration::from_mins(1);

/// This many successful checks in a row must find an operation overdue.
const STALLED_CHECKS: u32 = 2;

/// The clocks of the servers of the cloud may differ by this much.
const CLOCKS_DIFFER: Duration = Duration::from_mins(10);

/// A log topic shows the beginning of the newest minute with records.
const MINUTE: Duration = Duration::from_mins(1);

/// The settings of the checks of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The time between two checks of a storage target.
    pub interval: Duration,
    /// An operation that is older than this should have arrived.
    pub grace: Duration,
}

/// Asks which operations happened after the last arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Operations until this time have arrived.
    pub after: SystemTime,
    /// The present time, by the clock of the cloud.
    pub cloud_now: SystemTime,
}

/// The operations that happened after the last arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// The time of the oldest operation, which is older than the grace period.
    Overdue(SystemTime),
    /// Some operations are older than the grace period, but there are too many to know the oldest.
    SomeOverdue,
    /// There are operations, but none is older than the grace period.
    Pending,
    /// There are no operations.
    Nothing,
    /// The operations are unknown.
    Unknown {
        /// Why, in a sentence.
        why: String,
    },
}

impl Rules {
    /// Returns what must be known of the operations of the account before [`Self::enter`]. `None` if
    /// the result of the check suffices. `since` is when the settings of the tracks last changed.
    pub fn question(
        &self,
        known: &DeliveryReport,
        since: Option<SystemTime>,
        result: &CheckResult,
    ) -> Option<Question> {
        let CheckResult::Seen {
            newest, cloud_now, ..
        } = result
        else {
            return None;
        };
        let arrival = last_arrival(known, *newest, *cloud_now)?;
        let after = arrived_until(known, arrival);
        let is_known = standing_due(known, after, since).is_some();
        let is_proven = since.is_none_or(|since| arrival > since);
        (is_proven && !is_known && !self.is_recent(arrival, *cloud_now)).then_some(Question {
            after,
            cloud_now: *cloud_now,
        })
    }

    /// Whether the state depends on objects that a search after the cursor may have missed.
    pub fn needs_full_search(
        &self,
        known: &DeliveryReport,
        result: &CheckResult,
        due: Option<&Due>,
    ) -> bool {
        let CheckResult::Seen {
            newest, cloud_now, ..
        } = result
        else {
            return false;
        };
        let arrival = last_arrival(known, *newest, *cloud_now);
        let is_recent = arrival.is_some_and(|arrival| self.is_recent(arrival, *cloud_now));
        !is_recent && due != Some(&Due::Nothing)
    }

    /// Enters the result of a check, and the answer to its [`Self::question`]. Returns whether the next
    /// check must confirm this one instead of waiting for its turn.
    pub fn enter(
        &self,
        report: &mut DeliveryReport,
        since: Option<SystemTime>,
        result: CheckResult,
        due: Option<Due>,
        now: Moment,
    ) -> bool {
        let overdue_checks = std::mem::take(&mut report.overdue_checks);
        let mut shown = report.state_at(now);
        let finding = match result {
            CheckResult::Failed(failure) => {
                report.failures[failure.reason] += 1;
                Finding::Proven(DeliveryState::Unknown, failure.to_string())
            }
            CheckResult::Exists { why } => {
                report.last_check = Some(now.wall);
                report.missing_since = None;
                Finding::Proven(DeliveryState::Unknown, why)
            }
            CheckResult::Impossible { why } => Finding::Proven(DeliveryState::Unknown, why),
            CheckResult::Missing { what } => {
                report.last_check = Some(now.wall);
                report.cursor = None;
                missing(report, what, now)
            }
            CheckResult::Seen {
                newest,
                cloud_now,
                cursor,
                skipped,
            } => {
                report.last_check = Some(now.wall);
                report.missing_since = None;
                report.cursor = cursor;
                report.last_arrival = last_arrival(report, newest, cloud_now);
                if matches!(shown, DeliveryState::Missing | DeliveryState::Unproven) {
                    shown = DeliveryState::Unknown;
                }
                let finding = self.seen(report, since, cloud_now, due, overdue_checks);
                unless_skipped(finding, skipped, report)
            }
        };
        let (state, explanation, is_confirmed) = match finding {
            Finding::Proven(state, explanation) => (state, explanation, true),
            // The present state stays while the check that it comes from is valid.
            Finding::Unconfirmed(_) if shown != DeliveryState::Unknown => return true,
            Finding::Unconfirmed(what) => {
                let why = format!("{what}; the next check confirms or refutes it");
                (DeliveryState::Unknown, why, false)
            }
        };
        report.state = state;
        report.explanation = explanation;
        report.valid_until =
            (state != DeliveryState::Unknown).then(|| now + self.interval * VALID_INTERVALS);
        !is_confirmed
    }

    /// Returns after how long the next check must confirm the last one. `None` if that is not
    /// necessary.
    pub(super) fn confirm_after(report: &DeliveryReport, now: Moment) -> Option<Duration> {
        let is_overdue = (1..STALLED_CHECKS).contains(&report.overdue_checks);
        let is_missing = report.missing_since.is_some() && report.state != DeliveryState::Missing;
        let age = crate::clock::age(report.last_check?, now.wall);
        let age = age.filter(|_| is_overdue || is_missing)?;
        Some(CONFIRM_AFTER.saturating_sub(age))
    }

    /// Resumes after a restart or a reload. Uses only times of day, and computes again how long the
    /// state is valid.
    pub fn resume(&self, report: &mut DeliveryReport, now: Moment) {
        let age = |at: SystemTime| crate::clock::age(at, now.wall);
        let at = |wall: SystemTime| {
            let steady = now.steady.checked_sub(age(wall)?)?;
            Some(Moment { wall, steady })
        };
        report.missing_since = report.missing_since.and_then(|since| at(since.wall));
        let valid = self.interval * VALID_INTERVALS;
        let left = report.last_check.and_then(age);
        let left = left.map_or(Duration::ZERO, |age| valid.saturating_sub(age));
        report.last_check = report.last_check.map(|at| at.min(now.wall));
        report.valid_until = (report.state != DeliveryState::Unknown).then_some(now + left);
    }

    fn seen(
        &self,
        report: &mut DeliveryReport,
        since: Option<SystemTime>,
        cloud_now: SystemTime,
        due: Option<Due>,
        overdue_checks: u32,
    ) -> Finding {
        let proven = |state| Finding::Proven(state, String::new());
        let standing = std::mem::take(&mut report.due);
        let Some(arrival) = report.last_arrival else {
            return proven(DeliveryState::Unproven);
        };
        if self.is_recent(arrival, cloud_now) {
            return proven(DeliveryState::Arriving);
        }
        if since.is_some_and(|since| arrival <= since) {
            return proven(DeliveryState::Unproven);
        }
        let after = arrived_until(report, arrival);
        let standing = standing.filter(|due| is_standing(*due, after, since));
        report.due = standing;
        let due = match standing {
            Some(due) => Due::Overdue(due),
            None => due.unwrap_or_else(|| Due::Unknown {
                why: "the operation records were not read".to_owned(),
            }),
        };
        match due {
            Due::Overdue(_) | Due::SomeOverdue => {
                report.overdue_checks = overdue_checks.saturating_add(1);
                if report.overdue_checks < STALLED_CHECKS {
                    let what = "an operation should have arrived and has not";
                    return Finding::Unconfirmed(what.to_owned());
                }
                if let Due::Overdue(oldest) = due {
                    report.due = Some(oldest);
                }
                proven(DeliveryState::Stalled)
            }
            Due::Pending => proven(DeliveryState::Arriving),
            Due::Nothing => proven(DeliveryState::Quiet),
            Due::Unknown { why } => Finding::Proven(
                DeliveryState::Unknown,
                format!(
                    "nothing arrived within the grace period, and it is unknown whether anything was due: {why}"
                ),
            ),
        }
    }

    fn is_recent(&self, arrival: SystemTime, cloud_now: SystemTime) -> bool {
        cloud_now.duration_since(arrival).unwrap_or_default() <= self.grace
    }
}

/// Returns the newest arrival after a check. The arrival is never later than the response, and never
/// goes back, unless a wrong clock had put it into the future.
fn last_arrival(
    known: &DeliveryReport,
    newest: Option<SystemTime>,
    cloud_now: SystemTime,
) -> Option<SystemTime> {
    newest.map(|newest| newest.min(cloud_now)).max(
        known
            .last_arrival
            .filter(|it| *it <= cloud_now + CLOCKS_DIFFER),
    )
}

/// Returns the time until which operations have arrived, if the newest arrival is at `arrival`.
fn arrived_until(report: &DeliveryReport, arrival: SystemTime) -> SystemTime {
    match report.target.kind.as_str() {
        "cls" => arrival + MINUTE,
        _ => arrival,
    }
}

/// Returns the known overdue operation, unless it arrived or belongs to earlier settings.
fn standing_due(
    known: &DeliveryReport,
    after: SystemTime,
    since: Option<SystemTime>,
) -> Option<SystemTime> {
    known.due.filter(|due| is_standing(*due, after, since))
}

fn is_standing(due: SystemTime, after: SystemTime, since: Option<SystemTime>) -> bool {
    due > after && since.is_none_or(|since| due > since)
}

/// Returns the finding, or `unknown` if the finding says that nothing arrives but the check skipped
/// folders.
fn unless_skipped(
    finding: Finding,
    skipped: Option<String>,
    report: &mut DeliveryReport,
) -> Finding {
    let is_silence = match &finding {
        Finding::Proven(state, _) => {
            matches!(state, DeliveryState::Unproven | DeliveryState::Stalled)
        }
        Finding::Unconfirmed(_) => true,
    };
    match skipped.filter(|_| is_silence) {
        None => finding,
        Some(why) => {
            report.due = None;
            report.overdue_checks = 0;
            let why = format!("no recent arrival was found, and {why}");
            Finding::Proven(DeliveryState::Unknown, why)
        }
    }
}

fn missing(report: &mut DeliveryReport, what: String, now: Moment) -> Finding {
    let first = *report.missing_since.get_or_insert(now);
    if now.steady.saturating_duration_since(first.steady) >= CONFIRM_AFTER {
        Finding::Proven(DeliveryState::Missing, what)
    } else {
        Finding::Unconfirmed(what)
    }
}

/// What a check has found.
enum Finding {
    /// The state, and its explanation.
    Proven(DeliveryState, String),
    /// What the next check must confirm, in a sentence. Until then, the present state stays.
    Unconfirmed(String),
}
