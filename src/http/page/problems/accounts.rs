//! Problems of whole accounts.

use std::time::{Duration, SystemTime};

use super::{Level, Problem};
use crate::clock::age;
use crate::http::page::facts::{Facts, Scope, name};
use crate::http::page::html::{Account, Composed, Number, Text};
use crate::http::page::table::{Cell, Table, columns};
use crate::snapshot::{Report, Status};

/// Returns whether an account that needs a track has no enabled track and is not known to be covered
/// by its organization. `None` if the account's tracks are not known.
fn is_without(facts: Facts<'_>, report: &Report) -> Option<bool> {
    let totals = facts.view.totals(report)?;
    let needs_one = report.account.track_required && totals.covered != Some(true);
    Some(needs_one && totals.tracks[Status::Enabled] == 0)
}

pub(super) fn without_enabled_track<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let accounts = scope.accounts.iter().copied();
    let rows = accounts.filter(|report| is_without(facts, report) == Some(true));
    Problem {
        level: Level::Bad,
        advice: "As of the last listing, these accounts have no enabled track, and no track of their organization is known to record all their operations. Enable or create a track.",
        table: Table::new(
            "without",
            "Accounts without an enabled track",
            columns!["Account", "Tracks", "By organization", "As of"],
            rows.collect(),
            move |report| {
                let totals = facts.view.totals(report);
                let covered = totals.and_then(|it| it.covered);
                let tracks: Cell<'_> = match totals {
                    Some(totals) => Box::new(Number(totals.tracks.values().sum())),
                    None => Box::new(Text("not known")),
                };
                vec![
                    Box::new(Account(name(report))),
                    tracks,
                    Box::new(Text(if covered.is_some() {
                        "none found"
                    } else {
                        "not known"
                    })),
                    Box::new(facts.when(as_of(report))),
                ]
            },
        ),
    }
}

pub(super) fn not_covered<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let is_partial = |report: &&'a Report| {
        let totals = facts.view.totals(report);
        let covered = totals.and_then(|it| it.covered);
        let is_required = report.account.track_required;
        is_required && covered == Some(false) && is_without(facts, report) == Some(false)
    };
    Problem {
        level: Level::Warning,
        advice: "Neither the enabled tracks of these accounts nor those of their organization record all actions of all products.",
        table: Table::new(
            "not-covered",
            "Accounts that are covered in part",
            columns!["Account", "Enabled tracks", "As of"],
            scope.accounts.iter().copied().filter(is_partial).collect(),
            move |report| {
                let enabled = facts.view.totals(report);
                let enabled = enabled.map_or(0, |it| it.tracks[Status::Enabled]);
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Number(enabled)),
                    Box::new(facts.when(as_of(report))),
                ]
            },
        ),
    }
}

/// Returns the oldest observation that the coverage of an account rests on, if it is too old.
pub(super) fn outdated_coverage(facts: Facts<'_>, report: &Report) -> Option<SystemTime> {
    let organizations = facts.info.organizations.iter();
    let mut own = organizations.filter(|it| it.name == report.account.organization);
    let refresh = own.next()?.refresh;
    let mut overviews = report.overviews.iter();
    let overview = overviews.find(|it| it.is_of(facts.view.now))?;
    let checked = overview.coverage_checked?;
    let is_old = age(checked, facts.view.now.wall).is_none_or(|age| age > refresh * 2);
    (overview.totals.covered != Some(false) && is_old).then_some(checked)
}

pub(super) fn outdated<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let accounts = scope.accounts.iter().copied();
    let rows = accounts.filter(|report| outdated_coverage(facts, report).is_some());
    Problem {
        level: Level::Warning,
        advice: "Whether these accounts are covered depends on an old listing of their tracks or of their organization's.",
        table: Table::new(
            "outdated",
            "Accounts whose coverage is outdated",
            columns!["Account", "Organization", "Last observed"],
            rows.collect(),
            move |report| {
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Text(&report.account.organization)),
                    Box::new(facts.when(
                        outdated_coverage(facts, report).filter(|at| *at > SystemTime::UNIX_EPOCH),
                    )),
                ]
            },
        ),
    }
}

/// A key that is not refreshed this long before it expires probably is not refreshed at all. A short
/// key is late only in its last quarter, as in `CloudAuditCredentialsExpiring`.
const LEAST_VALIDITY: Duration = Duration::from_mins(3);

pub(super) fn credentials<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let now = facts.view.now.wall;
    let is_late = move |report: &Report, at: SystemTime| {
        let left = at.duration_since(now).unwrap_or_default();
        let changed = report.credentials_changed;
        let lifetime = changed.and_then(|changed| at.duration_since(changed).ok());
        left < LEAST_VALIDITY && lifetime.is_none_or(|lifetime| 4 * left < lifetime)
    };
    let expires = move |report: &Report| {
        let renewals = report.renewals.as_ref()?;
        renewals.expires.filter(|at| is_late(report, *at))
    };
    let accounts = scope.accounts.iter().copied();
    let rows = accounts.filter(|report| expires(report).is_some());
    Problem {
        level: Level::Warning,
        advice: "The key of these accounts was not refreshed. Run cloudaudit-exporter check --online to find the cause.",
        table: Table::new(
            "credentials",
            "Keys about to expire",
            columns!["Account", "Provider", "Expires", "Failed refreshes"],
            rows.collect(),
            move |report| {
                let renewals = report.renewals.as_ref();
                let failures = renewals.map_or(0, |renewals| renewals.failures);
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Text(report.account.provider)),
                    Box::new(facts.when(expires(report))),
                    Box::new(Composed(failures.to_string())),
                ]
            },
        ),
    }
}

/// Returns the oldest of the last listings of an account's regions.
fn as_of(report: &Report) -> Option<SystemTime> {
    let goods = report
        .targets
        .iter()
        .map(|target| target.last_good.as_ref());
    let times = goods.map(|good| good.and_then(crate::snapshot::LastGood::known_at));
    times.flatten().min()
}
