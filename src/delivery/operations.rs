//! What the operation records of an account say about due operations, with few queries.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::query::{MAX_QUERIES, OperationsQuery, QueryResult, Records, Span, key_of, query};
use super::rules::{Due, Question, Rules, VALID_INTERVALS};
use super::targets::Recorded;
use crate::clock::{Moment, age};
use crate::failure::Failure;
use crate::snapshot::Scope;

/// A query for the oldest overdue operation is sent only if fewer queries than this were sent in the
/// last hour. The rest is for questions whose answer is still unknown.
pub const MAX_QUERIES_FOR_OLDEST: usize = 4;

/// A period without operations is followed by one that is this much longer.
const WIDEN: u32 = 4;

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

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

impl Operations {
    /// Resumes with only the times of earlier queries, perhaps those of another process.
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
            let is_fresh = result.is_fresh(question, rules, now);
            match result.answer(question, scope, rules) {
                Some(due @ Due::Overdue(_)) => return Ask::Answer(due),
                Some(Due::SomeOverdue) => return self.ask_oldest(question, scope, &key, now),
                Some(due) if is_fresh => return Ask::Answer(due),
                answer => {
                    fallback = answer.filter(|due| {
                        matches!(due, Due::Unknown { .. }) || result.is_valid(question, rules)
                    });
                }
            }
            if let Some(end) = result.earlier_end(from, question, rules, is_fresh) {
                (to, span) = (end, Span::Overdue);
            }
        }
        if self.admits(MAX_QUERIES, now) {
            return Ask::Query(query(scope, from, to, span));
        }
        Ask::Answer(fallback.unwrap_or_else(|| Due::Unknown {
            why: format!("the limit of {MAX_QUERIES} DescribeEvents queries in an hour is reached"),
        }))
    }

    /// Searches for the oldest operation after the last arrival, because the known page has only newer
    /// operations. The page shows how long a period may be whose operations fit on a page.
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
