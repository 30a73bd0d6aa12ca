//! Delivery checks, from the buckets of a cloud that is not the simulator to the metrics and the
//! API.

mod cloud;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use self::cloud::{Account, Accounts, Cloud, minutes_ago, seconds};
use crate::support::exporter::{Exporter, Samples};

/// Within this time, two checks find that a storage target is gone.
const TWO_MINUTES: Duration = Duration::from_mins(2);

const STATE: &str = "cloudaudit_delivery_state";
const LAST_ARRIVAL: &str = "cloudaudit_delivery_last_arrival_timestamp_seconds";

/// The newest objects in the three layouts that documents and users report.
const HOURS: [&str; 5] = [
    "audit/202611279/0930.gz",
    "audit/2026112710/1030.gz",
    "audit/2026112710/1035.gz",
    "audit/2026112711/1130.gz",
    "audit/2026112712/1230.gz",
];
const MONTHS: [&str; 5] = [
    "audit/track-2/2025/12/31_2355.json",
    "audit/track-2/2026/9/28_1200.json",
    "audit/track-2/2026/9/30_2355.json",
    "audit/track-2/2026/10/01_0000.json",
    "audit/track-2/2026/10/01_0005.json",
];
const DAYS: [&str; 5] = [
    "audit/2026/10/31/235500.txt",
    "audit/2026/11/27/093000.txt",
    "audit/2026/11/28/000000.txt",
    "audit/2026/11/28/000500.txt",
    "audit/2026/11/28/001000.txt",
];

/// Returns a bucket with these objects. The last object arrived `newest` minutes ago, and the earlier
/// objects at intervals of five minutes.
fn objects(keys: [&'static str; 5], newest: u64) -> BTreeMap<&'static str, SystemTime> {
    let keys = keys.into_iter().rev().zip(0_u64..);
    keys.map(|(key, number)| (key, minutes_ago(newest + 5 * number)))
        .collect()
}

fn accounts() -> Accounts {
    let bucket = |name, objects| Account {
        tracks: vec![("cos", name)],
        buckets: BTreeMap::from([(name, objects)]),
        ..Account::default()
    };
    let layouts = [
        ("hours", objects(HOURS, 3)),
        ("months", objects(MONTHS, 7)),
        ("days", objects(DAYS, 11)),
    ];
    Accounts::from([
        (
            "layouts",
            Account {
                tracks: layouts.iter().map(|(name, _)| ("cos", *name)).collect(),
                buckets: layouts.into(),
                ..Account::default()
            },
        ),
        (
            "gone-bucket",
            Account {
                tracks: vec![("cos", "gone")],
                ..Account::default()
            },
        ),
        (
            "gone-topic",
            Account {
                tracks: vec![("cls", "00000000-gone")],
                ..Account::default()
            },
        ),
        ("never-seen", bucket("empty", BTreeMap::new())),
        (
            "stalled",
            Account {
                operation: Some(minutes_ago(40)),
                ..bucket("silent", objects(DAYS, 45))
            },
        ),
        ("denied", bucket("closed", objects(DAYS, 1))),
    ])
}

/// Frequent checks; the grace is the default of half an hour.
fn config(cloud: &Cloud) -> String {
    let mut config = format!(
        "endpoint: http://{}\npoll: {{interval: 1s, timeout: 1s}}\n\
         rate_limit: {{requests_per_second: 100}}\n\
         delivery: {{enabled: true, interval: 2s}}\naccounts:\n",
        cloud.address()
    );
    for name in cloud.state.lock().unwrap().keys() {
        let credentials = format!("{{secret_id: {name}, secret_key: key}}");
        writeln!(config, "  {name}: {{credentials: {credentials}}}").unwrap();
    }
    config
}

/// Whether each of these accounts has this state, and no other.
fn are(samples: &Samples, accounts: &[&str], state: &str) -> bool {
    accounts.iter().all(|account| {
        let of_account = [("account", *account)];
        let targets = samples.values(STATE, &[("account", account), ("state", state)]);
        let all = samples.sum(STATE, &of_account);
        !targets.is_empty() && targets.iter().all(|is| *is == 1.0) && all == targets.len() as f64
    })
}

fn last_arrivals(samples: &Samples, account: &str) -> Vec<f64> {
    samples.values(LAST_ARRIVAL, &[("account", account)])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_storage_target_has_the_state_that_its_bucket_proves() {
    let cloud = cloud::start(accounts()).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, config(&cloud)).unwrap();
    let exporter = Exporter::start(Some(&file), &[]);

    let is_arriving = |samples: &Samples| {
        are(samples, &["layouts", "denied"], "arriving")
            && are(samples, &["never-seen"], "unproven")
            && are(samples, &["stalled"], "stalled")
    };
    let samples = exporter.metrics_when("objects arrive", is_arriving).await;
    for (bucket, keys) in [("hours", HOURS), ("months", MONTHS), ("days", DAYS)] {
        let truth = cloud.state.lock().unwrap()["layouts"].buckets[bucket][keys[4]];
        let shown = samples.values(LAST_ARRIVAL, &[("storage_name", bucket)]);
        assert_eq!(shown, [seconds(truth) as f64], "{bucket}");
    }
    assert_eq!(last_arrivals(&samples, "never-seen"), [0.0; 0]);
    let due = "cloudaudit_delivery_due_timestamp_seconds";
    let operation = cloud.state.lock().unwrap()["stalled"].operation.unwrap();
    assert_eq!(samples.values(due, &[]), [seconds(operation) as f64]);

    // A denied check proves nothing and changes no series.
    let before = last_arrivals(&samples, "denied");
    let denied = |is_denied| {
        let mut accounts = cloud.state.lock().unwrap();
        accounts.get_mut("denied").unwrap().is_denied = is_denied;
    };
    denied(true);
    let is_unknown = |samples: &Samples| are(samples, &["denied"], "unknown");
    let samples = exporter.metrics_when("the key is denied", is_unknown).await;
    assert_eq!(last_arrivals(&samples, "denied"), before);
    let failures = [("account", "denied"), ("reason", "unauthorized")];
    assert!(samples.sum("cloudaudit_delivery_check_failures_total", &failures) >= 1.0);

    let gone = ["gone-bucket", "gone-topic"];
    assert!(are(&samples, &gone, "unknown"), "one check is no proof");
    let is_missing = |samples: &Samples| are(samples, &gone, "missing");
    let samples = exporter
        .metrics_within(TWO_MINUTES, "the bucket and the topic are gone", is_missing)
        .await;
    assert_eq!(samples.sum("cloudaudit_up", &[]), 6.0, "no poll has failed");
    assert_eq!(last_arrivals(&samples, "denied"), before);

    let answer = exporter.get("/api/v1/delivery").await.1;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let rows = answer["data"].as_array().unwrap().iter();
    let rows = rows.map(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("account"), text("state"))
    });
    let rows: Vec<String> = rows.collect();
    let expected = [
        "denied unknown",
        "gone-bucket missing",
        "gone-topic missing",
        "layouts arriving",
        "layouts arriving",
        "layouts arriving",
        "never-seen unproven",
        "stalled stalled",
    ];
    assert_eq!(rows, expected, "{answer}");
}
