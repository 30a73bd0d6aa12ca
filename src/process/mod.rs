//! The series of the process itself.
//!
//! They are few and change in place, so the registry of the `prometheus` crate serves them.

// The series of organizations, restarts and shards.
mod organizations;
mod restarts;
mod shards;

// The text of a registry.
mod text;

// The same facts for the page.
mod info;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry,
};
use tracing::warn;

use self::organizations::Organizations;
use self::restarts::Restarts;
use self::shards::Shards;
use self::text::rendered;
use crate::clock::unix_seconds;
use crate::failure::Failure;
use crate::snapshot::{ACTIONS, RefusedReload};
use crate::tencent::{Ended, Observer, Sent};

/// From a request within one region to the longest useful timeout, in seconds.
const DURATION_BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The metrics of the process.
#[derive(Debug)]
pub struct Process {
    /// The metrics that stay the same between most scrapes.
    steady: Registry,
    /// The metrics that polls change.
    polled: Registry,
    /// The metrics that every scrape finds changed.
    scraped: Registry,
    targets: IntGauge,
    shards: Shards,
    call_durations: HistogramVec,
    responses: IntCounterVec,
    clock_skew: GaugeVec,
    state_written: GaugeVec,
    state_written_at: GaugeVec,
    certificate_expiry: GaugeVec,
    restarts: Restarts,
    log_lines_dropped: IntCounter,
    reload_successful: IntGauge,
    reload_success_timestamp: Gauge,
    config_hash: IntGauge,
    organizations: Organizations,
    refused_reload: Mutex<Option<RefusedReload>>,
}

impl Process {
    /// Registers the metrics.
    pub fn new() -> Self {
        let process = Self {
            steady: Registry::new(),
            polled: Registry::new(),
            scraped: Registry::new(),
            targets: IntGauge::new(
                "cloudaudit_exporter_targets",
                "Number of targets that this process polls; a target is an account in a region.",
            )
            .expect("the name is valid"),
            shards: Shards::new(),
            call_durations: HistogramVec::new(
                HistogramOpts::new(
                    "cloudaudit_api_request_duration_seconds",
                    "Duration in seconds of a request to the API, from sending it to the last byte of the response, by X-TC-Action.",
                )
                .buckets(DURATION_BUCKETS.to_vec()),
                &["action"],
            )
            .expect("the names are valid"),
            responses: IntCounterVec::new(
                Opts::new(
                    "cloudaudit_exporter_http_requests_total",
                    "Number of HTTP requests that the exporter answered, by handler and status code.",
                ),
                &["handler", "code"],
            )
            .expect("the names are valid"),
            clock_skew: optional_gauge(
                "cloudaudit_clock_skew_seconds",
                "Clock of the API server minus the clock of the exporter's host in seconds, from the last Date header of a response; absent before the first Date header.",
            ),
            state_written: optional_gauge(
                "cloudaudit_exporter_state_last_write_successful",
                "1 if the last write of the state file succeeded, 0 if it failed; absent without state.file, and before the first write.",
            ),
            state_written_at: optional_gauge(
                "cloudaudit_exporter_state_last_write_timestamp_seconds",
                "Unix time in seconds at which the last successful write of the state file began; absent before the first successful write.",
            ),
            certificate_expiry: optional_gauge(
                "cloudaudit_exporter_tls_certificate_expiry_timestamp_seconds",
                "Unix time in seconds at which the listener's TLS certificate expires; absent without TLS.",
            ),
            restarts: Restarts::new(),
            log_lines_dropped: IntCounter::new(
                "cloudaudit_exporter_log_lines_dropped_total",
                "Number of log lines that the exporter dropped because standard error was closed or was read too slowly.",
            )
            .expect("the name is valid"),
            reload_successful: IntGauge::new(
                "cloudaudit_exporter_config_last_reload_successful",
                "1 if the last reload of the configuration succeeded, 0 if it failed and the previous configuration is still in use; 1 before the first reload.",
            )
            .expect("the name is valid"),
            reload_success_timestamp: Gauge::new(
                "cloudaudit_exporter_config_last_reload_success_timestamp_seconds",
                "Unix time in seconds of the last successful reload of the configuration, or of its first load.",
            )
            .expect("the name is valid"),
            config_hash: IntGauge::new(
                "cloudaudit_exporter_config_hash",
                "Hash of the configuration in use, secrets excluded.",
            )
            .expect("the name is valid"),
            organizations: Organizations::new(),
            refused_reload: Mutex::default(),
        };
        process.organizations.register(&process.steady);
        process.shards.register(&process.steady);
        // A counter must begin at 0, or its first increase is lost.
        process
            .responses
            .with_label_values(&["metrics", "200"])
            .inc_by(0);
        for action in ACTIONS {
            process.call_durations.with_label_values(&[action]);
        }
        register(&process.steady, process.targets.clone());
        register(&process.polled, process.call_durations.clone());
        register(&process.scraped, process.responses.clone());
        register(&process.polled, process.clock_skew.clone());
        register(&process.steady, process.state_written.clone());
        register(&process.polled, process.state_written_at.clone());
        register(&process.steady, process.certificate_expiry.clone());
        register(&process.steady, process.log_lines_dropped.clone());
        register(&process.steady, process.reload_successful.clone());
        register(&process.steady, process.reload_success_timestamp.clone());
        register(&process.steady, process.config_hash.clone());
        register(&process.steady, build_info());
        #[cfg(target_os = "linux")]
        register(
            &process.scraped,
            prometheus::process_collector::ProcessCollector::for_self(),
        );
        process
    }

