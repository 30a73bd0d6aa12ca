//! Our conventions for rules. Each is a function that returns an objection. The tests apply it to
//! the shipped rules and to a rule that breaks it.

use std::collections::BTreeSet;

use cloudaudit_exporter::exposition::Metric;
use serde_json::json;

use super::rule::{Rule, SOURCES, rules, yaml};
use crate::support::process::{exposition, process_with_every_series};

/// Alerts about processes, jobs and organizations: they have no account.
const WITHOUT_ACCOUNT: [&str; 16] = [
    "CloudAuditCloudUnreachable",
    "CloudAuditExporterDown",
    "CloudAuditExporterReplicaDown",
    "CloudAuditClockSkew",
    "CloudAuditConfigReloadFailed",
    "CloudAuditConfigDrift",
    "CloudAuditStateNotWritten",
    "CloudAuditLogLinesDropped",
    "CloudAuditCertificateExpiring",
    "CloudAuditOrganizationStale",
    "CloudAuditOrganizationNeverListed",
    "CloudAuditOrganizationShrunk",
    "CloudAuditOrganizationGrown",
    "CloudAuditOrganizationNotCovered",
    "CloudAuditShardsMismatch",
    "CloudAuditShardsMissing",
];

/// The numbers in expressions that could be seconds: an hour that `edition` scales, and a skew and
/// the end of a key that it leaves alone.
const LARGE_NUMBERS: [&str; 3] = ["3600", "120", "180"];

/// The account on the page of an exporter that polls it, or nothing if the exporter does not know
/// where its page is.
const PAGE_URL: &str = "{{ with printf \"cloudaudit_exporter_page_info{job=%q} and on (job, instance) \
    cloudaudit_up{account=%q}\" $labels.job $labels.account | query }}{{ with first . }}{{ .Labels.url }}\
    ?account={{ $labels.account }}{{ end }}{{ end }}";

type Convention = fn(&Rule) -> Result<(), String>;

const CONVENTIONS: [Convention; 9] = [
    names_begin_alike,
    severity_is_one_of_three,
    summary_is_a_sentence,
    description_is_templated,
    aggregations_say_by_job,
    owner_labels_stand_last,
    alerts_name_their_account_and_no_region,
    durations_can_be_scaled,
    alerts_of_accounts_link_to_the_page,
];

#[test]
fn every_rule_keeps_every_convention() {
    let rules = rules();
    assert!(rules.len() > 40);
    let objections = rules.iter().flat_map(|rule| {
        CONVENTIONS
            .iter()
            .filter_map(|convention| convention(rule).err())
            .map(|objection| format!("{}: {objection}", rule.name()))
    });
    let objections: Vec<String> = objections.collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

/// Breaks a rule that follows every convention, one convention at a time.
#[test]
fn every_convention_objects_to_what_breaks_it() {
    let expr = "max by (job, account, team, env) (cloudaudit_up) == 0";
    let sound = json!({
        "alert": "CloudAuditDown", "expr": expr, "labels": {"severity": "info"},
        "annotations": {"summary": "It is down.", "description": "{{ $labels.account }}", "page_url": PAGE_URL},
    });
    let rule = |fields: &serde_json::Value| Rule {
        group: "cloudaudit-tracks".to_owned(),
        fields: fields.clone(),
    };
    let objections = |rule: &Rule| CONVENTIONS.map(|convention| convention(rule).is_err());
    assert_eq!(objections(&rule(&sound)), [false; 9]);
    let breaks: [(&str, &str); 9] = [
        ("/alert", "TrackDown"),
        ("/labels/severity", "high"),
        ("/annotations/summary", "It is {{ $value }}"),
        ("/annotations/description", "It is down."),
        ("/expr", "max without (instance) (cloudaudit_up)"),
        ("/expr", "max by (job, account, env, team) (cloudaudit_up)"),
        ("/expr", "max by (job, account, region) (cloudaudit_up)"),
        (
            "/expr",
            "max by (job, account, team, env) (cloudaudit_up) > 86400",
        ),
        ("/annotations/page_url", "https://example.com/"),
    ];
    for (convention, (place, text)) in breaks.into_iter().enumerate() {
        let mut broken = sound.clone();
        *broken.pointer_mut(place).unwrap() = text.into();
        assert!(objections(&rule(&broken))[convention], "{place}: {text}");
    }
}

fn check(holds: bool, objection: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(objection.to_owned())
    }
}

fn names_begin_alike(rule: &Rule) -> Result<(), String> {
    let is_alike = match rule.alert() {
        Some(alert) => alert.starts_with("CloudAudit"),
        None => rule.name().split(':').count() == 3 && rule.name().contains(":cloudaudit_"),
    };
    check(is_alike, "another name")
}

fn severity_is_one_of_three(rule: &Rule) -> Result<(), String> {
    let severity = rule.fields["labels"]["severity"].as_str();
    let is_known =
        severity.is_some_and(|severity| ["critical", "warning", "info"].contains(&severity));
    check(rule.alert().is_none() || is_known, "no severity")
}

fn summary_is_a_sentence(rule: &Rule) -> Result<(), String> {
    let summary = rule.annotation("summary");
    let is_sentence = summary.ends_with('.') && !summary.contains("{{");
    check(
        rule.alert().is_none() || is_sentence,
        "the summary is no static sentence",
    )
}

fn description_is_templated(rule: &Rule) -> Result<(), String> {
    let is_templated = rule.annotation("description").contains("{{");
    check(
        rule.alert().is_none() || is_templated,
        "the description says not of what",
    )
}

