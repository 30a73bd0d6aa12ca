//! Attribution of changes: each change gets the operator that the operation records prove, and the
//! exporter writes no session token and no access key ID anywhere.

mod cloud;

use std::fs;
use std::path::Path;
use std::time::Duration;

use cloudaudit_exporter::state::{decode, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::cloud::{API_KEY, Accounts, CONSOLE_KEY, Cloud, Event, TOKEN};
use crate::support::exporter::{Exporter, Samples};

/// The access keys of three accounts: one searches records only after a change, one has no
/// permission to read records, and one sweeps them.
const PROD: &str = "AKIDprod";
const DENIED: &str = "AKIDdenied";
const SWEPT: &str = "AKIDswept";

const OPERATOR: &str = "cloudaudit_track_change_operator_info";

fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    for (key, tracks) in [(PROD, 41..=45), (DENIED, 51..=51), (SWEPT, 61..=61)] {
        accounts.of(key).tracks = tracks.map(|id| (id, 1)).collect();
    }
    accounts.of(DENIED).is_denied = true;
    accounts
}

fn config(cloud: &Cloud) -> String {
    let account = |key: &str, more: &str| {
        format!("{{credentials: {{secret_id: {key}, secret_key: key}}{more}}}")
    };
    let sweep = ", attribution: {sweep_interval: 1s}";
    format!(
        "endpoint: http://{}\npoll: {{interval: 1s, timeout: 1s}}\nstate: {{file: state.json}}\n\
         attribution: {{enabled: true, operator_label: true}}\n\
         accounts:\n  prod: {}\n  denied: {}\n  swept: {}\n",
        cloud.address(),
        account(PROD, ""),
        account(DENIED, ""),
        account(SWEPT, sweep),
    )
}

