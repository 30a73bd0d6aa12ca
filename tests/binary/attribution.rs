//! Who made a change, from end to end; and nothing that an operation record hides is ever written.

use std::fs;
use std::time::SystemTime;

use cloudaudit_exporter::sim::{Identity, Operator, SESSION_TOKEN, Track, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::support::exporter::Exporter;

const UIN: &str = "100000000001";
const KEY_OF_ALICE: &str = "AKIDalice00000000000000000000000000";

#[tokio::test]
async fn the_operator_is_named_and_his_session_is_not() {
    let world = World::new(SystemTime::now());
    let home = world.add_account(UIN);
    home.add_identity(Identity::permanent("AKIDhome", "key-of-home"));
    home.create(Track::new(41, "audit-all"));
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let config = format!(
        "endpoint: http://{}\npoll: {{interval: 1s, timeout: 900ms}}\nstate: {{file: state.json}}\n\
         attribution: {{enabled: true, sweep_interval: 1s, operator_label: true}}\n\
         accounts: {{prod: {{credentials: {{secret_id: AKIDhome, secret_key: key-of-home}}}}}}\n",
        cloud.address
    );
    fs::write(&file, config).unwrap();
    let environment = [
        ("CLOUDAUDIT_EXPORTER_LOG_LEVEL", "debug"),
        ("CLOUDAUDIT_EXPORTER_LOG_FORMAT", "json"),
    ];
    let mut exporter = Exporter::start(Some(&file), &environment);
    exporter
        .metrics_when("the first sweep is over", |samples| {
            let last = "cloudaudit_attribution_last_sweep_timestamp_seconds";
            samples.values(last, &[]).iter().any(|last| *last > 0.0)
        })
        .await;

    let at_the_console = Operator::user("alice", "100000000011");
    home.by(at_the_console.clone())
        .denied_attempt("DeleteAuditTrack", json!({"TrackId": 41}));
    home.by(at_the_console.through_api(KEY_OF_ALICE))
        .set_status(41, 0)
        .unwrap();
    home.by(Operator::role("admin", "bob"))
        .denied_attempt("StopLogging", json!({"AuditName": "audit-all"}));
    exporter
        .metrics_when("the operator is found", |samples| {
            let labels = [("operator", "alice"), ("change", "disabled")];
            samples.values("cloudaudit_track_change_operator_info", &labels) == [1.0]
        })
        .await;
    let denied = [("outcome", "denied"), ("event", "DeleteAuditTrack")];
    exporter
        .metrics_when("the attempt is counted", |samples| {
            samples.values("cloudaudit_track_write_operations_total", &denied) == [1.0]
        })
        .await;
    let changes = exporter.get("/api/v1/changes?track=41").await.1;
    let answer: Value = serde_json::from_str(&changes).unwrap();
    let change = &answer["data"][0];
    assert_eq!(change["attribution"]["result"], "certain", "{answer}");
    assert_eq!(change["attribution"]["operator"]["name"], "alice");
    assert_eq!(change["attribution"]["operations"][0]["call"], "api");

    let mut written = vec![changes];
    for path in ["/", "/metrics", "/api/v1/targets", "/api/v1/tracks"] {
        written.push(exporter.get(path).await.1);
    }
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    let log = exporter.log();
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let line = |msg: &str| lines.iter().find(|line| line["msg"] == msg).unwrap();
    let fields = json!([{"field": "Status", "from": "enabled", "to": "disabled"}]);
    assert_eq!(line("track disabled")["fields"], fields, "{log}");
    assert_eq!(line("operator found")["operator"], "alice", "{log}");
    let state = folder.path().join("state.json");
    written.extend([log, fs::read_to_string(&state).unwrap()]);
    for text in &written {
        assert!(!text.contains(SESSION_TOKEN), "{text}");
        assert!(!text.contains(KEY_OF_ALICE), "{text}");
    }

    // The next process knows the change and its operator before it has polled.
    cloud.kill();
    let exporter = Exporter::start(Some(&file), &[]);
    let changes = exporter.get("/api/v1/changes?result=certain").await.1;
    let again: Value = serde_json::from_str(&changes).unwrap();
    assert_eq!(again["data"][0], *change);
}
