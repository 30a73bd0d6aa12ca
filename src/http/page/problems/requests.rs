//! Requests that fail although polls may succeed: throttled ones, and refreshes of keys.

use std::time::Duration;

use super::{Level, Problem};
use crate::clock::age;
use crate::failure::Reason;
use crate::http::page::facts::{Scope, name};
use crate::http::page::html::{Account, Message, Number, Text};
use crate::http::page::table::{Table, columns};
use crate::snapshot::Report;

/// How long a throttled request is shown, as in the query of `CloudAuditThrottled`.
const SHOWN_FOR: Duration = Duration::from_mins(15);

pub(super) fn throttled<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let now = facts.view.now.wall;
    let is_recent = |report: &&'a Report| {
        let last = report.api.last_throttled;
        last.is_some_and(|at| age(at, now).is_none_or(|age| age <= SHOWN_FOR))
    };
    let accounts = scope.accounts.iter().copied();
    Problem {
        level: Level::Warning,
        advice: "In the last 15 minutes the API refused requests because there were too many. A refused request counts even if its retry succeeded. Console, CLI and other tools share the limit. Lower rate_limit.requests_per_second, or poll less often.",
        table: Table::new(
            "throttled",
            "Accounts that the API throttles",
            columns!["Account", "Last refused", "Refused since the start"],
            accounts.filter(is_recent).collect(),
            move |report| {
                vec![
                    Box::new(Account(name(report))),
                    Box::new(facts.when(report.api.last_throttled)),
                    Box::new(Number(report.api.failures[Reason::Throttled])),
                ]
            },
        ),
    }
}

pub(super) fn refreshes<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let accounts = scope.accounts.iter().filter_map(|report| {
        let renewals = report.renewals.as_ref()?;
        Some((*report, renewals, renewals.failure.as_ref()?))
    });
    Problem {
        level: Level::Warning,
        advice: "The last refresh of the temporary keys of these accounts failed. Polls continue until the current key expires.",
        table: Table::new(
            "refreshes",
            "Keys that cannot be refreshed",
            columns![
                "Account",
                "Provider",
                "Reason",
                "Code",
                "Message",
                "Key expires",
                "Failed refreshes"
            ],
            accounts.collect(),
            move |(report, renewals, failure)| {
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Text(report.account.provider)),
                    Box::new(Text(failure.reason.as_str())),
                    Box::new(Text(&failure.code)),
                    Box::new(Message((&*failure.message).into())),
                    match renewals.expires {
                        None => Box::new(Text("no key yet")),
                        at => Box::new(facts.when(at)),
                    },
                    Box::new(Number(renewals.failures)),
                ]
            },
        ),
    }
}
