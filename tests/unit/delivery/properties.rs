//! Invariants for every history of operations, deliveries and checks.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::delivery::{
    Ask, Due, MAX_QUERIES, Operations, OperationsQuery, Question, Recorded, Records,
};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{DeliveryState, Scope};
use cloudaudit_exporter::tencent::storage::CheckResult;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{RULES, bucket, minute, missing, moment};

/// One step of a history.
#[derive(Clone, Debug)]
struct Step {
    /// The minutes before the step.
    wait: u64,
    /// Whether an operation is recorded.
    operation: bool,
    /// Whether everything that was recorded so far is delivered.
    delivery: bool,
    event: Option<Event>,
    check: Option<Check>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// The settings of the track change.
    Change,
    /// Another storage target, with a track of another scope, needs operation records.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Check {
    Good,
    /// The listing lacks what arrived in the last minute.
    Behind,
    Gone,
    Denied,
    Impossible,
    /// The target exists, and the check shows no more.
    Exists,
}

fn step() -> impl Strategy<Value = Step> {
    let check = prop_oneof![
        2 => Just(None),
        6 => Just(Some(Check::Good)),
        1 => Just(Some(Check::Behind)),
        1 => Just(Some(Check::Gone)),
        1 => Just(Some(Check::Denied)),
        1 => Just(Some(Check::Impossible)),
        1 => Just(Some(Check::Exists)),
    ];
    let event = prop_oneof![
        24 => Just(None),
        1 => Just(Some(Event::Change)),
        6 => Just(Some(Event::Other)),
    ];
    let delivery = prop::bool::weighted(0.2);
    (0..25_u64, any::<bool>(), delivery, event, check).prop_map(
        |(wait, operation, delivery, event, check)| Step {
            wait,
            operation,
            delivery,
            event,
            check,
        },
    )
}

/// The operation records of an account, of which a response has the newest ones.
struct Account {
    start: Instant,
    operations: Operations,
    records: Vec<u64>,
    page: usize,
    /// When each query was sent.
    queries: Vec<u64>,
}

impl Account {
    fn due(&mut self, question: Question, product: &str, now: u64) -> Due {
        let scope = Scope {
            action_type: "*".to_owned(),
            resource_type: product.to_owned(),
            event_names: vec!["*".to_owned()],
        };
        let recorded = Recorded {
            scopes: vec![scope],
            is_complete: true,
        };
        let at = moment(self.start, now);
        loop {
            match self.operations.ask(question, &recorded, &RULES, at) {
                Ask::Answer(due) => return due,
                Ask::Query(query) => {
                    self.queries.push(now);
                    let records = self.answer(&query);
                    self.operations.enter(query, Ok(records), at);
                }
            }
        }
    }

    fn answer(&self, query: &OperationsQuery) -> Records {
        let within = |at: &&u64| (query.from..=query.to).contains(&minute(**at));
        let found: Vec<u64> = self.records.iter().filter(within).copied().collect();
        let newest = found.iter().rev().take(self.page);
        Records {
            operations: newest.map(|at| ("A".to_owned(), minute(*at))).collect(),
            is_complete: found.len() <= self.page,
        }
    }

    /// Returns whether an operation after an arrival is older than this many minutes.
    fn has_older(&self, arrival: SystemTime, minutes: u64, now: u64) -> bool {
        let mut records = self.records.iter();
        records.any(|at| minute(*at) > arrival && now - at > minutes)
    }

    fn queries_of_last_hour(&self, now: u64) -> usize {
        self.queries.iter().filter(|at| now - **at < 60).count()
    }
}

