//! `docs/metrics.md`: the reference of the metrics. Name, type, labels and meaning come from the
//! code; when a series is there stands below and is held against the golden expositions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use cloudaudit_exporter::exposition::{Kind, Metric};
use cloudaudit_exporter::failure::Reason;

use crate::files::{golden_part, read, root};
use crate::support::process::process_with_every_series;

#[test]
fn the_reference_of_the_metrics_is_golden() {
    let mut page = String::new();
    for (heading, metrics) in [
        ("## Of accounts and their tracks", of_accounts()),
        ("## Of the process", of_the_process()),
    ] {
        writeln!(
            page,
            "{heading}\n\n| metric | type | more labels | meaning | there | promise |"
        )
        .unwrap();
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for metric in metrics {
            writeln!(page, "{}", metric.row()).unwrap();
        }
        page.push('\n');
    }
    golden_part("docs/metrics.md", page.trim_end());
}

#[test]
fn every_metric_has_a_when_and_every_when_a_metric() {
    let existing = names();
    let existing: BTreeSet<&str> = existing.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = WHEN.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, existing);
}

/// What is said to be there always is in every golden exposition, and what needs data is in none
/// that has none.
#[test]
fn a_series_is_there_when_the_reference_says_so() {
    let without_data = ["before_the_first_poll", "failing_without_any", "aged_out"];
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("tests/golden")).unwrap() {
        let file = entry.unwrap().path();
        let case = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = read(&format!("tests/golden/{case}.prom"));
        let there: BTreeSet<&str> = types(&text).map(|(name, _)| name).collect();
        for metric in Metric::ALL {
            let (name, when) = (metric.name(), when(metric.name()));
            if when.starts_with("always") {
                assert!(
                    there.contains(name),
                    "{name} is always there, but in {case}"
                );
            }
            if when.starts_with("with data") && without_data.contains(&case.as_str()) {
                assert!(!there.contains(name), "{name} needs data, but is in {case}");
            }
            if when == WITH_DATA && case == "healthy" {
                assert!(
                    there.contains(name),
                    "{name} is there with data, but not in {case}"
                );
            }
        }
        seen += 1;
    }
    assert!(seen > 10, "{seen} expositions");
}