/// Makes five changes that polls see, one that only records show, and three failed attempts.
fn change(accounts: &mut Accounts) {
    let switched_off = r#"{"TrackId":41,"Status":0,"Version":"2019-03-19"}"#;
    let prod = accounts.of(PROD);
    // A denied attempt, and then the real switch-off.
    prod.events.push(Event {
        cam_error: 4_104,
        ..Event::by("mallory", "ModifyAuditTrack", switched_off)
    });
    prod.events.push(Event {
        is_console: false,
        ..Event::by("alice", "ModifyAuditTrack", switched_off)
    });
    prod.tracks.insert(41, 0);
    // The id of the track is masked.
    let masked = r#"{"TrackId":"***"}"#;
    prod.events
        .push(Event::by("carol", "DeleteAuditTrack", masked));
    prod.tracks.remove(&42);
    // No record, but one of another track.
    let of_another = r#"{"TrackId":45,"Status":0}"#;
    prod.events
        .push(Event::by("dave", "ModifyAuditTrack", of_another));
    prod.tracks.insert(43, 0);
    // The record is late.
    let late = r#"{"TrackId":44,"Status":0}"#;
    prod.events.push(Event {
        visible_after: Duration::from_secs(20),
        ..Event::by_role("ModifyAuditTrack", late)
    });
    prod.tracks.insert(44, 0);

    accounts.of(DENIED).tracks.insert(51, 0);

    // Off and on between two polls, and two attempts.
    let swept = &mut accounts.of(SWEPT).events;
    for parameters in [
        r#"{"TrackId":61,"Status":0}"#,
        r#"{"TrackId":61,"Status":1}"#,
    ] {
        swept.push(Event::by("frank", "ModifyAuditTrack", parameters));
    }
    swept.push(Event {
        cam_error: 4_104,
        ..Event::by("mallory", "DeleteAuditTrack", r#"{"TrackId":61}"#)
    });
    swept.push(Event {
        api_error: r#""FailedOperation""#,
        ..Event::by("mallory", "StopLogging", r#"{"AuditName":"track-61"}"#)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_gets_the_operator_that_its_records_prove() {
    let cloud = cloud::start(accounts()).await;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("config.yaml"), config(&cloud)).unwrap();
    let mut run = Run::start(&folder);
    let up = |samples: &Samples| {
        let last = "cloudaudit_attribution_last_sweep_timestamp_seconds";
        samples.values("cloudaudit_up", &[]) == [1.0; 3] && samples.sum(last, &[]) > 0.0
    };
    run.exporter.metrics_when("all are polled", up).await;
    assert_eq!(requests(&cloud), 0, "nothing has changed");

    change(&mut cloud.state.lock().unwrap());
    let is_first = |samples: &Samples| {
        found(samples, "prod", "certain", 1.0)
            && pending(samples, 3.0)
            && found(samples, "denied", "denied", 1.0)
            && samples.sum("cloudaudit_unseen_switch_offs_total", &[]) == 1.0
    };
    let samples = run.exporter.metrics_when("one is found", is_first).await;
    let attempts = [("DeleteAuditTrack", "denied"), ("StopLogging", "failed")];
    for (event, outcome) in attempts {
        let labels = [("event", event), ("outcome", outcome)];
        let count = samples.sum("cloudaudit_track_write_operations_total", &labels);
        assert_eq!(count, 1.0, "{event} {outcome}");
    }
    assert_eq!(operators(&samples), ["alice disabled 41"]);
    assert_eq!(
        run.results().await,
        [
            "denied/51 denied ",
            "prod/41 certain alice",
            "prod/42 candidate ",
            "prod/43 pending ",
            "prod/44 pending ",
        ]
    );
    let log = run.end().await;
    assert_logged(&log);

    let mut run = Run::start_later(&folder, &cloud, Duration::from_secs(61));
    let is_second =
        |samples: &Samples| found(samples, "prod", "certain", 1.0) && pending(samples, 2.0);
    run.exporter
        .metrics_when("the late one is found", is_second)
        .await;
    run.end().await;

    let mut run = Run::start_later(&folder, &cloud, Duration::from_mins(30));
    let is_last = |samples: &Samples| {
        found(samples, "prod", "not_found", 1.0)
            && found(samples, "prod", "candidate", 1.0)
            && pending(samples, 0.0)
    };
    let samples = run.exporter.metrics_when("all have ended", is_last).await;
    let results = [
        "denied/51 denied ",
        "prod/41 certain alice",
        "prod/42 candidate ",
        "prod/43 not_found ",
        "prod/44 certain ops",
    ];
    assert_eq!(run.results().await, results);
    assert_eq!(
        operators(&samples),
        ["alice disabled 41", "ops disabled 44"]
    );
    assert_eq!(requests(&cloud), 3, "one for each attempt");
    let changes = run.exporter.get("/api/v1/changes").await.1;
    let shown = [
        r#""role_session":"erin-at-work""#,
        r#""source":"operation""#,
        r#""call":"api""#,
        "203.0.113.7",
    ];
    for part in shown {
        assert!(changes.contains(part), "{part} in {changes}");
    }
    run.end().await;

    // The next process restores the operators before its first poll.
    cloud.kill();
    let mut run = Run::start(&folder);
    assert_eq!(run.results().await, results);
    run.end().await;
}

/// Checks the JSON log of the first process.
fn assert_logged(log: &str) {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines: Vec<Value> = lines.collect();
    let line = |msg: &str, track: u64| {
        let mut lines = lines.iter();
        let line = lines.find(|line| line["msg"] == msg && line["track_id"] == track);
        line.unwrap_or_else(|| panic!("no {msg} of {track}:\n{log}"))
    };
    let fields = json!([{"field": "Status", "from": "enabled", "to": "disabled"}]);
    assert_eq!(line("track disabled", 41)["fields"], fields, "{log}");
    assert_eq!(line("operator found", 41)["operator"], "alice", "{log}");
    let attempt = line("attempt to change a track", 61);
    for (field, value) in [
        ("level", "warn"),
        ("account", "swept"),
        ("event", "DeleteAuditTrack"),
        ("outcome", "denied"),
        ("operator", "mallory"),
        ("source_ip", "203.0.113.7"),
    ] {
        assert_eq!(attempt[field], value, "{attempt}");
    }
}

/// A run of the exporter.
struct Run<'a> {
    exporter: Exporter,
    folder: &'a TempDir,
}

impl<'a> Run<'a> {
    fn start(folder: &'a TempDir) -> Self {
        let file = folder.path().join("config.yaml");
        let environment = [
            ("CLOUDAUDIT_EXPORTER_LOG_LEVEL", "debug"),
            ("CLOUDAUDIT_EXPORTER_LOG_FORMAT", "json"),
        ];
        Self {
            exporter: Exporter::start(Some(&file), &environment),
            folder,
        }
    }

    /// Starts the exporter as if it had been stopped for this time: its searches began earlier, and
    /// the cloud shows more records.
    fn start_later(folder: &'a TempDir, cloud: &Cloud, later: Duration) -> Self {
        cloud.state.lock().unwrap().later += later;
        let file = folder.path().join("state.json");
        let content = fs::read(&file).unwrap();
        let mut saved: Value = serde_json::from_slice(decode(&content).unwrap()).unwrap();
        let lookups = saved.pointer_mut("/accounts/prod/attribution/lookups");
        for lookup in lookups.unwrap().as_array_mut().unwrap() {
            let began = lookup["began_unix_ns"].as_u64().unwrap();
            lookup["began_unix_ns"] = json!(began - later.as_secs() * 1_000_000_000);
        }
        fs::write(&file, encode(saved.to_string().as_bytes())).unwrap();
        Self::start(folder)
    }

    /// Returns the account, the track, the result and the operator of each change that a poll saw.
    async fn results(&self) -> Vec<String> {
        let changes = self.exporter.get("/api/v1/changes").await.1;
        let changes: Value = serde_json::from_str(&changes).unwrap();
        let of_polls = changes["data"].as_array().unwrap().iter();
        let of_polls = of_polls.filter(|change| change["source"] == "poll");
        let results = of_polls.map(|change| {
            let attribution = &change["attribution"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (account, result) = (text(&change["account"]), text(&attribution["result"]));
            let operator = text(&attribution["operator"]["name"]);
            format!("{account}/{} {result} {operator}", change["track_id"])
        });
        let mut results: Vec<String> = results.collect();
        results.sort();
        results
    }

    /// Stops the exporter, searches everything that it has written for secrets, and returns its
    /// log.
    async fn end(&mut self) -> String {
        let mut written = Vec::new();
        for path in [
            "/api/v1/changes",
            "/metrics",
            "/",
            "/api/v1/targets",
            "/api/v1/tracks",
        ] {
            written.push(self.exporter.get(path).await.1);
        }
        for shows_operators in &written[..3] {
            assert!(shows_operators.contains("alice"), "{shows_operators}");
        }
        self.exporter.signal("TERM");
        assert_eq!(self.exporter.wait_for_end(), Some(0));
        let log = self.exporter.log();
        let state = read(&self.folder.path().join("state.json"));
        assert!(state.contains("alice"), "{state}");
        written.extend([log.clone(), state]);
        for text in &written {
            for secret in [TOKEN, CONSOLE_KEY, API_KEY] {
                assert!(!text.contains(secret), "{secret} is in\n{text}");
            }
        }
        log
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// Returns whether this many searches of an account have ended with a result.
fn found(samples: &Samples, account: &str, result: &str, count: f64) -> bool {
    let labels = [("account", account), ("result", result)];
    samples.values("cloudaudit_attribution_results_total", &labels) == [count]
}

/// Returns whether searches for this many changes of the first account are pending.
fn pending(samples: &Samples, count: f64) -> bool {
    let labels = [("account", "prod")];
    samples.values("cloudaudit_attribution_pending", &labels) == [count]
}

/// Returns the operators in the metrics, each with the change and the track.
fn operators(samples: &Samples) -> Vec<String> {
    let series = samples.series().into_iter();
    let series = series.filter(|series| series.split('{').next() == Some(OPERATOR));
    let operators = series.map(|series| {
        let label = |name: &str| {
            let (_, rest) = series.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap()
        };
        let (operator, change) = (label(",operator"), label("change"));
        format!("{operator} {change} {}", label("track_id"))
    });
    let mut operators: Vec<String> = operators.collect();
    operators.sort();
    operators
}

/// Returns the number of requests for operation records of the first account.
fn requests(cloud: &Cloud) -> u64 {
    cloud.state.lock().unwrap().of(PROD).requests
}