proptest! {
    #[test]
    fn states_never_claim_more_than_the_checks_saw(
        steps in prop::collection::vec(step(), 1..80),
        page in 1..8_usize,
    ) {
        let start = Instant::now();
        let mut account = Account {
            start,
            operations: Operations::default(),
            records: Vec::new(),
            page,
            queries: Vec::new(),
        };
        let mut since = None;
        let grace = RULES.grace.as_secs() / 60;
        let mut report = bucket();
        let (mut now, mut undelivered, mut arrivals) = (100_u64, Vec::new(), Vec::new());
        let mut gone_at = Vec::new();
        for step in steps {
            now += step.wait;
            if step.operation {
                undelivered.push(now);
                account.records.push(now);
            }
            if step.event == Some(Event::Change) {
                since = Some(minute(now));
            }
            if step.event == Some(Event::Other) {
                let question = Question { after: minute(0), cloud_now: minute(now) };
                account.due(question, &format!("other{}", now % 3), now);
            }
            if step.delivery && !undelivered.is_empty() {
                undelivered.clear();
                arrivals.push(now);
            }
            let Some(check) = step.check else { continue };
            let newest = match check {
                Check::Behind => arrivals.iter().rev().find(|at| **at + 1 < now),
                _ => arrivals.last(),
            };
            let result = match check {
                Check::Good | Check::Behind => CheckResult::Seen {
                    newest: newest.copied().map(minute),
                    cloud_now: minute(now),
                    cursor: None,
                    skipped: None,
                },
                Check::Gone => missing(),
                Check::Denied => CheckResult::Failed(Failure::new(Reason::Unauthorized, "denied")),
                Check::Impossible => CheckResult::Impossible { why: "no APPID".to_owned() },
                Check::Exists => CheckResult::Exists { why: "no index".to_owned() },
            };
            let question = RULES.question(&report, since, &result);
            let due = question.map(|question| account.due(question, "*", now));
            prop_assert!(account.queries_of_last_hour(now) <= MAX_QUERIES, "too many queries");
            let before = report.clone();
            let at = moment(start, now);
            let must_confirm = RULES.enter(&mut report, since, result, due, at);

            let truth = arrivals.last().copied().map(minute);
            prop_assert!(report.last_arrival <= truth, "later than the real arrival");
            prop_assert!(report.last_arrival >= before.last_arrival, "the last arrival went back");
            let is_seen = matches!(check, Check::Good | Check::Behind);
            if !is_seen {
                prop_assert_eq!(report.last_arrival, before.last_arrival);
                prop_assert_eq!(report.due, before.due);
            }
            let state = report.state_at(at);
            // One check that did not find the target keeps the state that the ones before have proven.
            let is_kept = check == Check::Gone && state == before.state_at(at);
            let arrival = report.last_arrival;
            let has_older = |minutes| arrival.is_some_and(|it| account.has_older(it, minutes, now));
            match state {
                _ if must_confirm => {}
                DeliveryState::Quiet if is_seen => {
                    prop_assert!(!has_older(grace), "quiet, and an operation is overdue");
                    prop_assert!(arrival > since, "quiet by an arrival with other settings");
                }
                DeliveryState::Arriving if is_seen => {
                    prop_assert!(!has_older(grace), "arriving, and one is overdue");
                }
                DeliveryState::Stalled => {
                    prop_assert!(arrival > since, "stalled after a change of settings");
                }
                _ => {}
            }
            let is_confirmed_due = !is_seen || report.due.is_none() || report.due == before.due;
            prop_assert!(is_confirmed_due || state == DeliveryState::Stalled, "unconfirmed");
            match state {
                _ if is_kept && state != DeliveryState::Missing => {}
                DeliveryState::Arriving | DeliveryState::Quiet | DeliveryState::Unproven => {
                    prop_assert!(is_seen, "{:?} after {:?}", report.state, check);
                }
                DeliveryState::Stalled => {
                    prop_assert!(is_seen);
                    // An arrival of the last minute may be missing in the listing.
                    let is_late = arrivals.last().is_some_and(|at| *at >= now.saturating_sub(1));
                    let overdue = |at: &u64| now - at > grace;
                    prop_assert!(is_late || undelivered.iter().any(overdue), "nothing was due");
                }
                DeliveryState::Missing => {
                    prop_assert_eq!(check, Check::Gone);
                    prop_assert!(gone_at.iter().any(|at| *at < now), "missing after one check");
                }
                DeliveryState::Unknown => {}
            }
            match check {
                Check::Gone => gone_at.push(now),
                Check::Good | Check::Behind | Check::Exists => gone_at.clear(),
                _ => {}
            }
            let aged = at + 3 * RULES.interval;
            prop_assert_eq!(report.state_at(aged), DeliveryState::Unknown);
            let nearly = at + (3 * RULES.interval).saturating_sub(Duration::from_secs(1));
            let is_confirmed = report.valid_until.is_none_or(|until| until == aged);
            prop_assert!(is_confirmed || report.state_at(nearly) == DeliveryState::Unknown);
            prop_assert!(!is_confirmed || report.state_at(nearly) == report.state);
        }
    }
}
