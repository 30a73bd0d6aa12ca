//! The translated alerts match the English ones, as far as a machine can check.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value};

use super::editions::{edition, parsed};
use super::promtool::{promtool, run};
use super::rule::{Rule, SOURCES, path, read, rules, rules_of, yaml};

const TEXTS: &str = "deploy/prometheus/languages/zh.yaml";

/// The arguments of `edition` for the Chinese rules.
const CHINESE: [&str; 5] = [SOURCES[0], SOURCES[1], SOURCES[2], "--language", "zh"];

fn texts() -> Map<String, Value> {
    yaml(TEXTS).as_object().unwrap().clone()
}

fn alerts() -> Vec<Rule> {
    let mut alerts = rules();
    alerts.retain(|rule| rule.alert().is_some());
    alerts
}

#[test]
fn every_alert_has_a_text_and_every_text_an_alert() {
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().filter_map(Rule::alert).collect();
    let texts = texts();
    let texts: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
    assert_eq!(texts, names);
}

#[test]
fn every_text_has_the_labels_values_and_queries_of_the_english_one() {
    let texts = texts();
    let mut wrong = Vec::new();
    for alert in alerts() {
        let english = actions(alert.annotation("description"));
        let chinese = actions(texts[alert.name()]["description"].as_str().unwrap());
        for action in english.symmetric_difference(&chinese) {
            wrong.push(format!("{}: {action}", alert.name()));
        }
    }
    assert!(
        wrong.is_empty(),
        "only in one of both:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_action_is_found_wherever_its_line_breaks() {
    let found = actions("a {{ $labels.a }}b{{ with\nx | query }}c{{ end }}");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["$labels.a", "end", "with x | query"]
    );
}

/// Returns the template actions of a text: what stands between braces.
fn actions(text: &str) -> BTreeSet<String> {
    let after = text.split("{{").skip(1);
    let inside = after.filter_map(|rest| rest.split("}}").next());
    inside
        .map(|action| action.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Notifications show the summary of the template.
#[test]
fn summaries_are_those_of_the_message_templates() {
    let template = read("deploy/alertmanager/templates/cloudaudit.tmpl");
    let (_, template) = template
        .split_once("define \"cloudaudit.zh.summary\"")
        .unwrap();
    for (name, text) in texts() {
        let summary = text["summary"].as_str().unwrap();
        let line = format!("if eq . \"{name}\" }}}}{summary}\n");
        assert!(template.contains(&line), "{name}: {summary}");
    }
}

#[test]
fn only_texts_and_runbooks_differ() {
    let english = rules();
    let chinese = rules_of(&parsed(&CHINESE));
    assert_eq!(chinese.len(), english.len());
    for (english, mut chinese) in english.into_iter().zip(chinese) {
        if let Some(name) = english.alert() {
            let text = &texts()[name];
            let runbook = english
                .annotation("runbook_url")
                .replace("/docs/", "/docs/zh/");
            assert_eq!(chinese.annotation("summary"), text["summary"]);
            assert_eq!(chinese.annotation("description"), text["description"]);
            assert_eq!(chinese.annotation("runbook_url"), runbook);
            for annotation in ["summary", "description", "runbook_url"] {
                let value = english.annotation(annotation).into();
                chinese.fields["annotations"][annotation] = value;
            }
        }
        assert_eq!(chinese.fields, english.fields);
    }
}

#[test]
fn promtool_takes_the_rules_in_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, edition(&CHINESE).unwrap()).unwrap();
    let arguments = ["check", "rules", "--lint=all", "--lint-fatal"];
    let file = file.to_string_lossy();
    assert_eq!(promtool(arguments.into_iter().chain([&*file])), Ok(()));
}

#[test]
fn an_alert_without_a_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("edition");
    fs::copy(path("deploy/prometheus/edition"), &script).unwrap();
    fs::create_dir(folder.path().join("languages")).unwrap();
    let texts = read(TEXTS).replace("CloudAuditTrackVanished:", "CloudAuditTrackGone:");
    fs::write(folder.path().join("languages/zh.yaml"), texts).unwrap();
    let said = run(&script, CHINESE).unwrap_err();
    assert!(
        said.contains("no text of CloudAuditTrackVanished"),
        "{said}"
    );
}
