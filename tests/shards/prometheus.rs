//! A real Prometheus with the shipped rules. It discovers the shards from a file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::sleep;

use crate::support::address::free_address;
use crate::support::parts::part;

/// How many seconds a minute of the rules lasts here.
pub const MINUTE: u32 = 3;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// In the scaled time, Prometheus scrapes every half minute, as in the shipped configuration.
const CONFIGURATION: &str = "\
global: {scrape_interval: 1500ms, scrape_timeout: 1500ms, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - {job_name: cloudaudit, honor_labels: true, file_sd_configs: [{files: [shards.json], refresh_interval: 1s}]}
";

/// A running Prometheus. Dropping it kills the process and deletes its data.
pub struct Prometheus {
    address: SocketAddr,
    client: Client,
    folder: TempDir,
    _process: Child,
}

impl Prometheus {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        std::fs::write(path.join("prometheus.yaml"), CONFIGURATION).unwrap();
        std::fs::write(path.join("rules.yaml"), rules()).unwrap();
        let address = free_address();
        let process = tokio::process::Command::new(part("prometheus"))
            .current_dir(path)
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let prometheus = Self {
            address,
            client: Client::builder().no_proxy().build().unwrap(),
            folder,
            _process: process,
        };
        let began = Instant::now();
        while prometheus.get("status/runtimeinfo").await.is_none() {
            assert!(began.elapsed() < PATIENCE, "Prometheus does not start");
            sleep(LOOK_EVERY).await;
        }
        prometheus
    }

    /// Replaces the scrape targets.
    pub fn scrape(&self, addresses: &[SocketAddr]) {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let groups = json!([{"targets": addresses}]).to_string();
        // Replaces the file atomically, so that Prometheus never reads half of it.
        let new = self.folder.path().join("new.json");
        std::fs::write(&new, groups).unwrap();
        std::fs::rename(new, self.folder.path().join("shards.json")).unwrap();
    }

    /// Returns the first value of an expression's result.
    pub async fn value(&self, expression: &str) -> Option<f64> {
        let answer = self.get(&format!("query?query={expression}")).await?;
        answer["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Returns the names of the firing alerts.
    pub async fn firing(&self) -> BTreeSet<String> {
        self.alerts("firing").await
    }

    /// Returns the names of the pending alerts.
    pub async fn pending(&self) -> BTreeSet<String> {
        self.alerts("pending").await
    }

    async fn alerts(&self, state: &str) -> BTreeSet<String> {
        let answer = self.get("alerts").await.unwrap();
        let alerts = answer["alerts"].as_array().unwrap().iter();
        let alerts = alerts.filter(|alert| alert["state"] == state);
        alerts
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn get(&self, query: &str) -> Option<Value> {
        let url = format!("http://{}/api/v1/{query}", self.address);
        let answer = self.client.get(url).send().await.ok()?;
        let mut answer: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        Some(answer["data"].take())
    }
}

/// Returns the shipped rules, scaled by the shipped script.
fn rules() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    let files = ["tracks", "exporter", "shards"];
    let made = Command::new(part("python"))
        .arg(folder.join("edition"))
        .args(files.map(|file| folder.join(format!("rules/{file}.yaml"))))
        .arg(format!("--scale={MINUTE}/60"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8(made.stdout).unwrap()
}