fn aggregations_say_by_job(rule: &Rule) -> Result<(), String> {
    let expression = rule.expression();
    let groupings = by(expression);
    let all_by_job = groupings.iter().all(|labels| labels.starts_with("job"));
    check(
        all_by_job && !expression.contains("without ("),
        "an aggregation without job",
    )?;
    check(!expression.contains("job="), "it selects a job by its name")
}

/// The spelling is always the same, because `edition` and the chart replace it as text.
fn owner_labels_stand_last(rule: &Rule) -> Result<(), String> {
    let owned = rule.expression().matches("team").count();
    let spelled = by(rule.expression())
        .iter()
        .filter(|labels| labels.ends_with(", team, env"))
        .count();
    check(
        owned == spelled,
        "owner labels in another place or spelling",
    )?;
    check(
        owned == rule.expression().matches("env)").count(),
        "the same of env",
    )
}

/// An alert that only names a recorded series has the labels of that series.
fn alerts_name_their_account_and_no_region(rule: &Rule) -> Result<(), String> {
    let Some(alert) = rule.alert() else {
        return Ok(());
    };
    let expression = rule.expression();
    let labels = match by(expression).first() {
        Some(labels)
            if !expression.trim_start().contains(":cloudaudit_") || outermost_is_by(expression) =>
        {
            (*labels).to_owned()
        }
        _ => recorded_labels(expression),
    };
    let has_account = labels.starts_with("job, account") && labels.ends_with("team, env");
    check(
        has_account || WITHOUT_ACCOUNT.contains(&alert),
        "no account or owner labels",
    )?;
    // The region of a storage target identifies it. The region of the API would cause two pages.
    let has_region = labels.split(", ").any(|label| label == "region");
    check(!has_region, "a region")
}

fn outermost_is_by(expression: &str) -> bool {
    let first = expression.split_whitespace().nth(1);
    first == Some("by")
}

/// The labels of the recorded series that an expression begins with.
fn recorded_labels(expression: &str) -> String {
    let begins = expression
        .trim_start()
        .trim_start_matches("last_over_time(");
    let is_name = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let name: String = begins
        .chars()
        .take_while(|character| is_name(*character))
        .collect();
    let recorded = rules().into_iter().find(|rule| rule.name() == name);
    let labels = |rule: Rule| {
        by(rule.expression())
            .first()
            .map(|labels| (*labels).to_owned())
    };
    recorded.and_then(labels).unwrap_or_default()
}

fn durations_can_be_scaled(rule: &Rule) -> Result<(), String> {
    let words = rule
        .expression()
        .split(|character: char| !character.is_alphanumeric());
    let mut numbers = words.filter(|word| word.parse::<u64>().is_ok_and(|number| number >= 60));
    check(
        numbers.all(|number| LARGE_NUMBERS.contains(&number)),
        "a number that may be a duration",
    )
}

fn alerts_of_accounts_link_to_the_page(rule: &Rule) -> Result<(), String> {
    let has_account = rule
        .alert()
        .is_some_and(|it| !WITHOUT_ACCOUNT.contains(&it));
    // A text that refers to the changes on the page links to them.
    let is_of_changes = rule.annotation("description").contains("#changes");
    let wanted = match (has_account, is_of_changes) {
        (true, true) => PAGE_URL.replacen("{{ end }}", "#changes{{ end }}", 1),
        (true, false) => PAGE_URL.to_owned(),
        (false, _) => String::new(),
    };
    check(rule.annotation("page_url") == wanted, "another link")
}

/// Returns the label list of each `by (…)`.
fn by(expression: &str) -> Vec<&str> {
    let groupings = expression.split(" by (").skip(1);
    groupings
        .filter_map(|rest| rest.split(')').next())
        .collect()
}

#[test]
fn groups_have_our_name_and_no_interval_but_the_evidence() {
    for name in SOURCES {
        for group in yaml(name)["groups"].as_array().unwrap() {
            let name = group["name"].as_str().unwrap();
            assert!(name.starts_with("cloudaudit-"), "{name}");
            let interval = group["interval"].as_str();
            assert_eq!(
                interval,
                (name == "cloudaudit-evidence").then_some("1m"),
                "{name}"
            );
        }
    }
    assert!(
        rules()
            .iter()
            .any(|rule| rule.group == "cloudaudit-evidence")
    );
}

#[test]
fn every_metric_of_the_rules_exists() {
    let existing = existing();
    let unknown = |expression: &str| -> Vec<String> {
        let is_name = |character: char| character.is_alphanumeric() || "_:".contains(character);
        let words = expression.split(|character| !is_name(character));
        let names = words.filter(|word| word.contains("cloudaudit_"));
        names
            .filter(|name| !existing.contains(*name))
            .map(str::to_owned)
            .collect()
    };
    for rule in rules() {
        for text in [
            rule.expression(),
            rule.annotation("description"),
            rule.annotation("page_url"),
        ] {
            assert_eq!(unknown(text), Vec::<String>::new(), "{}", rule.name());
        }
    }
    assert_eq!(unknown("sum(cloudaudit_trackz) > 0"), ["cloudaudit_trackz"]);
}

/// Returns the metrics that the exporter exposes and those that the rules record.
fn existing() -> BTreeSet<String> {
    let process = process_with_every_series();
    let own = exposition(&process);
    let own = own
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    own.chain(Metric::ALL.iter().map(|metric| metric.name()))
        .map(str::to_owned)
        .chain(rules().iter().map(|rule| rule.name().to_owned()))
        .collect()
}
