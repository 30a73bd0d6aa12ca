//! What the operation records of an account say about due operations, with few queries.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::rules::{Due, Question, Rules, VALID_INTERVALS};
use super::settings::Recorded;
use crate::failure::Failure;
use crate::snapshot::Scope;

/// The most queries of an account in an hour.
pub const MAX_QUERIES: usize = 6;

/// One query covers at most this time; the API refuses 30 days.
pub const QUERY_WINDOW: Duration = Duration::from_hours(29 * 24);

const HOUR: Duration = Duration::from_hours(1);

/// The value that matches all actions, products or events.
const ALL: &str = "*";

/// A query of operation records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationsQuery {
    /// `ActionType`. `None` for all.
    pub action_type: Option<String>,
    /// `ResourceType`. `None` for all.
    pub resource_type: Option<String>,
    /// The begin of the time.
    pub from: SystemTime,
    /// The end of the time.
    pub to: SystemTime,
    /// Whether `to` leaves out the operations that are younger than the grace: they may fill a page
    /// and hide whether there are older ones.
    pub is_narrow: bool,
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
    sent: Vec<Instant>,
    /// The latest result by `ActionType` and `ResourceType`.
    results: BTreeMap<(String, String), QueryResult>,
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
    /// Returns the answer to a question about the tracks of a storage target, or the query that it
    /// needs.
    pub fn ask(
        &mut self,
        question: Question,
        recorded: &Recorded,
        rules: &Rules,
        now: Instant,
    ) -> Ask {
        let mut pending = false;
        let mut unknown = (!recorded.is_complete).then(|| {
            "the listing does not show what a track records; set poll.details_interval".to_owned()
        });
        let mut oldest: Option<SystemTime> = None;
        for scope in &recorded.scopes {
            match self.ask_scope(question, scope, rules, now) {
                Ask::Query(query) => return Ask::Query(query),
                Ask::Answer(Due::Overdue(at)) => oldest = Some(oldest.map_or(at, |it| it.min(at))),
                Ask::Answer(Due::Pending) => pending = true,
                Ask::Answer(Due::Nothing) => {}
                Ask::Answer(Due::Unknown { why }) => unknown = Some(why),
            }
        }
        Ask::Answer(match (oldest, unknown) {
            (Some(oldest), _) => Due::Overdue(oldest),
            (None, Some(why)) => Due::Unknown { why },
            (None, None) if pending => Due::Pending,
            (None, None) => Due::Nothing,
        })
    }

    /// Enters the result of a query.
    pub fn enter(
        &mut self,
        query: OperationsQuery,
        records: Result<Records, Failure>,
        now: Instant,
    ) {
        let key = key_of(&query);
        let needed = query.to;
        let result = QueryResult {
            at: now,
            query,
            records,
            needed,
        };
        self.results.insert(key, result);
    }

    fn ask_scope(&mut self, question: Question, scope: &Scope, rules: &Rules, now: Instant) -> Ask {
        let key = (scope.action_type.clone(), scope.resource_type.clone());
        let valid = HOUR.max(rules.interval * VALID_INTERVALS);
        self.results.retain(|_, result| now - result.at < valid);
        let mut from = question.after;
        let mut fallback = None;
        if let Some(result) = self.results.get_mut(&key) {
            result.needed = result.needed.min(question.after);
            from = result.needed;
            match result.answer(question, scope, rules) {
                Some(due @ Due::Overdue(_)) => return Ask::Answer(due),
                Some(due) if now - result.at < rules.interval => return Ask::Answer(due),
                answer => fallback = answer,
            }
        }
        let result = self.results.get(&key);
        let is_narrow =
            result.is_some_and(|result| result.is_full() && now - result.at < rules.interval);
        let to = if is_narrow {
            question.cloud_now - rules.grace
        } else {
            question.cloud_now
        };
        if self.admits(now) {
            let earliest = to - QUERY_WINDOW;
            return Ask::Query(OperationsQuery {
                action_type: attribute(&scope.action_type),
                resource_type: attribute(&scope.resource_type),
                from: from.max(earliest),
                to,
                is_narrow,
            });
        }
        Ask::Answer(fallback.unwrap_or_else(|| Due::Unknown {
            why: format!("{MAX_QUERIES} queries of DescribeEvents in an hour are the limit"),
        }))
    }

    /// Counts a query if the limit of an hour allows it.
    fn admits(&mut self, now: Instant) -> bool {
        self.sent.retain(|sent| now - *sent < HOUR);
        let admits = self.sent.len() < MAX_QUERIES;
        if admits {
            self.sent.push(now);
        }
        admits
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
        let fits = |name: &str| {
            let mut names = scope.event_names.iter();
            names.any(|wanted| wanted == ALL || wanted.eq_ignore_ascii_case(name))
        };
        let operations = records.operations.iter();
        let later = operations.filter(|(name, at)| *at > after && fits(name));
        let oldest = later.map(|(_, at)| *at).min();
        let is_overdue =
            |at: &SystemTime| cloud_now.duration_since(*at).unwrap_or_default() > rules.grace;
        if let Some(overdue) = oldest.filter(is_overdue) {
            return Some(Due::Overdue(overdue));
        }
        if !records.is_complete {
            let why = "there are too many operations to read".to_owned();
            return self.query.is_narrow.then_some(Due::Unknown { why });
        }
        let is_due = oldest.is_some() || self.query.is_narrow;
        self.covers(after)
            .then_some(if is_due { Due::Pending } else { Due::Nothing })
    }

    /// Whether the query began early enough, or as early as possible.
    fn covers(&self, after: SystemTime) -> bool {
        let window = self.query.to.duration_since(self.query.from);
        self.query.from <= after || window.is_ok_and(|window| window >= QUERY_WINDOW)
    }

    /// Whether younger operations may hide older ones.
    fn is_full(&self) -> bool {
        let is_full = |records: &Records| !records.is_complete;
        !self.query.is_narrow && self.records.as_ref().is_ok_and(is_full)
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
