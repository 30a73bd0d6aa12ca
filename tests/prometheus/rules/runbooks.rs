//! Every alert has a runbook, and every runbook an alert.

use std::collections::BTreeSet;

use super::rule::{read, rules};

const PAGE: &str = "docs/alerts.md";
const URL: &str =
    "https://github.com/cloudaudit-exporter/cloudaudit-exporter/blob/main/docs/alerts.md";

/// What each runbook says, in this order.
const PARTS: [&str; 7] = [
    "* **Meaning.**",
    "* **Impact.**",
    "* **First query.**",
    "* **Who.**",
    "* **Restore.**",
    "* **Silence.**",
    "* **See** ",
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
    for runbook in page.split("\n### ").skip(1) {
        let items: Vec<&str> = runbook
            .lines()
            .filter(|line| line.starts_with("* "))
            .collect();
        let has_all = PARTS.len() == items.len()
            && PARTS
                .iter()
                .zip(&items)
                .all(|(part, item)| item.starts_with(part));
        assert!(has_all, "{runbook}");
    }
}
