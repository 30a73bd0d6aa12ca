//! What the operation records show, and whether they can be searched.

use std::time::{Duration, SystemTime};

use super::{Level, Problem};
use crate::clock::age;
use crate::failure::Failure;
use crate::http::page::facts::{Facts, Scope, name};
use crate::http::page::html::{Account, Message, Number, Text};
use crate::http::page::table::{Table, columns};
use crate::snapshot::{Outcome, Report, SweepReport, TrackEvent};

/// How long `CloudAuditTamperingAttempted` fires after a sweep has found a failed attempt.
const ATTEMPTS_SHOWN_FOR: Duration = Duration::from_hours(1);

/// How long after the last sweep `CloudAuditAttributionFailing` begins to fire.
const SWEEP_WARNING: Duration = Duration::from_hours(6);

/// The kinds of problems that only sweeps of the operation records find.
pub(in crate::http::page) const OF_OPERATIONS: [&str; 3] = ["unseen", "attempts", "searches"];

/// Returns whether the operation records of every account in a scope are read now. Without accounts,
/// none are.
pub(in crate::http::page) fn reads_operations(scope: &Scope<'_>) -> bool {
    let is_read = |report: &&Report| {
        sweeps(report).is_some_and(|sweeps| sweeps.last.is_some())
            && !is_failing(scope.facts, report)
    };
    !scope.accounts.is_empty() && scope.accounts.iter().all(is_read)
}

fn sweeps(report: &Report) -> Option<&SweepReport> {
    report.attribution.as_ref()?.sweeps.as_ref()
}

/// Returns why the last search of the operation records failed.
fn failure(report: &Report) -> Option<&Failure> {
    report.attribution.as_ref()?.failure.as_ref()
}

/// Returns whether the last search failed, or the last sweep is too long ago.
fn is_failing(facts: Facts<'_>, report: &Report) -> bool {
    let is_late = |last| age(last, facts.view.now.wall).is_none_or(|age| age > SWEEP_WARNING);
    let last = sweeps(report).and_then(|sweeps| sweeps.last);
    failure(report).is_some() || last.is_some_and(is_late)
}

/// Failed write operations on CloudAudit of one kind, in one account.
struct Attempt<'a> {
    report: &'a Report,
    kind: (TrackEvent, Outcome),
    found: SystemTime,
    count: u64,
}

pub(super) fn attempts<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let now = facts.view.now.wall;
    let accounts = scope.accounts.iter().copied();
    let attempts = accounts.flat_map(|report| {
        let kinds = sweeps(report).into_iter().flat_map(|sweeps| {
            let attempts = sweeps.attempts.iter();
            attempts.map(|(kind, found)| (*kind, *found, sweeps.operations.get(kind)))
        });
        kinds.map(move |(kind, found, count)| Attempt {
            report,
            kind,
            found,
            count: count.copied().unwrap_or_default(),
        })
    });
    let is_recent =
        |it: &Attempt<'_>| age(it.found, now).is_none_or(|age| age <= ATTEMPTS_SHOWN_FOR);
    Problem {
        level: Level::Warning,
        advice: "Records read in the last hour show write operations on CloudAudit that CAM denied or that failed, for example attempts to disable or delete a track. The operations may be older. Find out who tried in the event history of the CloudAudit console.",
        table: Table::new(
            "attempts",
            "Failed write operations on CloudAudit",
            columns![
                "Account",
                "Operation",
                "Outcome",
                "Found",
                "Since the start"
            ],
            attempts.filter(is_recent).collect(),
            move |attempt| {
                let (event, outcome) = attempt.kind;
                vec![
                    Box::new(Account(name(attempt.report))),
                    Box::new(Text(event.as_str())),
                    Box::new(Text(outcome.as_str())),
                    Box::new(facts.when(Some(attempt.found))),
                    Box::new(Number(attempt.count)),
                ]
            },
        ),
    }
}

pub(super) fn searches<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let accounts = scope.accounts.iter().copied();
    Problem {
        level: Level::Info,
        advice: "The exporter cannot read the operation records, so it cannot name who changed a track. Polls continue. cloudaudit-exporter check --online names a missing permission (cloudaudit:DescribeEvents).",
        table: Table::new(
            "searches",
            "Accounts whose operation records cannot be read",
            columns!["Account", "Reason", "Code", "Message", "Last sweep"],
            accounts
                .filter(|report| is_failing(facts, report))
                .collect(),
            move |report| {
                let failure = failure(report);
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Text(failure.map_or("not known", |it| it.reason.as_str()))),
                    Box::new(Text(failure.map_or("not known", |it| &it.code))),
                    Box::new(Message(failure.map_or("", |it| &it.message).into())),
                    match sweeps(report) {
                        None => Box::new(Text("none is configured")),
                        Some(sweeps) => match sweeps.last {
                            None => Box::new(Text("never")),
                            at => Box::new(facts.when(at)),
                        },
                    },
                ]
            },
        ),
    }
}
