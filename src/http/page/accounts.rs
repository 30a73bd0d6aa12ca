//! The table of accounts, one row each.

use std::fmt;
use std::time::SystemTime;

use super::badge;
use super::facts::{Facts, Scope, name};
use super::html::{Account, Badge, BadgeColor, Html, Lines, Text};
use super::table::{Cell, Column, Table};
use crate::snapshot::{LastGood, PollEnd, Report, Status, TargetReport};

const COLUMNS: &[Column] = &[
    Column("Account", Some("account")),
    Column("State", Some("state")),
    Column("Regions", Some("region")),
    Column("Enabled tracks", None),
    Column("Coverage", None),
    Column("Last success", None),
    Column("Last poll", None),
    Column("Next poll", None),
];

/// Returns the table of accounts.
pub(super) fn table<'a>(scope: &Scope<'a>) -> Table<'a> {
    let facts = scope.facts;
    let rows = scope.accounts.clone();
    Table::new("accounts", "Accounts", COLUMNS, rows, move |report| {
        let targets = || report.targets.iter();
        let regions = targets().map(|target| Region {
            facts,
            target,
            is_single: report.targets.len() == 1,
        });
        let successes = targets().map(|it| it.last_good.as_ref().and_then(LastGood::known_at));
        vec![
            Box::new(Account(name(report))),
            Box::new(badge(facts.view.account_state(report))),
            Box::new(Lines(regions.collect())),
            enabled(facts, report),
            Box::new(coverage(facts, report)),
            // The oldest, because a region that was never listed is the one to check.
            at_or(facts, successes.min().flatten(), "never"),
            at_or(facts, polls(report).max(), "not yet"),
            next_poll(facts, report),
        ]
    })
}

fn at_or<'a>(facts: Facts<'_>, at: Option<SystemTime>, otherwise: &'static str) -> Cell<'a> {
    match at {
        Some(_) => Box::new(facts.when(at)),
        None => Box::new(Text(otherwise)),
    }
}

fn polls(report: &Report) -> impl Iterator<Item = SystemTime> {
    report
        .targets
        .iter()
        .filter_map(|target| Some(target.last_poll?.at))
}

/// The time of a poll is its end, and an interval lies between two beginnings.
fn next_poll<'a>(facts: Facts<'_>, report: &Report) -> Cell<'a> {
    let next = |target: &TargetReport| {
        let PollEnd { at, took } = target.last_poll?;
        (at - took).checked_add(target.interval)
    };
    let next = report.targets.iter().filter_map(next).min();
    match next {
        Some(at) if at <= facts.view.now.wall => Box::new(Text("due")),
        at => at_or(facts, at, "soon"),
    }
}

fn enabled<'a>(facts: Facts<'a>, report: &'a Report) -> Cell<'a> {
    match facts.view.totals(report) {
        Some(totals) => Box::new(Share {
            part: totals.tracks[Status::Enabled],
            all: totals.tracks.values().sum(),
            is_current: is_current(facts, report),
        }),
        None => Box::new(Text("not known")),
    }
}

fn coverage(facts: Facts<'_>, report: &Report) -> Badge {
    let totals = facts.view.totals(report);
    let covered = totals.and_then(|totals| totals.covered);
    let is_partial = totals.is_some_and(|totals| totals.tracks[Status::Enabled] > 0);
    let (color, word) = match (covered, report.account.track_required) {
        (Some(true), _) if is_current(facts, report) => (BadgeColor::Good, "covered"),
        (Some(true), _) => (BadgeColor::Unsure, "was covered"),
        (Some(false), true) if is_partial && is_current(facts, report) => {
            (BadgeColor::Unsure, "covered in part")
        }
        (Some(false), true) if is_partial => (BadgeColor::Unsure, "was covered in part"),
        (Some(false), true) if is_current(facts, report) => (BadgeColor::Bad, "not covered"),
        (Some(false), true) => (BadgeColor::Bad, "was not covered"),
        (Some(false), false) => (BadgeColor::Plain, "not required"),
        (None, true) => (BadgeColor::Unsure, "not known"),
        (None, false) => (BadgeColor::Plain, "not required"),
    };
    Badge { color, word }
}

fn is_current(facts: Facts<'_>, report: &Report) -> bool {
    report.targets.iter().all(|it| facts.view.is_fresh(it))
}

/// A number of all.
struct Share {
    part: u64,
    all: u64,
    /// Whether it is a number of now.
    is_current: bool,
}

impl Html for Share {}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let was = if self.is_current {
            ""
        } else {
            "not known, was "
        };
        write!(f, "{was}{} of {}", self.part, self.all)
    }
}

/// A region of an account, with its state if there are several.
struct Region<'a> {
    facts: Facts<'a>,
    target: &'a TargetReport,
    is_single: bool,
}

impl Html for Region<'_> {}

impl fmt::Display for Region<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { facts, target, .. } = self;
        f.write_str("<span class=\"region\">")?;
        write!(f, "{}", Text(&target.region))?;
        if !self.is_single {
            write!(f, " {}", badge(facts.view.state(target)))?;
        }
        f.write_str("</span>")?;
        if let Some(failure) = &target.failure {
            write!(f, " {}", Text(failure.reason.as_str()))?;
        }
        Ok(())
    }
}

/// Returns the oldest success over all regions of all accounts. `None` if a region has none.
pub(super) fn oldest_success(scope: &Scope<'_>) -> Option<SystemTime> {
    let targets = scope.targets.iter();
    let successes = targets.map(|row| row.target.last_good.as_ref()?.known_at());
    successes.min().flatten()
}
