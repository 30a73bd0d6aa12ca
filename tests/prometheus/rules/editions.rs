//! Every committed edition of the rules equals what `edition` generates from the source.

use std::fs;

use serde_json::Value;

use super::promtool::{promtool, run};
use super::rule::{SOURCES, path, read, rules, rules_of};

/// Each committed file and the arguments of `edition` that generate it: the old editions first.
const COMMITTED: [(&str, &[&str]); 4] = [
    (
        "deploy/prometheus/rules-before-2.42/tracks.yaml",
        &[SOURCES[0], "--before-2.42"],
    ),
    (
        "deploy/prometheus/rules-before-2.42/exporter.yaml",
        &[SOURCES[1], "--before-2.42"],
    ),
    (
        "deploy/prometheus/rules-before-2.42/shards.yaml",
        &[SOURCES[2], "--before-2.42"],
    ),
    (
        "deploy/kustomize/base/prometheusrule.yaml",
        &[SOURCES[0], SOURCES[1], SOURCES[2], "--operator"],
    ),
];

/// The number of editions for an old Prometheus: one for each source.
const OLD: usize = SOURCES.len();

pub(super) fn edition(arguments: &[&str]) -> Result<String, String> {
    run(&path("deploy/prometheus/edition"), arguments)
}

pub(super) fn parsed(arguments: &[&str]) -> Value {
    serde_saphyr::from_str(&edition(arguments).unwrap()).unwrap()
}

#[test]
fn golden_editions_are_made_from_the_source() {
    for (name, arguments) in COMMITTED {
        let made = edition(arguments).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(path(name), &made).unwrap();
        }
        assert!(
            read(name) == made,
            "{name} differs: `make golden` rewrites it"
        );
    }
}

#[test]
fn promtool_takes_every_edition_and_the_source() {
    let old = COMMITTED[..OLD].iter().map(|(name, _)| *name);
    for name in SOURCES.into_iter().chain(old) {
        assert_eq!(
            promtool(["check", "rules", "--lint=all", "--lint-fatal", name]),
            Ok(())
        );
    }
}

#[test]
fn promtool_objects_to_a_rule_that_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    let rules = read(SOURCES[0]).replacen("unless on (job", "unles on (job", 1);
    fs::write(&broken, rules).unwrap();
    let said = promtool(["check", "rules", &broken.to_string_lossy()]).unwrap_err();
    assert!(said.contains("parse error"), "{said}");
}

/// An old Prometheus refuses rules with features of 2.42 and later.
#[test]
fn the_old_edition_has_nothing_that_an_old_prometheus_does_not_know() {
    let known = ["alert", "record", "expr", "for", "labels", "annotations"];
    for (_, arguments) in &COMMITTED[..OLD] {
        for rule in rules_of(&parsed(arguments)) {
            let keys = rule.fields.as_object().unwrap().keys();
            let unknown: Vec<&String> = keys.filter(|key| !known.contains(&key.as_str())).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", rule.name());
        }
    }
}

#[test]
fn the_operator_s_object_has_every_rule_as_it_is() {
    let object = parsed(&[
        SOURCES[0],
        SOURCES[1],
        SOURCES[2],
        "--operator",
        "--namespace",
        "monitoring",
        "--label",
        "release=p",
    ]);
    assert_eq!(object["kind"], "PrometheusRule");
    assert_eq!(object["metadata"]["namespace"], "monitoring");
    assert_eq!(object["metadata"]["labels"]["release"], "p");
    let fields = |rules: Vec<super::rule::Rule>| -> Vec<Value> {
        rules.into_iter().map(|rule| rule.fields).collect()
    };
    assert_eq!(fields(rules_of(&object["spec"])), fields(rules()));
}

#[test]
fn owner_labels_are_replaced_or_omitted_everywhere() {
    let none = edition(&[SOURCES[0], SOURCES[1], "--owner-labels", ""]).unwrap();
    assert!(!none.contains("team") && none.contains("by (job, account, track_id, track)"));
    let other = edition(&[SOURCES[0], "--owner-labels", "unit,cost_center"]).unwrap();
    assert!(other.contains("by (job, account, unit, cost_center)"));
    assert!(edition(&[SOURCES[0], "--owner-labels", "cost-center"]).is_err());
}

#[test]
fn a_scale_shortens_every_duration_and_no_group() {
    let scaled = edition(&[SOURCES[0], SOURCES[1], "--scale", "1/30"]).unwrap();
    for text in [
        "for: 4s",
        "keep_firing_for: 30s",
        "[336m]",
        "> time() - 120\n",
        "< time() - 720\n",
        "[336m:10s]",
        "[48m:2s]",
        "offset 2m)",
        "interval: 1m",
    ] {
        assert!(scaled.contains(text), "{text}");
    }
    // A text may break between the word and the duration.
    let words: Vec<&str> = scaled.split_whitespace().collect();
    for unscaled in [
        "[7d",
        "[1d",
        ":5m]",
        ":1m]",
        "offset 1h",
        "time() - 3600",
        "6 * 3600",
    ] {
        assert!(!words.join(" ").contains(unscaled), "{unscaled}");
    }
    for (kept, why) in [
        (") > 120\n", "a skew is no duration to wait for"),
        (
            "+ 14 * 24 * 3600\n",
            "nor is the time that a certificate has left",
        ),
    ] {
        assert!(scaled.contains(kept), "{kept}: {why}");
    }
    assert!(edition(&[SOURCES[0], "--scale", "0"]).is_err());
}

#[test]
fn runbooks_are_where_one_keeps_them() {
    let text = edition(&[SOURCES[0], "--runbook-base", "https://wiki.example.com/a"]).unwrap();
    assert!(text.contains("https://wiki.example.com/a#cloudaudittrackvanished"));
    assert!(!text.contains("github.com"));
}
