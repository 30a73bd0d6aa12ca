//! Whether operation records arrive at the storage of the tracks.

use std::collections::BTreeSet;

use super::facts::{Facts, Scope, name};
use super::html::{Account, Badge, BadgeColor, Composed, Text};
use super::table::{Cell, Table, columns};
use crate::http::view::DeliveryRow;
use crate::snapshot::{DeliveryReport, DeliveryState};

/// Returns the storage targets of the accounts of a scope, the worst first. `None` if deliveries are
/// not checked.
pub(super) fn table<'a>(scope: &Scope<'a>) -> Option<Table<'a>> {
    let facts = scope.facts;
    facts.view.deliveries().next()?;
    let accounts: BTreeSet<&str> = scope.accounts.iter().map(|it| name(it)).collect();
    let rows = facts.view.deliveries();
    let mut rows: Vec<_> = rows
        .filter(|row| accounts.contains(name(row.report)))
        .collect();
    rows.sort_by_key(|row| rank(row.state));
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
        move |row: &DeliveryRow<'a>| {
            let DeliveryRow {
                report: account,
                delivery: report,
                state,
            } = *row;
            let due: Cell<'a> = match report.due {
                None if is_unchecked(state) => Box::new(Text("not known")),
                None => Box::new(Text("–")),
                due => Box::new(facts.when(due)),
            };
            vec![
                Box::new(Account(name(account))) as Cell<'a>,
                Box::new(Composed(storage(report))),
                Box::new(Badge {
                    color: color(state),
                    word: state.into(),
                }),
                Box::new(facts.when(report.last_arrival)),
                due,
                Box::new(facts.when(report.last_check)),
                Box::new(Text(match report.explanation_at(facts.view.now) {
                    "" => meaning(state),
                    explanation => explanation,
                })),
            ]
        },
    ))
}

/// Returns what a state means that needs no other explanation.
fn meaning(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Stalled => {
            "records are overdue; check the role CloudAudit_QCSRole, the policy of the storage, and overdue bills"
        }
        DeliveryState::Unproven => {
            "no arrival is known since the settings of the tracks last changed"
        }
        DeliveryState::Quiet => "nothing was due since the last arrival",
        DeliveryState::Arriving | DeliveryState::Missing | DeliveryState::Unknown => "–",
    }
}

/// Whether the check could not tell what is due.
fn is_unchecked(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Unknown | DeliveryState::Missing)
}

/// Returns how many storage targets get no deliveries.
pub(super) fn broken(facts: Facts<'_>) -> usize {
    let deliveries = facts.view.deliveries();
    deliveries
        .filter(|row| color(row.state) == BadgeColor::Bad)
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
