//! `docs/metrics.md`: the reference of the metrics. Name, type, labels and meaning come from the
//! code. `presence.rs` says when a series is present, which the golden expositions prove.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use cloudaudit_exporter::exposition::{Kind, Metric};
use cloudaudit_exporter::failure::Reason;

use crate::files::{golden_part, read, root};
use crate::markdown::Markdown;
use crate::presence::{WHEN, WITH_DATA};
use crate::support::process::{exposition, process_with_every_series};

#[test]
fn the_reference_of_the_metrics_is_golden() {
    let mut page = String::new();
    for (heading, metrics) in [
        ("## Accounts and tracks", of_accounts()),
        ("## The process", of_the_process()),
    ] {
        writeln!(
            page,
            "{heading}\n\n| metric | more labels | meaning | present |"
        )
        .unwrap();
        page.push_str("| --- | --- | --- | --- |\n");
        for metric in metrics {
            writeln!(page, "{}", metric.row()).unwrap();
        }
        page.push('\n');
    }
    golden_part("docs/metrics.md", page.trim_end());
}

/// The page derives the type from the name.
#[test]
fn the_name_of_a_metric_shows_its_type() {
    for metric in of_accounts().into_iter().chain(of_the_process()) {
        let name = &metric.name;
        let by_name = match name.as_str() {
            "cloudaudit_api_request_duration_seconds" => "histogram",
            name if name.ends_with("_total") => "counter",
            _ => "gauge",
        };
        assert_eq!(metric.kind, by_name, "{name}");
    }
}

/// The values of a listing that incomplete listings do not update: they show neither all tracks nor
/// `TotalCount`.
const ONLY_COMPLETE: [&str; 2] = ["cloudaudit_account_covered", "cloudaudit_reported_tracks"];

/// The page says once how old the values are that come from a listing.
#[test]
fn values_of_a_listing_need_data_and_most_follow_incomplete_listings() {
    let mut seen = 0;
    for metric in of_accounts() {
        let name = &metric.name;
        if let Some((_, rest)) = metric
            .help
            .split_once("cached from the last complete listing")
        {
            seen += 1;
            assert!(when(name).starts_with("with data"), "{name}");
            let follows = rest.trim_start_matches('s') == " and updated by incomplete listings.";
            assert_eq!(follows, !ONLY_COMPLETE.contains(&name.as_str()), "{name}");
        }
    }
    assert!(seen > 10, "{seen} metrics");
}

#[test]
fn the_table_of_presence_has_exactly_the_existing_metrics() {
    let existing = names();
    let existing: BTreeSet<&str> = existing.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = WHEN.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, existing);
}

/// A series that is "always" present is in every golden exposition. A series that needs data is in no
/// exposition without data.
#[test]
fn a_series_is_present_when_the_reference_says_so() {
    let without_data = ["before_the_first_poll", "failing_without_any", "aged_out"];
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("tests/golden")).unwrap() {
        let file = entry.unwrap().path();
        let case = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = read(&format!("tests/golden/{case}.prom"));
        let present: BTreeSet<&str> = types(&text).map(|(name, _)| name).collect();
        for metric in Metric::ALL {
            let (name, when) = (metric.name(), when(metric.name()));
            if when.starts_with("always") {
                assert!(
                    present.contains(name),
                    "{name} is always present, but not in {case}"
                );
            }
            if when.starts_with("with data") && without_data.contains(&case.as_str()) {
                assert!(
                    !present.contains(name),
                    "{name} needs data, but is in {case}"
                );
            }
            if when == WITH_DATA && case == "healthy" {
                assert!(
                    present.contains(name),
                    "{name} is present with data, but not in {case}"
                );
            }
        }
        seen += 1;
    }
    assert!(seen > 10, "{seen} expositions");
}

#[test]
fn exactly_the_existing_reasons_are_explained() {
    let page = read("docs/troubleshooting.md");
    let (_, table) = page
        .split_once("| reason |")
        .expect("there is a table of reasons");
    let explained: BTreeSet<&str> = table
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    assert_eq!(explained, reasons.collect());
}

