//! A real Prometheus with the shipped rules. Their durations are scaled down, so that a test need
//! not wait for minutes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::estate::SCALE;
use super::service::{Service, folder_with};
use crate::support::address::free_address;
use crate::support::parts::part;

/// How long Prometheus may take to discover its target.
const PATIENCE: Duration = Duration::from_secs(30);

/// The interval of scrapes and evaluations in the shipped configuration. A scrape may take as long. A scrape that times out
/// resolves alerts, which then fire and notify again.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(30);

/// The job whose exporter serves TLS.
pub const TLS_JOB: &str = "certificate";

pub struct Prometheus(Service);

impl Prometheus {
    pub async fn start(exporter: SocketAddr, alertmanager: SocketAddr) -> Self {
        Self::of_jobs(&[("cloudaudit", exporter)], &[alertmanager], SCALE).await
    }

    /// With several exporters, each with its job, and rules whose durations are divided by `scale`.
    /// Every Alertmanager gets the same alerts.
    pub async fn of_jobs(
        jobs: &[(&str, SocketAddr)],
        alertmanagers: &[SocketAddr],
        scale: u32,
    ) -> Self {
        let scrape = (SCRAPE_INTERVAL / scale).as_millis();
        let targets: Vec<String> = alertmanagers.iter().map(|it| format!("'{it}'")).collect();
        let targets = targets.join(", ");
        let mut configuration = format!(
            "global: {{scrape_interval: {scrape}ms, scrape_timeout: {scrape}ms, evaluation_interval: {scrape}ms}}\n\
             rule_files: [rules.yaml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: [{targets}]}}]}}]}}\n\
             scrape_configs:\n"
        );
        let mut targets_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (job, exporter) in jobs {
            let targets = targets_of.entry(job).or_default();
            targets.push(format!("'{exporter}'"));
        }
        for (job, targets) in targets_of {
            let targets = targets.join(", ");
            let tls = if job == TLS_JOB {
                "scheme: https, tls_config: {insecure_skip_verify: true}, "
            } else {
                ""
            };
            writeln!(
                configuration,
                "- {{job_name: {job}, honor_labels: true, {tls}static_configs: [{{targets: [{targets}]}}]}}"
            )
            .unwrap();
        }
        let folder = folder_with(&[
            ("prometheus.yaml", configuration),
            ("rules.yaml", rules(scale)),
        ]);
        let arguments = [
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            "--rules.alert.resend-delay=1s",
        ];
        let program = part("prometheus");
        Self(Service::start(&program, free_address(), folder, &arguments).await)
    }

    /// Waits until Prometheus scrapes the exporter and no alert is active. Discovering the target
    /// takes some seconds, which are minutes in the scaled time. Until then, the exporter counts as
    /// down.
    pub async fn settle(&self) {
        let start = Instant::now();
        loop {
            let up = self.get("query?query=cloudaudit_up").await;
            let is_scraped = !up["result"].as_array().unwrap().is_empty();
            if is_scraped && self.alerts().await.is_empty() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{:?}", self.alerts().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns the firing and pending alerts, by name and account.
    pub async fn alerts(&self) -> Vec<(String, String, String)> {
        let answer = self.get("alerts").await;
        let alerts = answer["alerts"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        alerts
            .map(|alert| {
                let labels = &alert["labels"];
                (
                    text(&labels["alertname"]),
                    text(&labels["account"]),
                    text(&alert["state"]),
                )
            })
            .collect()
    }

    async fn get(&self, query: &str) -> Value {
        let url = format!("http://{}/api/v1/{query}", self.0.address);
        let answer = self.0.client.get(url).send().await.unwrap();
        let mut answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        answer["data"].take()
    }
}

/// Returns the shipped rules, scaled by the shipped script.
fn rules(scale: u32) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let made = Command::new(part("python"))
        .arg(folder.join("edition"))
        .arg(folder.join("rules/tracks.yaml"))
        .arg(folder.join("rules/exporter.yaml"))
        .arg(folder.join("rules/shards.yaml"))
        .arg(format!("--scale=1/{scale}"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8(made.stdout).unwrap()
}
