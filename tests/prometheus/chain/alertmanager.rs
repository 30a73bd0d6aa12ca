//! A real Alertmanager with the shipped configuration.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::service::{Service, folder_with};
use crate::support::address::free_address;
use crate::support::parts::part;

pub struct Alertmanager(Service);

impl Alertmanager {
    /// Starts Alertmanager with the shipped configuration or a changed one.
    pub async fn start(configuration: String) -> Self {
        let folder = folder_with(&[("alertmanager.yaml", configuration)]);
        let arguments = [
            "--config.file=alertmanager.yaml",
            "--storage.path=data",
            "--cluster.listen-address=",
        ];
        let program = part("alertmanager");
        Self(Service::start(&program, free_address(), folder, &arguments).await)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Fires alerts, each given by its labels.
    pub async fn fire(&self, alerts: &[Value]) {
        let alerts: Vec<Value> = alerts
            .iter()
            .map(|labels| json!({"labels": labels}))
            .collect();
        let url = format!("http://{}/api/v2/alerts", self.address());
        let request = self.0.client.post(url);
        let request = request.header("Content-Type", "application/json");
        let response = request.body(Value::from(alerts).to_string()).send().await;
        assert!(response.unwrap().status().is_success(), "{}", self.0.log());
    }

    /// Mutes every alert with this label for an hour, as `amtool silence add` does.
    pub async fn silence(&self, label: &str, value: &str) {
        let now = Timestamp::now();
        let end = now + Duration::from_hours(1);
        let silence = json!({
            "matchers": [{"name": label, "value": value, "isRegex": false}],
            "startsAt": now.to_string(), "endsAt": end.to_string(),
            "createdBy": "test", "comment": "planned",
        });
        let url = format!("http://{}/api/v2/silences", self.address());
        let request = self.0.client.post(url);
        let request = request.header("Content-Type", "application/json");
        let response = request.body(silence.to_string()).send().await;
        assert!(response.unwrap().status().is_success(), "{}", self.0.log());
    }

    /// Returns the labels of every inhibited alert.
    pub async fn inhibited(&self) -> BTreeSet<String> {
        let url = format!("http://{}/api/v2/alerts", self.address());
        let answer = self.0.client.get(url).send().await.unwrap();
        let alerts: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let alerts = alerts.as_array().unwrap().iter();
        let inhibited = alerts.filter(|alert| {
            let by = &alert["status"]["inhibitedBy"];
            !by.as_array().unwrap().is_empty()
        });
        inhibited.map(|alert| alert["labels"].to_string()).collect()
    }
}

/// Returns the shipped configuration.
pub fn shipped() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alertmanager/alertmanager.yaml");
    std::fs::read_to_string(file).unwrap()
}

/// Returns the shipped configuration with a receiver of the test that is notified at once.
pub fn telling(receiver: SocketAddr) -> String {
    with_times(
        receiver,
        Duration::from_millis(100),
        Duration::from_millis(200),
    )
}

/// Returns the shipped configuration with a receiver of the test and scaled times.
pub fn scaled(receiver: SocketAddr, scale: u32) -> String {
    let (wait, interval) = (Duration::from_secs(30), Duration::from_mins(5));
    with_times(receiver, wait / scale, interval / scale)
}

/// Returns a configuration without its inhibitions, which are the last section.
pub fn without_inhibitions(configuration: &str) -> String {
    let (kept, inhibitions) = configuration.split_once("\ninhibit_rules:\n").unwrap();
    let mut after = inhibitions.lines();
    assert!(
        after.all(|line| line.is_empty() || line.starts_with("  ")),
        "another part follows"
    );
    kept.to_owned()
}

fn with_times(receiver: SocketAddr, wait: Duration, interval: Duration) -> String {
    let shipped = shipped();
    let changes = [
        ("localhost:9095", receiver.to_string()),
        (
            "group_wait: 30s",
            format!("group_wait: {}ms", wait.as_millis()),
        ),
        (
            "group_interval: 5m",
            format!("group_interval: {}ms", interval.as_millis()),
        ),
    ];
    changes.iter().fold(shipped, |text, (from, to)| {
        assert!(text.contains(from), "{from} is not there to be changed");
        text.replace(from, to)
    })
}
