//! What the operation records of an account say about due operations, with few queries.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::rules::{Due, Question, Rules, VALID_INTERVALS};
use super::targets::Recorded;
use crate::clock::{Moment, age};
use crate::failure::Failure;
use crate::snapshot::Scope;

/// The most queries of an account in an hour.
pub const MAX_QUERIES: usize = 6;

/// One query covers at most this time; the API refuses 30 days.
pub(super) const QUERY_WINDOW: Duration = Duration::from_hours(29 * 24);

/// Queries for the oldest overdue operation leave the others of the hour to questions whose answer is
/// still unknown.
pub const MAX_QUERIES_FOR_OLDEST: usize = 4;

/// A period without operations is followed by one that is this much longer.
const WIDEN: u32 = 4;

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

/// The value that matches all actions, products or events.
const ALL: &str = "*";

/// A query of operation records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationsQuery {
    /// `ActionType`. `None` for all.
    pub action_type: Option<String>,
    /// `ResourceType`. `None` for all.
    pub resource_type: Option<String>,
    /// The start of the time.
    pub from: SystemTime,
    /// The end of the time.
    pub to: SystemTime,
    /// Which operations it is for.
    pub span: Span,
}

/// Which operations after the last arrival a query is for. A page has only the newest ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// All.
    Whole,
    /// Those older than the grace, because younger ones have filled a page.
    Overdue,
    /// The oldest, in a short period after the last arrival.
    Oldest,
}

/// The result of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The event name and the time of each operation.
    pub operations: Vec<(String, SystemTime)>,
    /// Whether there are no others.
    pub is_complete: bool,
}

/// The next step to answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The answer is known.
    Answer(Due),
    /// This query must be sent, and its result be entered.
    Query(OperationsQuery),
}

/// The operation records of an account, as far as its questions need them.
#[derive(Debug, Default)]
pub struct Operations {
    /// When the latest queries were sent, at most [`MAX_QUERIES`].
    sent: Vec<Moment>,
    /// The latest result by `ActionType` and `ResourceType`.
    results: BTreeMap<(String, String), QueryResult>,
    /// The latest result for the oldest operation.
    oldest: BTreeMap<(String, String), OldestResult>,
}

#[derive(Clone, Debug)]
struct OldestResult {
    at: Instant,
    /// The last arrival of the question.
    after: SystemTime,
    query: OperationsQuery,
    records: Result<Records, Failure>,
}

#[derive(Clone, Debug)]
struct QueryResult {
    at: Instant,
    query: OperationsQuery,
    records: Result<Records, Failure>,
    /// The earliest time that questions needed since. The next query starts there, so that storage
    /// targets share it.
    needed: SystemTime,
}

impl Operations {
    /// Operations of which nothing is known but when queries were sent, perhaps by another process.
    pub fn resume(sent: &[Moment], now: Moment) -> Self {
        let sent = sent.iter().rev().take(MAX_QUERIES).rev().map(|at| {
            let steady = age(at.wall, now.wall).and_then(|age| now.steady.checked_sub(age));
            Moment {
                steady: steady.unwrap_or(now.steady),
                ..*at
            }
        });
        Self {
            sent: sent.collect(),
            ..Self::default()
        }
    }

    /// Returns when the latest queries were sent.
    pub fn sent(&self) -> &[Moment] {
        &self.sent
    }

    /// Returns the answer to a question about the tracks of a storage target, or the query that it
    /// needs.
    pub fn ask(
        &mut self,
        question: Question,
        recorded: &Recorded,
        rules: &Rules,
        now: Moment,
    ) -> Ask {
        let mut pending = false;
        let mut some_overdue = false;
        let mut unknown = (!recorded.is_complete).then(|| {
            "the listing does not show what a track records; set poll.details_interval".to_owned()
        });
        let mut oldest: Option<SystemTime> = None;
        for scope in &recorded.scopes {
            match self.ask_scope(question, scope, rules, now) {
                Ask::Query(query) => return Ask::Query(query),
                Ask::Answer(Due::Overdue(at)) => oldest = Some(oldest.map_or(at, |it| it.min(at))),
                Ask::Answer(Due::SomeOverdue) => some_overdue = true,
                Ask::Answer(Due::Pending) => pending = true,
                Ask::Answer(Due::Nothing) => {}
                Ask::Answer(Due::Unknown { why }) => unknown = Some(why),
            }
        }
        Ask::Answer(match (oldest, unknown) {
            _ if some_overdue => Due::SomeOverdue,
            (Some(oldest), _) => Due::Overdue(oldest),
            (None, Some(why)) => Due::Unknown { why },
            (None, None) if pending => Due::Pending,
            (None, None) => Due::Nothing,
        })
    }

    /// Enters the result of a query, which [`Self::ask`] has returned for a question.
    pub fn enter(
        &mut self,
        query: OperationsQuery,
        records: Result<Records, Failure>,
        now: Moment,
    ) {
        let key = key_of(&query);
        if query.span == Span::Oldest {
            if let Some(result) = self.oldest.get_mut(&key) {
                result.at = now.steady;
                result.query = query;
                result.records = records;
            }
            return;
        }
        let needed = query.to;
        let result = QueryResult {
            at: now.steady,
            query,
            records,
            needed,
        };
        self.results.insert(key, result);
    }

