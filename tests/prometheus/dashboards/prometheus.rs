//! A Prometheus that scrapes several addresses. Tests query a moment in the past, so the result for
//! the eighth second of the demo does not depend on when the test sends the query.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::support::parts::part;

/// How long Prometheus may take to start.
const LIMIT: Duration = Duration::from_secs(30);

/// How often to check whether Prometheus has started.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running Prometheus. Dropping it kills the process and deletes its data.
pub(crate) struct Prometheus {
    url: Url,
    client: Client,
    _process: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes each address once a second, and waits until it has tried
    /// each address once.
    pub(crate) async fn scraping(addresses: &[SocketAddr]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let targets: Vec<String> = addresses.iter().map(|one| format!("'{one}'")).collect();
        std::fs::write(folder.path().join("rules.yml"), rules())
            .expect("the folder can be written to");
        let configuration = format!(
            "global: {{evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: cloudaudit, scrape_interval: 1s, scrape_timeout: 1s, \
             static_configs: [{{targets: [{}]}}]}}]",
            targets.join(", ")
        );
        std::fs::write(folder.path().join("prometheus.yml"), configuration)
            .expect("the folder can be written to");
        let log = folder.path().join("log");
        let process = Command::new(part("prometheus"))
            .current_dir(folder.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("the folder can be written to"))
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus can be started");
        let address = listening(&log).await;
        let prometheus = Self {
            url: Url::parse(&format!("http://{address}/api/v1/query")).expect("it is a URL"),
            client: Client::builder().no_proxy().build().expect("a client"),
            _process: process,
            _folder: folder,
        };
        let end = Instant::now() + LIMIT;
        while prometheus
            .values("up", SystemTime::now())
            .await
            .map(|up| up.len())
            != Ok(addresses.len())
        {
            assert!(Instant::now() < end, "prometheus does not scrape");
            sleep(LOOK_EVERY).await;
        }
        prometheus
    }

    /// The values of the series that an expression had at a moment, the lowest first.
    pub(crate) async fn values(
        &self,
        expression: &str,
        moment: SystemTime,
    ) -> Result<Vec<f64>, String> {
        let since = moment.duration_since(UNIX_EPOCH).expect("it is after 1970");
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("query", expression)
            .append_pair("time", &since.as_secs_f64().to_string());
        let response = self.client.get(url).send().await;
        let response = response.expect("prometheus answers");
        // Prometheus listens before it can evaluate queries.
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            return Err(format!("prometheus is not ready: {expression}"));
        }
        let answer = response.text().await.expect("it answers to the end");
        let answer: Value = serde_json::from_str(&answer).expect("its API answers JSON");
        if answer["status"] != "success" {
            return Err(format!("{}: {expression}", answer["error"]));
        }
        let series = answer["data"]["result"].as_array().expect("it is a vector");
        let value = |sample: &Value| sample["value"][1].as_str()?.parse().ok();
        let mut values: Vec<f64> = series
            .iter()
            .map(|sample| value(sample).expect("a sample has a number"))
            .collect();
        values.sort_by(f64::total_cmp);
        Ok(values)
    }
}

/// Returns the shipped rules for tracks, with the minute of the evidence rule scaled to a second.
fn rules() -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/rules/tracks.yaml");
    let rules = std::fs::read_to_string(rules).expect("the rules are there");
    assert!(
        rules.contains("    interval: 1m"),
        "the evidence has another interval"
    );
    rules.replace("    interval: 1m", "    interval: 1s")
}

async fn listening(log: &PathBuf) -> SocketAddr {
    let end = Instant::now() + LIMIT;
    loop {
        let text = std::fs::read_to_string(log).expect("the log is there");
        let line = text.lines().find(|line| line.contains("Listening on"));
        let address = line.and_then(|line| {
            let (_, address) = line.split_once("address=")?;
            address.split_whitespace().next()?.parse().ok()
        });
        match address {
            Some(address) => return address,
            None => assert!(Instant::now() < end, "prometheus does not listen:\n{text}"),
        }
        sleep(LOOK_EVERY).await;
    }
}
