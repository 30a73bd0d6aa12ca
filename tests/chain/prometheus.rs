//! A real Prometheus with the rules that we ship, their durations divided, so that minutes are not
//! waited for.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::address::free_address;
use crate::estate::SCALE;
use crate::parts::part;
use crate::service::{Service, folder_with};

/// How long it may take to find its target.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Prometheus(Service);

impl Prometheus {
    pub async fn start(exporter: SocketAddr, alertmanager: SocketAddr) -> Self {
        let configuration = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}\n\
             rule_files: [rules.yaml]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
             scrape_configs: [{{job_name: cloudaudit, honor_labels: true, \
             static_configs: [{{targets: ['{exporter}']}}]}}]\n"
        );
        let folder = folder_with(&[("prometheus.yaml", configuration), ("rules.yaml", rules())]);
        let arguments = [
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            "--rules.alert.resend-delay=1s",
        ];
        let program = part("prometheus");
        Self(Service::start(&program, free_address(), folder, &arguments).await)
    }

    /// Waits until it scrapes the exporter and has nothing to say. It takes some seconds to find
    /// its target, which are minutes to the rules: meanwhile the exporter is down to it.
    pub async fn settle(&self) {
        let start = Instant::now();
        loop {
            let up = self.get("query?query=cloudaudit_up").await;
            let is_scraped = !up["result"].as_array().unwrap().is_empty();
            if is_scraped && self.alerts().await.is_empty() {
                return;
            }
            assert!(start.elapsed() < STALL_TIMEOUT, "{:?}", self.alerts().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Which alerts fire or are about to, by name and account.
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

/// The shipped rules, as the script that we ship scales them.
fn rules() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let made = Command::new(part("python"))
        .arg(folder.join("edition"))
        .arg(folder.join("rules/tracks.yaml"))
        .arg(folder.join("rules/exporter.yaml"))
        .arg(folder.join("rules/shards.yaml"))
        .arg(format!("--scale=1/{SCALE}"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8(made.stdout).unwrap()
}
