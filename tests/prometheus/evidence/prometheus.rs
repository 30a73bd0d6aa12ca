//! A real Prometheus without scrape targets that evaluates queries about the past.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::{Client, Url};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::quarter::Quarter;
use crate::support::address::free_address;
use crate::support::parts::part;

/// How long Prometheus may take to become ready.
const LIMIT: Duration = Duration::from_mins(1);

/// A running Prometheus. Dropping it kills the process.
pub struct Prometheus {
    url: String,
    client: Client,
    _process: Child,
}

impl Prometheus {
    pub async fn on(quarter: &Quarter) -> Self {
        let address = free_address();
        let configuration = quarter.data().join("prometheus.yaml");
        std::fs::write(&configuration, "global: {}\n").unwrap();
        let process = Command::new(part("prometheus"))
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", quarter.data().display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let prometheus = Self {
            url: format!("http://{address}"),
            client: Client::builder().no_proxy().build().unwrap(),
            _process: process,
        };
        let start = Instant::now();
        while !prometheus.is_ready().await {
            assert!(start.elapsed() < LIMIT, "prometheus is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        prometheus
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the value of an expression for each account at a moment.
    pub async fn query(&self, expression: &str, moment: u64) -> BTreeMap<String, f64> {
        let mut url = Url::parse(&format!("{}/api/v1/query", self.url)).unwrap();
        url.query_pairs_mut()
            .append_pair("query", expression)
            .append_pair("time", &moment.to_string());
        let answer = self.client.get(url).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap().iter();
        series
            .map(|one| {
                let account = one["metric"]["account"].as_str().unwrap();
                let value = one["value"][1].as_str().unwrap();
                (account.to_owned(), value.parse().unwrap())
            })
            .collect()
    }

    async fn is_ready(&self) -> bool {
        let response = self.client.get(format!("{}/-/ready", self.url)).send();
        response
            .await
            .is_ok_and(|response| response.status().is_success())
    }
}
