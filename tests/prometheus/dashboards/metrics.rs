//! Dashboards and rules query only metrics that exist, and every metric is in a query.

use std::collections::BTreeSet;
use std::path::Path;

use cloudaudit_exporter::exposition::Metric;

use super::board::{self, Query, queries};
use super::lint::{is_of_a_name, series};
use crate::support::process::{exposition, process_with_every_series};

/// The metrics that no dashboard and no alert queries, each with the reason.
const LEFT_OUT: [(&str, &str); 2] = [
    (
        "cloudaudit_last_poll_timestamp_seconds",
        "the time of the last success and cloudaudit_up say more of a target; this one tells a loop that \
         stands still from one that fails, which /-/healthy does already",
    ),
    (
        "process_",
        "of the process's usual series the boards show those that grow when something is wrong",
    ),
];

#[test]
fn every_metric_of_boards_and_rules_exists() {
    let existing = existing();
    let unknown: Vec<String> = asked_for()
        .into_iter()
        .filter(|name| !existing.contains(family(name)))
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn every_metric_is_on_a_dashboard_or_in_a_rule_or_has_a_reason_why_not() {
    let asked_for = asked_for();
    let families: BTreeSet<&str> = asked_for.iter().map(|name| family(name)).collect();
    let forgotten: Vec<String> = existing()
        .into_iter()
        .filter(|name| !families.contains(name.as_str()))
        .filter(|name| {
            !LEFT_OUT
                .iter()
                .any(|(left_out, _)| name.starts_with(left_out))
        })
        .collect();
    assert_eq!(forgotten, Vec::<String>::new());
    let (not_left_out, _) = LEFT_OUT[0];
    assert!(
        !families.contains(not_left_out),
        "{not_left_out} is in a query"
    );
}

#[test]
fn what_boards_ask_of_rules_is_recorded() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules/tracks.yaml");
    let rules = std::fs::read_to_string(rules).expect("the rules are there");
    let boards = board::FILES.map(board::read);
    let queries: Vec<Query> = boards.iter().flat_map(queries).collect();
    let recorded: BTreeSet<&str> = queries
        .iter()
        .flat_map(|query| query.expression.split(|c: char| !is_of_a_name(c)))
        .filter(|name| name.contains(":cloudaudit_"))
        .collect();
    assert!(!recorded.is_empty());
    for name in recorded {
        assert!(rules.contains(&format!("- record: {name}\n")), "{name}");
    }
}

/// Returns the metric family: a query of a histogram names its buckets.
fn family(name: &str) -> &str {
    name.strip_suffix("_bucket").unwrap_or(name)
}

fn asked_for() -> BTreeSet<String> {
    let boards = board::FILES.map(board::read);
    let queries = boards.iter().flat_map(queries);
    let mut texts: Vec<String> = queries.map(|query| query.expression).collect();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules");
    for file in std::fs::read_dir(rules).expect("the rules are there") {
        let path = file.expect("the folder can be read").path();
        texts.push(std::fs::read_to_string(path).expect("rules are text"));
    }
    let names = texts.iter().flat_map(|text| series(text));
    // Prometheus adds the series of a scrape; recorded ones have a colon.
    let ours = names.filter(|(name, _)| !name.starts_with("scrape_") && !name.contains(':'));
    ours.map(|(name, _)| name.to_owned()).collect()
}

/// Returns every metric of the exposition, including those that appear only after an event.
fn existing() -> BTreeSet<String> {
    let process = process_with_every_series();
    let own = exposition(&process);
    let own = own
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let of_accounts = Metric::ALL.iter().map(|metric| metric.name());
    own.chain(of_accounts).map(str::to_owned).collect()
}