#[test]
fn every_reason_is_explained_and_every_reason_that_is_explained_exists() {
    let page = read("docs/metrics.md");
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

const ALWAYS: &str = "always";
const ALWAYS_0: &str = "always; 0 before the first poll";
const WITH_DATA: &str = "with data";
const OF_STATE: &str = "where there is a state file, from the first attempt on";
const FIRST_ERROR: &str = "from the first such error on";
const OF_CHANGING_KEYS: &str = "where the key can change: files, profiles, roles";
const OF_DELIVERY: &str = "with `delivery`, for each storage target of an enabled track";
const OF_ORGANIZATIONS: &str = "where there are organisations";

/// When a series is there.
const WHEN: &[(&str, &str)] = &[
    ("cloudaudit_up", ALWAYS_0),
    ("cloudaudit_last_failure_info", "while the last poll failed"),
    (
        "cloudaudit_tracks",
        "with data; combinations that no track has are 0",
    ),
    ("cloudaudit_reported_tracks", WITH_DATA),
    (
        "cloudaudit_account_tracks",
        "with data in one region at least",
    ),
    (
        "cloudaudit_account_covered",
        "with data in one region at least, where it is known",
    ),
    (
        "cloudaudit_account_coverage_checked_timestamp_seconds",
        "with `cloudaudit_account_covered`",
    ),
    ("cloudaudit_account_track_required", ALWAYS),
    ("cloudaudit_account_observed_seconds_total", ALWAYS),
    ("cloudaudit_account_covered_seconds_total", ALWAYS),
    ("cloudaudit_account_info", ALWAYS),
    ("cloudaudit_track_enabled", WITH_DATA),
    (
        "cloudaudit_track_present",
        "with data; after the track vanished for `poll.tombstone_for`",
    ),
    (
        "cloudaudit_track_acknowledged_timestamp_seconds",
        "after a deletion was [acknowledged](operation.md#forget-a-deleted-track), until `poll.tombstone_for` after the deletion",
    ),
    (
        "cloudaudit_track_changed_timestamp_seconds",
        "once the track has changed, however old the data; until its tombstone goes, or it is beyond `poll.max_tracks`",
    ),
    (
        "cloudaudit_track_change_operator_info",
        "with `attribution.operator_label` and `cloudaudit_track_changed_timestamp_seconds`, if the operator is certain",
    ),
    (
        "cloudaudit_track_full_coverage",
        "with data, where the listing can tell",
    ),
    (
        "cloudaudit_track_storage_foreign",
        "with data, where the owner is known and is either trusted or told apart from the account's own UIN",
    ),
    (
        "cloudaudit_track_created_timestamp_seconds",
        "with data, where it can be read",
    ),
    ("cloudaudit_track_info", WITH_DATA),
    (
        "cloudaudit_expected_track_present",
        "with data in one region at least, unless a gap or an unreadable field leaves it open",
    ),
    (
        "cloudaudit_expected_track_matches",
        "with data in one region at least, unless a gap or an unreadable field leaves it open",
    ),
    ("cloudaudit_poll_interval_seconds", ALWAYS),
    ("cloudaudit_last_poll_timestamp_seconds", ALWAYS_0),
    (
        "cloudaudit_last_success_timestamp_seconds",
        "always; 0 before the first complete listing",
    ),
    ("cloudaudit_last_poll_duration_seconds", ALWAYS_0),
    ("cloudaudit_polls_total", ALWAYS),
    ("cloudaudit_poll_failures_total", "always, every reason"),
    ("cloudaudit_skipped_polls_total", ALWAYS),
    ("cloudaudit_dropped_tracks", WITH_DATA),
    ("cloudaudit_track_changes_total", "always, every change"),
    ("cloudaudit_delivery_state", OF_DELIVERY),
    (
        "cloudaudit_delivery_last_arrival_timestamp_seconds",
        "with `delivery`, once an arrival was seen",
    ),
    (
        "cloudaudit_delivery_due_timestamp_seconds",
        "with `delivery`, while an operation is overdue",
    ),
    (
        "cloudaudit_delivery_last_check_timestamp_seconds",
        "with `delivery`, for each storage target of an enabled track; 0 before the first successful check",
    ),
    (
        "cloudaudit_delivery_check_failures_total",
        "with `delivery`, for each storage target of an enabled track, every reason",
    ),
    (
        "cloudaudit_attribution_results_total",
        "with `attribution`, every result",
    ),
    ("cloudaudit_attribution_pending", "with `attribution`"),
    (
        "cloudaudit_attribution_last_sweep_timestamp_seconds",
        "with `attribution.sweep_interval`; 0 before the first sweep",
    ),
    (
        "cloudaudit_track_write_operations_total",
        "with `attribution.sweep_interval`, every event and outcome",
    ),
    (
        "cloudaudit_unseen_switch_offs_total",
        "with `attribution.sweep_interval`",
    ),
    ("cloudaudit_api_requests_total", ALWAYS),
    ("cloudaudit_api_request_retries_total", ALWAYS),
    (
        "cloudaudit_api_request_failures_total",
        "always, every reason",
    ),
    ("cloudaudit_api_request_errors_total", FIRST_ERROR),
    ("cloudaudit_rate_limiter_wait_seconds_total", ALWAYS),
    ("cloudaudit_rate_limiter_requests_per_second", ALWAYS),
    (
        "cloudaudit_track_organization_wide",
        "with data and `poll.details_interval`, once the track was asked for",
    ),
    (
        "cloudaudit_credentials_expiry_timestamp_seconds",
        "while there is a temporary key",
    ),
    (
        "cloudaudit_credentials_changed_timestamp_seconds",
        "once there is a key",
    ),
    ("cloudaudit_credentials_refreshes_total", OF_CHANGING_KEYS),
    (
        "cloudaudit_credentials_refresh_failures_total",
        OF_CHANGING_KEYS,
    ),
    ("cloudaudit_api_request_duration_seconds", ALWAYS),
    (
        "cloudaudit_clock_skew_seconds",
        "from the first answer with a `Date` on",
    ),
    ("cloudaudit_exporter_account_restarts_total", ALWAYS),
    ("cloudaudit_exporter_build_info", ALWAYS),
    ("cloudaudit_exporter_config_hash", ALWAYS),
    (
        "cloudaudit_exporter_config_last_reload_success_timestamp_seconds",
        ALWAYS,
    ),
    ("cloudaudit_exporter_config_last_reload_successful", ALWAYS),
    (
        "cloudaudit_exporter_http_requests_total",
        "always for `metrics` and 200, else from the first such request on",
    ),
    ("cloudaudit_exporter_log_lines_dropped_total", ALWAYS),
    ("cloudaudit_exporter_state_last_write_successful", OF_STATE),
    (
        "cloudaudit_exporter_state_last_write_timestamp_seconds",
        "where there is a state file, from the first success on",
    ),
    ("cloudaudit_exporter_shard_ordinal", ALWAYS),
    ("cloudaudit_exporter_shards", ALWAYS),
    ("cloudaudit_exporter_targets", ALWAYS),
    (
        "cloudaudit_exporter_tls_certificate_expiry_timestamp_seconds",
        "where the listener speaks TLS",
    ),
    ("cloudaudit_organization_up", OF_ORGANIZATIONS),
    (
        "cloudaudit_organization_members",
        "where there are organisations, from the first list on",
    ),
    (
        "cloudaudit_organization_last_success_timestamp_seconds",
        "where there are organisations; 0 before the first list",
    ),
    (
        "cloudaudit_organization_refresh_interval_seconds",
        OF_ORGANIZATIONS,
    ),
];

fn when(name: &str) -> &'static str {
    let found = WHEN.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("when is {name} there?")).1
}

/// Names, types and labels stay. Where more than the value of a sample may change, it is said.
fn promise(name: &str) -> &'static str {
    match name {
        "cloudaudit_api_request_duration_seconds" => "stable; its buckets may change",
        "cloudaudit_exporter_config_hash" => "stable; another version may show another number",
        "cloudaudit_exporter_build_info" => "stable; labels may be added",
        _ => "stable",
    }
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
            name,
            kind,
            labels,
            help,
        } = self;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (labels, when, promise) = (labels.join(", "), when(name), promise(name));
        format!("| `{name}` | {kind} | {labels} | {help} | {when} | {promise} |")
    }
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

/// From what a process exposes to which everything has happened.
fn of_the_process() -> Vec<Documented> {
    let process = process_with_every_series();
    let text = process.exposition();
    let helps: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '))
        .collect();
    // The usual series of a process are named together.
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

/// The labels of a metric's first sample.
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