    fn ask_scope(&mut self, question: Question, scope: &Scope, rules: &Rules, now: Moment) -> Ask {
        let key = (scope.action_type.clone(), scope.resource_type.clone());
        let valid = HOUR.max(rules.interval * VALID_INTERVALS);
        self.results
            .retain(|_, result| now.steady - result.at < valid);
        // The search for the oldest operation may last longer than an hour of queries.
        self.oldest
            .retain(|_, result| now.steady - result.at < valid * 2);
        let mut from = question.after;
        let mut fallback = None;
        let mut to = question.cloud_now;
        let mut span = Span::Whole;
        if let Some(result) = self.results.get_mut(&key) {
            result.needed = result.needed.min(question.after);
            from = result.needed;
            let is_fresh = now.steady - result.at < rules.interval;
            match result.answer(question, scope, rules) {
                Some(due @ Due::Overdue(_)) => return Ask::Answer(due),
                Some(Due::SomeOverdue) => return self.ask_oldest(question, scope, &key, now),
                Some(due) if is_fresh => return Ask::Answer(due),
                answer => fallback = answer,
            }
            if is_fresh && result.is_full() {
                to = question.cloud_now - rules.grace;
                span = Span::Overdue;
            }
        }
        if self.admits(MAX_QUERIES, now) {
            let earliest = to - QUERY_WINDOW;
            return Ask::Query(query(scope, from.max(earliest), to, span));
        }
        Ask::Answer(fallback.unwrap_or_else(|| Due::Unknown {
            why: format!("{MAX_QUERIES} queries of DescribeEvents in an hour are the limit"),
        }))
    }

    /// Looks for the oldest operation after the last arrival, since the known page has newer ones
    /// only. The page shows how long a period may be to fit on a page itself.
    fn ask_oldest(
        &mut self,
        question: Question,
        scope: &Scope,
        key: &(String, String),
        now: Moment,
    ) -> Ask {
        let unknown = Ask::Answer(Due::SomeOverdue);
        let Some(result) = self.results.get(key) else {
            return unknown;
        };
        let Ok(known) = &result.records else {
            return unknown;
        };
        let Some(until) = known.oldest(question.after, scope) else {
            return unknown;
        };
        let half = |records: &Records, to: SystemTime| {
            let first = records.operations.iter().map(|(_, at)| *at).min();
            let span = first.and_then(|first| to.duration_since(first).ok());
            span.unwrap_or_default() / 2
        };
        let of_question = |result: &&OldestResult| result.after == question.after;
        let (from, period) = match self.oldest.get(key).filter(of_question) {
            None => (question.after, half(known, result.query.to)),
            Some(OldestResult { query, records, .. }) => {
                let Ok(records) = records else { return unknown };
                let period = query.to.duration_since(query.from).unwrap_or_default();
                match records.oldest(question.after, scope) {
                    Some(oldest) if records.is_complete => {
                        return Ask::Answer(Due::Overdue(oldest));
                    }
                    None if records.is_complete => (query.to, period * WIDEN),
                    _ => (query.from, half(records, query.to)),
                }
            }
        };
        let to = (from + period).min(until + SECOND);
        if to < from + SECOND || !self.admits(MAX_QUERIES_FOR_OLDEST, now) {
            return unknown;
        }
        let query = query(scope, from, to, Span::Oldest);
        let result = OldestResult {
            at: now.steady,
            after: question.after,
            query: query.clone(),
            records: Ok(Records::default()),
        };
        self.oldest.insert(key.clone(), result);
        Ask::Query(query)
    }

    /// Counts a query if fewer than this many were sent in the last hour.
    fn admits(&mut self, limit: usize, now: Moment) -> bool {
        self.sent
            .retain(|sent| now.steady.saturating_duration_since(sent.steady) < HOUR);
        let admits = self.sent.len() < limit;
        if admits {
            self.sent.push(now);
        }
        admits
    }
}

impl Records {
    /// Returns the oldest operation of a scope after a time.
    fn oldest(&self, after: SystemTime, scope: &Scope) -> Option<SystemTime> {
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
    fn answer(&self, question: Question, scope: &Scope, rules: &Rules) -> Option<Due> {
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
            let why = "there are too many operations to read".to_owned();
            return is_narrow.then_some(Due::Unknown { why });
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

    /// Returns whether younger operations may hide older ones.
    fn is_full(&self) -> bool {
        let is_full = |records: &Records| !records.is_complete;
        self.query.span == Span::Whole && self.records.as_ref().is_ok_and(is_full)
    }
}

fn query(scope: &Scope, from: SystemTime, to: SystemTime, span: Span) -> OperationsQuery {
    OperationsQuery {
        action_type: attribute(&scope.action_type),
        resource_type: attribute(&scope.resource_type),
        from,
        to,
        span,
    }
}

/// Returns the value of a query's attribute. `None` if every value fits.
fn attribute(value: &str) -> Option<String> {
    (value != ALL).then(|| value.to_owned())
}

fn key_of(query: &OperationsQuery) -> (String, String) {
    let value = |attribute: &Option<String>| attribute.clone().unwrap_or_else(|| ALL.to_owned());
    (value(&query.action_type), value(&query.resource_type))
}
