//! The examples of receivers: Alertmanager accepts them, and renders the messages as the golden file shows.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rules::rule::rules;
use crate::support::parts::part;

const TEMPLATES: &str = "deploy/alertmanager/templates/cloudaudit.tmpl";
const GOLDEN: &str = "tests/prometheus/receivers/messages.txt";

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

#[test]
fn golden_messages_are_rendered_in_both_languages() {
    let glob = format!("--template.glob={}", root(TEMPLATES).display());
    let mut messages = String::new();
    for event in ["firing", "resolved"] {
        let data = root(&format!("tests/prometheus/receivers/{event}.json"));
        let data = format!("--template.data={}", data.display());
        for template in ["title", "text", "zh.title", "zh.text"] {
            let text = format!("--template.text={{{{ template \"cloudaudit.{template}\" . }}}}");
            let rendered = amtool(&["template", "render", &glob, &data, &text]);
            let rendered = rendered.expect("it is rendered");
            let rendered = rendered.trim_end();
            writeln!(
                messages,
                "== {event}: {template}
{rendered}"
            )
            .expect("a string takes it");
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root(GOLDEN), &messages).expect("the golden file is written");
    }
    let golden = fs::read_to_string(root(GOLDEN)).expect("the golden file is read");
    assert!(golden == messages, "{GOLDEN} differs:\n{messages}");
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
    assert_eq!(
        templates.matches("if eq . \"CloudAudit").count(),
        alerts.len()
    );
}
