//! Queries of operation records, and what their results say about due operations.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::rules::{Due, Question, Rules};
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::Scope;

/// The most queries of an account in an hour.
pub const MAX_QUERIES: usize = 6;

/// One query covers at most this time; the API refuses 30 days.
const QUERY_WINDOW: Duration = Duration::from_hours(29 * 24);

/// One query in each such period stays within the limit of queries.
const QUERY_EVERY: Duration = Duration::from_secs(3_600 / MAX_QUERIES as u64);

/// The value that matches all actions, products or events.
const ALL: &str = "*";

/// A query of operation records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationsQuery {
    /// `ActionType`. `None` for all.
    pub action_type: Option<String>,
    /// `ResourceType`. `None` for all.
    pub resource_type: Option<String>,
    /// The start of the period.
    pub from: SystemTime,
    /// The end of the period.
    pub to: SystemTime,
    /// Which operations it is for.
    pub span: Span,
}

/// Which operations after the last arrival a query is for. A page has only the newest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// All.
    Whole,
    /// Those that are overdue or will be soon, because younger ones have filled a page.
    Overdue,
    /// The oldest, in a short period after the last arrival.
    Oldest,
}

/// The result of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The event name and the time of each operation.
    pub operations: Vec<(String, SystemTime)>,
    /// Whether these are all operations of the period.
    pub is_complete: bool,
}

/// The result of a query of all operations, or of those that are overdue.
#[derive(Clone, Debug)]
pub(super) struct QueryResult {
    pub(super) at: Instant,
    pub(super) query: OperationsQuery,
    pub(super) records: Result<Records, Failure>,
    /// The earliest start that questions have needed since this query. The next query starts there, so
    /// that several storage targets share its result.
    pub(super) needed: SystemTime,
}

impl Records {
    /// Returns the oldest operation of a scope after a time.
    pub(super) fn oldest(&self, after: SystemTime, scope: &Scope) -> Option<SystemTime> {
        let fits = |name: &str| {
            let mut names = scope.event_names.iter();
            names.any(|wanted| wanted == ALL || wanted.eq_ignore_ascii_case(name))
        };
        let operations = self.operations.iter();
        let later = operations.filter(|(name, at)| *at > after && fits(name));
        later.map(|(_, at)| *at).min()
    }
}

impl QueryResult {
    /// Returns the answer to a question. `None` if the records do not show it.
    pub(super) fn answer(&self, question: Question, scope: &Scope, rules: &Rules) -> Option<Due> {
        let Question { after, cloud_now } = question;
        let records = match &self.records {
            Ok(records) => records,
            Err(failure) => {
                let why = format!("DescribeEvents failed: {failure}");
                return Some(Due::Unknown { why });
            }
        };
        let oldest = records.oldest(after, scope);
        let is_overdue =
            |at: &SystemTime| cloud_now.duration_since(*at).unwrap_or_default() > rules.grace;
        if let Some(overdue) = oldest.filter(is_overdue) {
            let is_oldest = records.is_complete && self.covers(after);
            return Some(if is_oldest {
                Due::Overdue(overdue)
            } else {
                Due::SomeOverdue
            });
        }
        let is_narrow = self.query.span == Span::Overdue;
        if !records.is_complete {
            // If some are not overdue yet, an earlier end leaves more room for those that are.
            let is_narrowest = is_narrow && self.query.to + rules.grace <= cloud_now;
            let why = "there are too many operations to read".to_owned();
            return is_narrowest.then_some(Due::Unknown { why });
        }
        let is_due = oldest.is_some() || is_narrow;
        self.covers(after)
            .then_some(if is_due { Due::Pending } else { Due::Nothing })
    }

    /// Returns whether the query began early enough, or as early as possible.
    fn covers(&self, after: SystemTime) -> bool {
        let window = self.query.to.duration_since(self.query.from);
        self.query.from <= after || window.is_ok_and(|window| window >= QUERY_WINDOW)
    }

    /// Returns whether no operation after the query can be overdue yet.
    pub(super) fn is_valid(&self, question: Question, rules: &Rules) -> bool {
        question.cloud_now <= self.query.to + rules.grace
    }

    /// Returns whether it is too early for another query. A failure or a full page is kept long enough
    /// that one scope stays within the limit of queries. Any other result is kept that long only while
    /// no later operation can be overdue. With a grace period below 20 minutes, the result expires
    /// earlier. Then the queries of the hour may run out, and the answer becomes unknown.
    pub(super) fn is_fresh(&self, question: Question, rules: &Rules, now: Moment) -> bool {
        let claims_nothing = match &self.records {
            Ok(records) => self.query.span == Span::Overdue && !records.is_complete,
            Err(_) => true,
        };
        let keep_for = rules.interval.min(rules.grace).max(QUERY_EVERY);
        let is_recent = now.steady.saturating_duration_since(self.at) < keep_for;
        is_recent && (claims_nothing || self.is_valid(question, rules))
    }

    /// Returns the end of the next query, if a query of all operations would fill a page again. The
    /// next query covers what becomes overdue before the query after it, if that fits on a page.
    pub(super) fn earlier_end(
        &self,
        from: SystemTime,
        question: Question,
        rules: &Rules,
        is_fresh: bool,
    ) -> Option<SystemTime> {
        let is_full = self.records.as_ref().is_ok_and(|it| !it.is_complete);
        let is_overdue = self.query.span == Span::Overdue;
        let from = from.max(question.cloud_now - QUERY_WINDOW);
        // The operations that have filled a page fill it again.
        let was_full = (is_overdue || is_full) && from <= self.query.from;
        let overdue = question.cloud_now - rules.grace;
        (was_full || is_fresh && is_full).then_some(if is_overdue && is_full {
            overdue
        } else {
            overdue + QUERY_EVERY.min(rules.grace / 2)
        })
    }
}

/// Returns the query for a scope, which covers at most [`QUERY_WINDOW`].
pub(super) fn query(
    scope: &Scope,
    from: SystemTime,
    to: SystemTime,
    span: Span,
) -> OperationsQuery {
    OperationsQuery {
        action_type: attribute(&scope.action_type),
        resource_type: attribute(&scope.resource_type),
        from: from.clamp(to - QUERY_WINDOW, to),
        to,
        span,
    }
}

/// Returns the value of a query's attribute. `None` if every value fits.
fn attribute(value: &str) -> Option<String> {
    (value != ALL).then(|| value.to_owned())
}

/// Returns the key of a query's result.
pub(super) fn key_of(query: &OperationsQuery) -> (String, String) {
    let value = |attribute: &Option<String>| attribute.clone().unwrap_or_else(|| ALL.to_owned());
    (value(&query.action_type), value(&query.resource_type))
}
