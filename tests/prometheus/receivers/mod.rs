//! The examples of receivers: Alertmanager accepts them, and their messages equal the golden file.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::rules::rule::{rules, yaml};
use crate::support::parts::part;

const TEMPLATES: &str = "deploy/alertmanager/templates/cloudaudit.tmpl";
const GOLDEN: &str = "tests/prometheus/receivers/messages.txt";
/// The notification that `docs/alerting.md` renders.
const EXAMPLE: &str = "deploy/alertmanager/example.json";

const BEGINNING: &str = "1970-01-01T01:06:05Z";
const END: &str = "1970-01-01T19:06:05Z";
/// What Alertmanager writes while an alert fires.
const NEVER: &str = "0001-01-01T00:00:00Z";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn amtool(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(part("amtool")).args(arguments).output();
    let output = output.expect("amtool starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("amtool prints UTF-8");
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

#[test]
fn alertmanager_accepts_the_examples() {
    let file = root("deploy/alertmanager/receivers.yaml");
    let report = amtool(&["check-config", &file.display().to_string()]).expect("it is sound");
    assert!(report.contains("1 templates"), "{report}");
}

/// Returns the notifications of the golden file. Their alerts come from the tests of the rules.
const NOTIFICATIONS: [(&str, &str); 15] = [
    ("attribution", "CloudAuditTrackTurnedOff"),
    ("accounts", "CloudAuditAccountWithoutEnabledTrack"),
    ("tracks", "CloudAuditTrackVanished"),
    ("accounts", "CloudAuditExpectedTrackMissing"),
    ("tracks", "CloudAuditTrackSettingsChanged"),
    ("polls", "CloudAuditDataStale"),
    ("polls", "CloudAuditPollFailing"),
    ("polls", "CloudAuditCloudUnreachable"),
    ("polls", "CloudAuditCredentialsFailing"),
    ("polls", "CloudAuditThrottled"),
    ("days", "CloudAuditExporterDown"),
    ("delivery", "CloudAuditDeliveryTargetMissing"),
    ("delivery", "CloudAuditDeliveryStalled"),
    ("attribution", "CloudAuditTrackSwitchedUnseen"),
    ("attribution", "CloudAuditTamperingAttempted"),
];

/// Returns the labels and annotations of an alert that a test of the rules expects.
fn proven(test: &str, name: &str) -> Vec<Value> {
    let file = yaml(&format!("deploy/prometheus/tests/{test}.yaml"));
    let groups = file["tests"].as_array().expect("it has groups").iter();
    let tests = groups.filter_map(|group| group["alert_rule_test"].as_array());
    let expected = tests.flatten().filter(|test| test["alertname"] == name);
    let alerts = expected.filter_map(|test| test["exp_alerts"].as_array());
    let mut alerts = alerts.filter(|alerts| !alerts.is_empty());
    let alerts = alerts
        .next()
        .unwrap_or_else(|| panic!("{test} has no {name}"));
    let alert = |alert: &Value| {
        let mut labels = alert["exp_labels"].clone();
        labels["alertname"] = name.into();
        json!({"labels": labels, "annotations": alert["exp_annotations"]})
    };
    alerts.iter().map(alert).collect()
}

/// Returns what Alertmanager passes to the templates.
fn notification(status: &str, alerts: &[Value]) -> Value {
    let common = |part: &str| {
        let of_first = alerts[0][part].as_object().expect("a mapping").iter();
        let is_common = |(name, value): &(&String, &Value)| {
            alerts
                .iter()
                .all(|alert| alert[part][name.as_str()] == **value)
        };
        of_first
            .filter(is_common)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
    };
    let (labels, annotations) = (common("labels"), common("annotations"));
    let ended = |it: &str| if it == "resolved" { END } else { NEVER };
    let alert = |alert: &Value| {
        let mut alert = alert.clone();
        alert["status"] = status.into();
        alert["startsAt"] = BEGINNING.into();
        alert["endsAt"] = ended(status).into();
        alert
    };
    json!({
        "receiver": "slack", "status": status, "alerts": alerts.iter().map(alert).collect::<Vec<_>>(),
        "groupLabels": {}, "commonLabels": labels, "commonAnnotations": annotations,
        "externalURL": "http://alertmanager.example.com",
    })
}

/// Returns the same alert of the account `sandbox` instead of `prod`.
fn of_sandbox(alert: &Value) -> Value {
    let mut alert = alert.clone();
    alert["labels"]["account"] = "sandbox".into();
    for text in ["description", "page_url"] {
        let annotation = &mut alert["annotations"][text];
        let of_prod = annotation.as_str().expect("a text");
        *annotation = of_prod.replace("prod", "sandbox").into();
    }
    alert
}

fn render(notification: &Value, template: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data.json");
    fs::write(&file, notification.to_string()).expect("it is written");
    let glob = format!("--template.glob={}", root(TEMPLATES).display());
    let data = format!("--template.data={}", file.display());
    let text = format!("--template.text={{{{ template \"cloudaudit.{template}\" . }}}}");
    let rendered = amtool(&["template", "render", &glob, &data, &text]);
    rendered.expect("it is rendered").trim_end().to_owned()
}

#[test]
fn golden_messages_are_rendered_in_both_languages() {
    let mut notifications: Vec<(String, Value)> = NOTIFICATIONS
        .iter()
        .map(|(test, name)| {
            let alerts = proven(test, name);
            (format!("firing: {name}"), notification("firing", &alerts))
        })
        .collect();
    let off = proven("attribution", "CloudAuditTrackTurnedOff");
    let several = |count: u8| {
        let numbers = 0..count;
        let alert = |number: u8| {
            let track = format!("audit-{number}");
            let mut alert = off[0].clone();
            let text = alert["annotations"]["description"].as_str();
            let text = text
                .expect("a text")
                .replace("all (ID 7)", &format!("{track} (ID {number})"));
            alert["annotations"]["description"] = text.into();
            alert["labels"]["track"] = track.into();
            alert
        };
        numbers.map(alert).collect::<Vec<_>>()
    };
    let gone = proven("tracks", "CloudAuditTrackVanished");
    let missing = proven("accounts", "CloudAuditExpectedTrackMissing");
    let mixed = [gone, missing].concat();
    let two_accounts = vec![off[0].clone(), of_sandbox(&off[0])];
    let without_page = proven("polls", "CloudAuditCloudUnreachable");
    let one_account = proven("accounts", "CloudAuditAccountWithoutEnabledTrack")[..1].to_vec();
    for (what, status, alerts) in [
        ("two tracks", "firing", several(2)),
        ("four tracks", "resolved", several(4)),
        ("two kinds", "resolved", mixed),
        ("one account", "firing", one_account),
        ("two accounts", "resolved", two_accounts),
        ("no page", "resolved", without_page),
    ] {
        let what = format!("{status}: {what}");
        notifications.push((what, notification(status, &alerts)));
    }
    let mut messages = String::new();
    for language in ["", "zh."] {
        for (what, notification) in &notifications {
            let title = render(notification, &format!("{language}title"));
            let text = render(notification, &format!("{language}text"));
            writeln!(messages, "== {what}\n{title}\n\n{text}\n").expect("a string takes it");
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root(GOLDEN), &messages).expect("the golden file is written");
    }
    let golden = fs::read_to_string(root(GOLDEN)).expect("the golden file is read");
    assert!(golden == messages, "{GOLDEN} differs:\n{messages}");
}

#[test]
fn golden_example_is_a_notification_that_a_template_renders() {
    let off = proven("attribution", "CloudAuditTrackTurnedOff");
    let notification = notification("firing", &off);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&notification).expect("it is JSON");
        fs::write(root(EXAMPLE), text + "\n").expect("the example is written");
    }
    let example = fs::read_to_string(root(EXAMPLE)).expect("the example is read");
    let example: Value = serde_json::from_str(&example).expect("it is JSON");
    assert_eq!(example, notification, "{EXAMPLE}");
    assert!(render(&example, "text").contains("was switched off"));
}

#[test]
fn every_alert_has_a_chinese_summary() {
    let templates = fs::read_to_string(root(TEMPLATES)).expect("the templates are read");
    let rules = rules();
    let alerts = rules.iter().filter_map(|rule| rule.alert());
    let mut alerts: Vec<&str> = alerts.collect();
    alerts.sort_unstable();
    alerts.dedup();
    let translated = |alert: &str| templates.contains(&format!("if eq . \"{alert}\" }}}}"));
    let missing: Vec<&&str> = alerts.iter().filter(|alert| !translated(alert)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let (summaries, _) = templates
        .split_once("define \"cloudaudit.zh.action\"")
        .expect("the actions follow");
    assert_eq!(
        summaries.matches("if eq . \"CloudAudit").count(),
        alerts.len()
    );
}