    /// Records that a configuration is in use since `at`.
    pub fn configured(&self, hash: u64, targets: usize, at: SystemTime) {
        self.set_targets(targets);
        self.config_hash
            .set(i64::try_from(hash).unwrap_or(i64::MAX));
        self.reload_success_timestamp.set(unix_seconds(at));
        self.reload_successful.set(1);
        *self.refused_reload() = None;
    }

    /// Sets which shard this process is, counted from 0, and how many there are.
    pub fn set_shard(&self, ordinal: u32, total: u32) {
        self.shards.set(ordinal, total);
    }

    /// Sets the URL of the page for users, once.
    pub fn set_page_url(&self, url: &str) {
        let options = Opts::new(
            "cloudaudit_exporter_page_info",
            "URL of the exporter's web page, from --web.external-url; always 1; absent without the flag.",
        );
        register(&self.steady, constant(options.const_label("url", url)));
    }

    /// Sets the number of targets.
    pub fn set_targets(&self, targets: usize) {
        self.targets.set(i64::try_from(targets).unwrap_or(i64::MAX));
    }

    /// Records an organization, whose members are listed once in `refresh`.
    pub fn organization_added(&self, organization: &str, refresh: Duration) {
        self.organizations.added(organization, refresh);
    }

    /// Records a refresh of an organization: its number of members, or why it failed.
    pub fn organization_refreshed(
        &self,
        name: &str,
        members: Result<usize, &Failure>,
        at: SystemTime,
    ) {
        self.organizations.refreshed(name, members, at);
    }

    /// Removes an organization.
    pub fn organization_removed(&self, organization: &str) {
        self.organizations.removed(organization);
    }

    /// Records that a reload failed. Only the first line says why; further lines quote the file, which
    /// the page must not show.
    pub fn reload_failed(&self, why: &str, at: SystemTime) {
        self.reload_successful.set(0);
        let why = why.lines().next().unwrap_or_default().to_owned();
        *self.refused_reload() = Some(RefusedReload { at, why });
    }

    /// It is replaced as a whole, so a poisoned lock is consistent.
    fn refused_reload(&self) -> MutexGuard<'_, Option<RefusedReload>> {
        let reload = self.refused_reload.lock();
        reload.unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an account, so that its counter begins at 0.
    pub fn account_added(&self, account: &str) {
        self.restarts.added(account);
    }

    /// Counts a restart of an account's loop after a panic.
    pub fn account_restarted(&self, account: &str) {
        self.restarts.restarted(account);
    }

    /// Removes an account.
    pub fn account_removed(&self, account: &str) {
        self.restarts.removed(account);
    }

    /// Counts dropped log lines.
    pub fn log_lines_dropped(&self, lines: u64) {
        self.log_lines_dropped.inc_by(lines);
    }

    /// Sets when the listener's certificate expires.
    pub fn certificate_expires(&self, at: SystemTime) {
        let expiry = self.certificate_expiry.with_label_values::<&str>(&[]);
        expiry.set(unix_seconds(at));
    }

    /// Counts a response of the listener.
    pub fn answered(&self, handler: &str, code: u16) {
        self.responses
            .with_label_values(&[handler, &code.to_string()])
            .inc();
    }

    /// Records a write of the state file: the time of its content, or why it failed.
    pub fn state_written(&self, written: Result<SystemTime, &str>) {
        let successful = self.state_written.with_label_values::<&str>(&[]);
        successful.set(f64::from(u8::from(written.is_ok())));
        if let Ok(at) = written {
            let timestamp = self.state_written_at.with_label_values::<&str>(&[]);
            timestamp.set(unix_seconds(at));
        }
    }

    /// Returns the exposition of these series in parts. Most scrapes find most parts as they were.
    pub fn parts(&self) -> [Bytes; 4] {
        [
            self.restarts.exposition(),
            rendered(&self.steady),
            rendered(&self.polled),
            rendered(&self.scraped),
        ]
    }
}

fn register(registry: &Registry, collector: impl Collector + 'static) {
    registry
        .register(Box::new(collector))
        .expect("every name is registered once");
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Process {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, call: &Ended<'_>) {
        let durations = self.call_durations.with_label_values(&[call.action]);
        durations.observe(call.took.as_secs_f64());
        if let Some(skew) = call.clock_skew {
            self.clock_skew.with_label_values::<&str>(&[]).set(skew);
        }
    }

    fn unreadable(&self, action: &'static str, field: &str) {
        warn!(action, field, "ignoring a malformed field of a response");
    }
}

/// Returns a vector without labels, which is absent until it is set.
fn optional_gauge(name: &str, help: &str) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), &[]).expect("the name is valid")
}

fn build_info() -> Gauge {
    let options = Opts::new(
        "cloudaudit_exporter_build_info",
        "Version, revision, compiler and target platform of this binary; always 1.",
    )
    .const_label("version", env!("CARGO_PKG_VERSION"))
    .const_label("revision", env!("BUILD_REVISION"))
    .const_label("rustc", env!("BUILD_RUSTC"))
    .const_label("target", env!("BUILD_TARGET"));
    constant(options)
}

/// Returns a gauge that is always 1.
fn constant(options: Opts) -> Gauge {
    let gauge = Gauge::with_opts(options).expect("the names are valid");
    gauge.set(1.0);
    gauge
}
