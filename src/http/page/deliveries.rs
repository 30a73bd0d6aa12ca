//! Whether operation records arrive at the storage of the tracks.

use std::collections::BTreeSet;

use super::facts::{Facts, Scope, name};
use super::html::{Account, Badge, BadgeColor, Composed, Text};
use super::table::{Cell, Table, columns};
use crate::snapshot::{DeliveryReport, DeliveryState};

/// Returns the storage targets of the accounts of a scope, the worst first. `None` if deliveries are
/// not checked.
pub(super) fn table<'a>(scope: &Scope<'a>) -> Option<Table<'a>> {
    let facts = scope.facts;
    if facts.deliveries.is_empty() {
        return None;
    }
    let accounts: BTreeSet<&str> = scope.accounts.iter().map(|it| name(it)).collect();
    let rows = facts.deliveries.iter().copied();
    let mut rows: Vec<_> = rows.filter(|(it, _)| accounts.contains(it)).collect();
    rows.sort_by_key(|(_, report)| rank(report.state_at(facts.view.now)));
    let columns = columns![
        "Account",
        "Storage",
        "State",
        "Last arrival",
        "Due since",
        "Last check",
        "Explanation",
    ];
    Some(Table::new(
        "deliveries",
        "Deliveries",
        columns,
        rows,
        move |(account, report)| {
            let account: &'a str = account;
            let report: &'a DeliveryReport = report;
            let state = report.state_at(facts.view.now);
            let due: Cell<'a> = match report.due {
                None => Box::new(Text("–")),
                due => Box::new(facts.when(due)),
            };
            vec![
                Box::new(Account(account)) as Cell<'a>,
                Box::new(Composed(storage(report))),
                Box::new(Badge {
                    color: color(state),
                    word: state.into(),
                }),
                Box::new(facts.when(report.last_arrival)),
                due,
                Box::new(facts.when(report.last_check)),
                Box::new(Text(report.explanation_at(facts.view.now))),
            ]
        },
    ))
}

/// Returns how many storage targets get no deliveries.
pub(super) fn broken(facts: Facts<'_>) -> usize {
    let states = facts
        .deliveries
        .iter()
        .map(|(_, it)| it.state_at(facts.view.now));
    states
        .filter(|state| color(*state) == BadgeColor::Bad)
        .count()
}

fn storage(report: &DeliveryReport) -> String {
    let target = &report.target;
    let parts = [&target.kind, &target.name, &target.region, &target.prefix];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.cloned().collect::<Vec<_>>().join(" ")
}

fn rank(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Missing => 0,
        DeliveryState::Stalled => 1,
        DeliveryState::Unknown => 2,
        DeliveryState::Unproven => 3,
        DeliveryState::Quiet => 4,
        DeliveryState::Arriving => 5,
    }
}

fn color(state: DeliveryState) -> BadgeColor {
    match state {
        DeliveryState::Arriving => BadgeColor::Good,
        DeliveryState::Quiet => BadgeColor::Plain,
        DeliveryState::Stalled | DeliveryState::Missing => BadgeColor::Bad,
        DeliveryState::Unproven | DeliveryState::Unknown => BadgeColor::Unsure,
    }
}
