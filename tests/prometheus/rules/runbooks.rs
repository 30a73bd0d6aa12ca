//! Every alert has a runbook, and every runbook an alert.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Rule, read, rules};

const PAGE: &str = "docs/alerts.md";
const URL: &str =
    "https://github.com/cloudaudit-exporter/cloudaudit-exporter/blob/main/docs/alerts.md";

/// The sections of a runbook, in this order.
const PARTS: [&str; 4] = [
    "* **First query.**",
    "* **Who.**",
    "* **Restore.**",
    "* **Silence.**",
];

/// The sections that every runbook has.
const REQUIRED: [&str; 2] = ["* **First query.**", "* **Restore.**"];

/// The alerts on a change. Their first question is who made it, and the change feed answers it.
const OF_CHANGES: [&str; 5] = [
    "CloudAuditTrackTurnedOff",
    "CloudAuditTrackVanished",
    "CloudAuditTrackSettingsChanged",
    "CloudAuditTrackSwitchedUnseen",
    "CloudAuditTamperingAttempted",
];

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule.alert()).collect();
    let page = read(PAGE);
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    assert_eq!(headings.collect::<BTreeSet<_>>(), alerts);
    for rule in &rules {
        if let Some(alert) = rule.alert() {
            let url = format!("{URL}#{}", alert.to_lowercase());
            assert_eq!(rule.annotation("runbook_url"), url);
        }
    }
}

#[test]
fn every_runbook_says_everything() {
    let page = read(PAGE);
    let wrong: Vec<String> = page.split("\n### ").skip(1).filter_map(error_in).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_incomplete_runbook_is_found() {
    let complete = "Alert\n\n`info` at once.\n\nWhat.\n\n* **First query.** Q\n* **Who.** W\n\
                    * **Restore.** R\n* **Silence.** S\n";
    assert_eq!(error_in(complete), None);
    for missing in ["\n\nWhat.", "* **First query.** Q\n", "* **Restore.** R\n"] {
        assert!(error_in(&complete.replace(missing, "")).is_some());
    }
    for (from, to) in [("Who", "Impact"), ("Who", "Silence"), ("Silence", "Who")] {
        assert!(error_in(&complete.replace(from, to)).is_some());
    }
    let of_a_change = complete.replace("Alert", OF_CHANGES[0]);
    assert!(error_in(&of_a_change).is_some());
    let who_first = of_a_change
        .replace("* **Who.** W\n", "")
        .replace("* **First", "* **Who.** W\n* **First");
    assert_eq!(error_in(&who_first), None);
}

/// Returns what a runbook lacks: a paragraph on what happened, then the sections in their order.
fn error_in(runbook: &str) -> Option<String> {
    let alert = runbook.lines().next().unwrap_or_default();
    // The lines of the alert and of its times come first.
    let what_happened = runbook.split("\n\n").nth(2).unwrap_or_default();
    if what_happened.starts_with("* ") || what_happened.trim().is_empty() {
        return Some(format!("{alert} does not say what happened"));
    }
    let mut order = PARTS.to_vec();
    let mut required = REQUIRED.to_vec();
    if OF_CHANGES.contains(&alert) {
        order.swap(0, 1);
        required.push("* **Who.**");
    }
    // The label of a section may be a link.
    let text = runbook.replace("* **[Who](#since-when-and-who-did-it).**", "* **Who.**");
    let items = text.lines().filter(|line| line.starts_with("* "));
    let places: Vec<Option<usize>> = items
        .map(|item| order.iter().position(|part| item.starts_with(part)))
        .collect();
    let has = |part: &&str| places.contains(&order.iter().position(|known| known == part));
    let is_ordered = places.is_sorted_by(|one, next| one < next) && !places.contains(&None);
    (!is_ordered || !required.iter().all(has))
        .then(|| format!("{alert}: the sections are not {required:?} in the order of {order:?}"))
}

#[test]
fn every_runbook_begins_with_the_severity_and_the_times_of_its_alert() {
    let mut by_alert = BTreeMap::<String, Vec<Rule>>::new();
    for rule in rules() {
        if let Some(alert) = rule.alert().map(str::to_owned) {
            by_alert.entry(alert).or_default().push(rule);
        }
    }
    let page = read(PAGE);
    let wrong: Vec<String> = by_alert
        .iter()
        .map(|(alert, rules)| format!("### {alert}\n\n{}\n", times(rules)))
        .filter(|beginning| !page.contains(beginning))
        .collect();
    assert!(wrong.is_empty(), "expected in {PAGE}: {wrong:#?}");
}

/// Returns the line below the heading of a runbook, such as "`warning` after 5m; keeps firing for
/// 15m."
fn times(rules: &[Rule]) -> String {
    let severities: Vec<String> = rules
        .iter()
        .map(|rule| {
            let severity = rule.fields["labels"]["severity"].as_str().unwrap();
            match rule.fields["for"].as_str() {
                Some(duration) => format!("`{severity}` after {duration}"),
                None => format!("`{severity}` at once"),
            }
        })
        .collect();
    let severities = severities.join(", ");
    match rules[0].fields["keep_firing_for"].as_str() {
        Some(duration) => format!("{severities}; keeps firing for {duration}."),
        None => format!("{severities}."),
    }
}
