//! Expected tracks that are missing or not as configured.

use super::{Level, Problem};
use crate::http::page::facts::{Facts, Scope, name};
use crate::http::page::html::{Account, Composed, Isolated, Lines};
use crate::http::page::table::{Table, columns};
use crate::http::query::Query;
use crate::snapshot::{Expectation, ExpectedTrack, Report, Status, Track};

/// Returns the expected tracks of a scope for which a condition holds.
fn expectations<'a>(
    scope: &Scope<'a>,
    query: &Query,
    condition: impl Fn(&Expectation) -> bool,
) -> Vec<(&'a Report, &'a Expectation)> {
    let mut found = Vec::new();
    for report in scope.accounts.iter().copied() {
        let totals = scope.facts.view.totals(report);
        let all = totals.iter().flat_map(|totals| &totals.expectations);
        let matching = all.filter(|it| query.matches("track", &it.name) && condition(it));
        found.extend(matching.map(|expectation| (report, expectation)));
    }
    found
}

pub(super) fn missing<'a>(scope: &Scope<'a>, query: &Query) -> Problem<'a> {
    let rows = expectations(scope, query, |it| it.present == Some(false));
    Problem {
        level: Level::Bad,
        advice: "The configuration expects these tracks, and no region lists them.",
        table: Table::new(
            "missing",
            "Expected tracks missing",
            columns!["Account", "Track"],
            rows,
            |(report, expectation)| {
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Isolated(&expectation.name)),
                ]
            },
        ),
    }
}

pub(super) fn mismatched<'a>(scope: &Scope<'a>, query: &Query) -> Problem<'a> {
    let rows = expectations(scope, query, |it| {
        it.present == Some(true) && it.matches == Some(false)
    });
    let facts = scope.facts;
    Problem {
        level: Level::Warning,
        advice: "The tracks exist, but are not as the configuration expects them.",
        table: Table::new(
            "mismatched",
            "Expected tracks that differ",
            columns!["Account", "Track", "Difference"],
            rows,
            move |(report, expectation)| {
                let differences = differences(facts, report, &expectation.name);
                let differences = differences.into_iter().map(Composed);
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Isolated(&expectation.name)),
                    Box::new(Lines(differences.collect())),
                ]
            },
        ),
    }
}

/// Returns how the tracks of this name differ from the expected one, each difference once.
fn differences(facts: Facts<'_>, report: &Report, name: &str) -> Vec<String> {
    let mut expected = report.account.expected_tracks.iter();
    let Some(expected) = expected.find(|it| it.name == name) else {
        return Vec::new();
    };
    let listed = report.targets.iter().filter_map(|it| facts.view.shown(it));
    let tracks = listed.flatten().filter(|track| track.name == name);
    let mut all: Vec<String> = tracks.flat_map(|it| difference(expected, it)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn difference(expected: &ExpectedTrack, track: &Track) -> Vec<String> {
    let storage = &track.storage;
    let fields = [
        ("actions", &expected.action_type, &track.action_type),
        ("product", &expected.resource_type, &track.resource_type),
        ("storage type", &expected.storage_type, &storage.kind),
        ("storage region", &expected.storage_region, &storage.region),
        ("bucket or topic", &expected.storage_name, &storage.name),
        ("prefix", &expected.storage_prefix, &storage.prefix),
        (
            "owner of the storage",
            &expected.storage_account,
            &storage.account,
        ),
    ];
    let fields = fields.into_iter().filter_map(|(field, wanted, found)| {
        let wanted = wanted.as_ref().filter(|wanted| *wanted != found)?;
        Some(format!("{field}: expected {wanted}, found {found}"))
    });
    let off = (track.status != Status::Enabled)
        .then(|| format!("status: expected enabled, found {}", track.status.as_str()));
    off.into_iter().chain(fields).collect()
}