/// The exporter must classify every explained code of the API and COS, so misspelled codes are found.
#[test]
fn every_explained_code_exists() {
    const OWN: [&str; 9] = [
        "connect",
        "credentials",
        "http_3xx",
        "http_4xx",
        "http_5xx",
        "incomplete",
        "malformed",
        "other",
        "timeout",
    ];
    let classified = [
        "src/tencent/reasons.rs",
        "src/tencent/storage/cos/errors.rs",
    ]
    .map(read)
    .concat();
    let rows = Markdown::of(&read("docs/troubleshooting.md")).rows;
    let explained = rows.iter().filter(|row| {
        let reasons = Reason::ALL.iter().map(|reason| format!("`{reason}`"));
        reasons.into_iter().any(|reason| row[0] == reason)
    });
    let mut seen = 0;
    for row in explained {
        for code in row[1].split('`').skip(1).step_by(2) {
            seen += 1;
            let is_status = code.strip_prefix("http_").is_some_and(|status| {
                status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit())
            });
            let is_classified = classified.contains(&format!("\"{code}\""));
            assert!(
                is_status || is_classified || OWN.contains(&code),
                "{code} in {row:?}"
            );
        }
    }
    assert!(seen > 20, "{seen} codes");
}

fn when(name: &str) -> &'static str {
    let found = WHEN.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("when is {name} present?")).1
}

/// The names of all metrics but the usual ones of a process.
pub(crate) fn names() -> BTreeSet<String> {
    let metrics = of_accounts().into_iter().chain(of_the_process());
    metrics.map(|metric| metric.name).collect()
}

struct Documented {
    name: String,
    kind: String,
    labels: Vec<String>,
    help: String,
}

impl Documented {
    fn row(&self) -> String {
        let Self {
            name, labels, help, ..
        } = self;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (labels, when, meaning) = (labels.join(", "), when(name), meaning(help));
        format!("| `{name}` | {labels} | {meaning} | {when} |")
    }
}

/// Returns a HELP text without what the page says once for all metrics: when a series is absent,
/// how old the values of a listing are, the form of times, the action that polls call, and the
/// place of delivery checks.
fn meaning(help: &str) -> String {
    let help = help.trim_end_matches('.');
    let of_the_page = ["absent ", "cached from the last complete listing"];
    let clauses = help.split("; ");
    let clauses = clauses.filter(|clause| !of_the_page.iter().any(|text| clause.starts_with(text)));
    let mut meaning = clauses.collect::<Vec<_>>().join("; ");
    if let Some(counted) = meaning.strip_prefix("Number of ") {
        let (first, rest) = counted.split_at(1);
        meaning = first.to_uppercase() + rest;
    }
    meaning
        .replace("Unix time in seconds", "Time")
        .replace(" of DescribeAuditTracks", "")
        .replace(" in DescribeAuditTracks", "")
        .replace(" in the Storage of enabled tracks", "")
        .replace(" to the Storage of enabled tracks", "")
        .replace(" of the Storage of enabled tracks", "")
}

fn of_accounts() -> Vec<Documented> {
    let documented = Metric::ALL.iter().map(|metric| Documented {
        name: metric.name().to_owned(),
        kind: match metric.kind() {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        }
        .to_owned(),
        labels: metric
            .labels()
            .iter()
            .map(|label| (*label).to_owned())
            .collect(),
        help: metric.help().to_owned(),
    });
    documented.collect()
}

/// Returns the metrics of a process that exposes every series.
fn of_the_process() -> Vec<Documented> {
    let process = process_with_every_series();
    let text = exposition(&process);
    let helps: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .collect();
    // The page documents the standard process metrics together.
    let own = types(&text).filter(|(name, _)| !name.starts_with("process_"));
    let documented = own.map(|(name, kind)| Documented {
        name: name.to_owned(),
        kind: kind.to_owned(),
        labels: labels(&text, name),
        help: helps[name].to_owned(),
    });
    documented.collect()
}

fn types(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split_once(' '))
}

/// Returns the labels of the first sample of a metric.
fn labels(text: &str, name: &str) -> Vec<String> {
    let mut samples = text.lines().filter_map(|line| line.strip_prefix(name));
    let sample = samples
        .find(|rest| rest.starts_with(['{', ' ', '_']))
        .unwrap_or_default();
    let (Some(begin), Some(end)) = (sample.find('{'), sample.rfind('}')) else {
        return Vec::new();
    };
    let labels = sample[begin + 1..end]
        .split(',')
        .filter_map(|label| label.split('=').next());
    labels
        .filter(|label| *label != "le")
        .map(str::to_owned)
        .collect()
}
