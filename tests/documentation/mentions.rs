//! The metrics and keys that the pages name exist.

use std::collections::BTreeSet;

use cloudaudit_exporter::config::schema;

use crate::files::{pages, read};
use crate::markdown::Markdown;
use crate::metrics::names;

#[test]
fn every_metric_that_a_page_names_exists() {
    let existing = names();
    let mut seen = 0;
    let mut unknown = BTreeSet::new();
    for page in pages() {
        for name in metrics_in(&read(&page.to_string_lossy())) {
            seen += 1;
            if !is_known(&name, &existing) {
                unknown.insert(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(seen > 100, "{seen} names");
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn an_unknown_metric_is_found() {
    let existing = names();
    let text = "`cloudaudit_up`, cloudaudit_api_request_duration_seconds_bucket, `cloudaudit_expected_track_*`,\n\
                `cloudaudit_gone`, `cloudaudit_gone_*`, cloudaudit_exporter::config, cloudaudit:covered:bool";
    let unknown: Vec<String> = metrics_in(text)
        .into_iter()
        .filter(|name| !is_known(name, &existing))
        .collect();
    assert_eq!(unknown, ["cloudaudit_gone", "cloudaudit_gone_*"]);
}

#[test]
fn every_key_that_a_page_names_by_its_path_exists() {
    let schema = schema();
    let mut seen = 0;
    for page in pages() {
        for span in Markdown::of(&read(&page.to_string_lossy())).spans {
            // The name of a file also contains a dot.
            let Some((section, key)) = span.split_once('.').filter(|_| span != "state.json") else {
                continue;
            };
            let is_key = key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let keys = &schema["definitions"][section]["properties"];
            if keys.is_object() && is_key {
                seen += 1;
                assert!(keys[key].is_object(), "{}: {span}", page.display());
            }
        }
    }
    assert!(seen > 20, "{seen} keys");
}

/// Returns full names of metrics, and prefixes before `*`, `…` or the rest of a regular expression.
fn metrics_in(text: &str) -> Vec<String> {
    const PREFIX: &str = "cloudaudit_";
    const LIBRARY: &str = "cloudaudit_exporter";
    let mut found = Vec::new();
    for (at, _) in text.match_indices(PREFIX) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let begins = !text[..at].ends_with(is_part);
        let rest = &text[at..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        // Recording rules and Rust paths contain colons, and the library has such a name.
        if begins && !name.contains(':') && name != LIBRARY {
            let is_beginning = ["*", "…", ".*", "("]
                .iter()
                .any(|mark| after.starts_with(mark));
            let mark = if is_beginning { "*" } else { "" };
            found.push(format!("{name}{mark}"));
        }
    }
    found
}

fn is_known(name: &str, existing: &BTreeSet<String>) -> bool {
    let of_histogram = ["_bucket", "_count", "_sum"];
    let mut base = of_histogram.iter().filter_map(|end| name.strip_suffix(end));
    match name.strip_suffix('*') {
        Some(beginning) => existing.iter().any(|known| known.starts_with(beginning)),
        None => existing.contains(name) || base.any(|base| existing.contains(base)),
    }
}
