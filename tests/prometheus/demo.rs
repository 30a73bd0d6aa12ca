//! A real Prometheus scrapes the demo: the whole daemon, from the signed call to the stored sample.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use flate2::bufread::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use reqwest::{Client, Url};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::support::judges::{promtool, python_client};
use crate::support::prometheus::Prometheus;

/// How long the demo may take until it prints its address.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long it may take until Prometheus has scraped every series once. Some appear only after the
/// first scrape.
const SERIES_LIMIT: Duration = Duration::from_secs(15);

/// What the demo's state has in it, one account being denied, some polled with roles.
const NAMES: &[&str] = &[
    "cloudaudit_up",
    "cloudaudit_last_failure_info",
    "cloudaudit_tracks",
    "cloudaudit_reported_tracks",
    "cloudaudit_account_tracks",
    "cloudaudit_account_info",
    "cloudaudit_track_enabled",
    "cloudaudit_track_present",
    "cloudaudit_track_created_timestamp_seconds",
    "cloudaudit_track_info",
    "cloudaudit_delivery_state",
    "cloudaudit_delivery_last_arrival_timestamp_seconds",
    "cloudaudit_delivery_last_check_timestamp_seconds",
    "cloudaudit_delivery_check_failures_total",
    "cloudaudit_expected_track_present",
    "cloudaudit_expected_track_matches",
    "cloudaudit_poll_interval_seconds",
    "cloudaudit_last_poll_timestamp_seconds",
    "cloudaudit_last_success_timestamp_seconds",
    "cloudaudit_last_poll_duration_seconds",
    "cloudaudit_polls_total",
    "cloudaudit_poll_failures_total",
    "cloudaudit_skipped_polls_total",
    "cloudaudit_track_changes_total",
    "cloudaudit_api_requests_total",
    "cloudaudit_api_request_retries_total",
    "cloudaudit_api_request_failures_total",
    "cloudaudit_api_request_errors_total",
    "cloudaudit_api_request_duration_seconds_bucket",
    "cloudaudit_api_request_duration_seconds_sum",
    "cloudaudit_api_request_duration_seconds_count",
    "cloudaudit_rate_limiter_wait_seconds_total",
    "cloudaudit_rate_limiter_requests_per_second",
    "cloudaudit_track_organization_wide",
    "cloudaudit_credentials_changed_timestamp_seconds",
    "cloudaudit_credentials_expiry_timestamp_seconds",
    "cloudaudit_credentials_refreshes_total",
    "cloudaudit_credentials_refresh_failures_total",
    "cloudaudit_organization_up",
    "cloudaudit_organization_members",
    "cloudaudit_organization_last_success_timestamp_seconds",
    "cloudaudit_organization_refresh_interval_seconds",
    "cloudaudit_clock_skew_seconds",
    "cloudaudit_exporter_build_info",
    "cloudaudit_exporter_account_restarts_total",
    "cloudaudit_exporter_config_last_reload_successful",
    "cloudaudit_exporter_config_last_reload_success_timestamp_seconds",
    "cloudaudit_exporter_config_hash",
    "cloudaudit_exporter_targets",
    "cloudaudit_exporter_http_requests_total",
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

#[tokio::test]
async fn prometheus_scrapes_the_demo_whole_and_without_complaint() {
    let demo = Demo::start().await;
    let addresses = demo.metrics.socket_addrs(|| None);
    let address = addresses.expect("the demo prints its address")[0];
    let prometheus = Prometheus::scraping(address).await;

    let target = prometheus.target().await;
    assert_eq!((&*target.health, &*target.last_error), ("up", ""));
    assert_eq!(missing(&prometheus).await, BTreeSet::new());
    assert_eq!(prometheus.query("max(cloudaudit_up)").await, [1.0]);
    assert_eq!(prometheus.query("min(cloudaudit_up)").await, [0.0]);
    assert_eq!(prometheus.complaints(), Vec::<String>::new());

    let exposition = compressed(&demo.metrics).await;
    assert_eq!(promtool(&exposition).await, Ok(()));
    let samples = python_client(&exposition).await.expect("it can be parsed");
    assert!(samples > NAMES.len(), "only {samples} samples");
}

/// A running demo. Dropping it kills the process.
struct Demo {
    metrics: Url,
    _process: Child,
}

impl Demo {
    /// Starts a demo on a free port, and waits until it prints the URL of its metrics.
    async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .args(["demo", "--web.listen-address", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the demo can be started");
        let stdout = process.stdout.take().expect("it was piped");
        let mut lines = BufReader::new(stdout).lines();
        let metrics = timeout(START_LIMIT, metrics_url(&mut lines))
            .await
            .expect("the demo says in time where its metrics are");
        // Keeps reading the demo's output, so that a full pipe never blocks the demo.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            metrics,
            _process: process,
        }
    }
}

async fn metrics_url(lines: &mut Lines<BufReader<ChildStdout>>) -> Url {
    while let Some(line) = lines.next_line().await.expect("the demo prints text") {
        let mut words = line.split_whitespace();
        if let Some(url) = words.find(|word| word.starts_with("http") && word.ends_with("/metrics"))
        {
            return url.parse().expect("it is a URL");
        }
    }
    panic!("the demo ended without saying where its metrics are");
}

/// Waits until every series has been scraped or the time is over; returns the missing names.
async fn missing(prometheus: &Prometheus) -> BTreeSet<String> {
    let end = Instant::now() + SERIES_LIMIT;
    loop {
        let scraped = prometheus.names().await;
        let wanted = NAMES.iter().map(|name| (*name).to_owned());
        let missing: BTreeSet<String> = wanted.filter(|name| !scraped.contains(name)).collect();
        if missing.is_empty() || Instant::now() >= end {
            return missing;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the exposition as a client that accepts gzip gets it. It must be a single gzip member,
/// because some clients stop at the end of the first member.
async fn compressed(metrics: &Url) -> String {
    let client = Client::builder().no_proxy().build().expect("a client");
    let request = client.get(metrics.clone()).header(ACCEPT_ENCODING, "gzip");
    let response = request.send().await.expect("the demo answers");
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    let body = response.bytes().await.expect("the whole body");
    let mut decoder = GzDecoder::new(&body[..]);
    let mut text = String::new();
    decoder.read_to_string(&mut text).expect("gzip of UTF-8");
    assert_eq!(decoder.into_inner(), b"", "a second member");
    text
}
