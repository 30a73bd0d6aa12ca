//! A real Prometheus that scrapes one address, and what it reports about its scrapes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::parts::part;

/// The time limit for Prometheus to start, or to scrape.
const LIMIT: Duration = Duration::from_secs(30);

/// The pause between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// The time limit of one request to it.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// A running Prometheus. Dropping it kills the process and deletes its data.
pub(crate) struct Prometheus {
    url: Url,
    client: Client,
    log: PathBuf,
    _process: Child,
    _folder: TempDir,
}

/// The state of the address that Prometheus scrapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `up` or `down`.
    pub(crate) health: String,
    /// Empty after a scrape without an error.
    pub(crate) last_error: String,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes `/metrics` of `address` once a second, and waits until it
    /// is ready.
    pub(crate) async fn scraping(address: SocketAddr) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let log = folder.path().join("log");
        let process = start(&folder, address);
        let listening = || async { address_in_log(&log) };
        let Some(address) = eventually(listening).await else {
            panic!("prometheus does not listen:\n{}", read(&log));
        };
        let prometheus = Self {
            url: Url::parse(&format!("http://{address}")).expect("an address makes a URL"),
            client: Client::builder()
                .no_proxy()
                .timeout(REQUEST_LIMIT)
                .build()
                .expect("the machine has CA certificates"),
            log,
            _process: process,
            _folder: folder,
        };
        let ready = || async { prometheus.get("/-/ready", &[]).await.ok() };
        let is_ready = eventually(ready).await.is_some();
        assert!(is_ready, "not ready:\n{}", read(&prometheus.log));
        prometheus
    }

    /// Waits for the first scrape and returns its result.
    pub(crate) async fn target(&self) -> Target {
        let scraped = || async {
            let answer = self.api("targets", &[]).await;
            let target = &answer["activeTargets"][0];
            let text = |field: &str| target[field].as_str().unwrap_or_default().to_owned();
            let health = text("health");
            let last_error = text("lastError");
            (health == "up" || health == "down").then_some(Target { health, last_error })
        };
        match eventually(scraped).await {
            Some(target) => target,
            None => panic!("prometheus does not scrape:\n{}", read(&self.log)),
        }
    }

    /// Returns the names of all series, including Prometheus's own (`up`, `scrape_…`).
    pub(crate) async fn names(&self) -> BTreeSet<String> {
        let answer = self.api("label/__name__/values", &[]).await;
        let names = answer.as_array().expect("label values are an array");
        names
            .iter()
            .map(|name| name.as_str().expect("a label value is a string").to_owned())
            .collect()
    }

    /// Returns the values of the series that an expression selects.
    pub(crate) async fn query(&self, expression: &str) -> Vec<f64> {
        let answer = self.api("query", &[("query", expression)]).await;
        let series = answer["result"].as_array().expect("a vector is an array");
        let value = |sample: &Value| sample["value"][1].as_str()?.parse().ok();
        series
            .iter()
            .map(|sample| value(sample).expect("a sample has a number"))
            .collect()
    }

    /// Returns every line that the scraper logged. At the level `debug`, a failed scrape and a
    /// dropped sample log one line each; a good scrape logs none.
    pub(crate) fn complaints(&self) -> Vec<String> {
        read(&self.log)
            .lines()
            .filter(|line| line.contains("component=\"scrape manager\""))
            .map(str::to_owned)
            .collect()
    }

    async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let path = format!("/api/v1/{path}");
        let text = match self.get(&path, parameters).await {
            Ok(text) => text,
            Err(error) => panic!("prometheus does not answer {path}: {error}"),
        };
        let mut answer: Value = serde_json::from_str(&text).expect("its API answers JSON");
        answer["data"].take()
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> reqwest::Result<String> {
        let mut url = self.url.clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(parameters);
        let response = self.client.get(url).send().await?.error_for_status()?;
        response.text().await
    }
}

fn start(folder: &TempDir, target: SocketAddr) -> Child {
    let configuration = format!(
        "scrape_configs:\n  \
         - job_name: exporter\n    \
           scrape_interval: 1s\n    \
           scrape_timeout: 1s\n    \
           static_configs:\n      \
             - targets: ['{target}']\n"
    );
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, configuration).expect("the temporary folder can be written to");
    let log = std::fs::File::create(folder.path().join("log")).expect("the log can be created");
    let log_too = log.try_clone().expect("a file can be opened twice");
    Command::new(part("prometheus"))
        .current_dir(folder.path())
        .arg(format!("--config.file={}", file.display()))
        .arg("--storage.tsdb.path=data")
        .arg("--web.listen-address=127.0.0.1:0")
        .arg("--log.level=debug")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .kill_on_drop(true)
        .spawn()
        .expect("prometheus can be started")
}

fn address_in_log(log: &PathBuf) -> Option<SocketAddr> {
    let log = read(log);
    let line = log.lines().find(|line| line.contains("Listening on"))?;
    let (_, address) = line.split_once("address=")?;
    address.split_whitespace().next()?.parse().ok()
}

fn read(log: &PathBuf) -> String {
    let bytes = std::fs::read(log).expect("the log exists as long as the folder");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn eventually<T, F: Future<Output = Option<T>>>(attempt: impl Fn() -> F) -> Option<T> {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = attempt().await;
        if seen.is_some() || Instant::now() >= end {
            return seen;
        }
        sleep(RETRY_DELAY).await;
    }
}
