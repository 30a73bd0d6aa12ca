//! Who changed a track, from the records to everything that the process writes: the operators are
//! there, and the token of their session is nowhere.

use std::fs;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{
    Account, Identity, Operator, RecordForm, SESSION_TOKEN, Track, World,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::support::exporter::Exporter;

const HOME: &str = "100000000001";
const DENIED: &str = "100000000002";

/// The ids of access keys that records have.
const KEY_IDS: [&str; 2] = ["AKIDconsole", "AKIDofcarol"];

fn account(world: &World, uin: &str) -> Account {
    let account = world.add_account(uin);
    account.add_identity(Identity::permanent(&format!("AKID{uin}"), "key"));
    for id in 1..=4 {
        let track = Track::new(id, &format!("track-{id}"));
        account.unrecorded().create(track);
    }
    account
}

fn config(folder: &TempDir, cloud: &Cloud) -> std::path::PathBuf {
    let account = |uin: &str| format!("{{credentials: {{secret_id: AKID{uin}, secret_key: key}}}}");
    let text = format!(
        "endpoint: http://{}\npoll: {{interval: 1s, timeout: 1s}}\nstate: {{file: state.json}}\n\
         attribution: {{enabled: true, sweep_interval: 1s, operator_label: true}}\n\
         accounts:\n  prod: {}\n  denied: {}\n",
        cloud.address,
        account(HOME),
        account(DENIED)
    );
    let file = folder.path().join("config.yaml");
    fs::write(&file, text).unwrap();
    file
}

/// Changes of every kind: one clear, one with a masked id, one by a role, one between two polls,
/// one without a right to read the records; and two attempts.
fn change(home: &Account, denied: &Account) {
    let carol = Operator::role("ops", "carol-at-work").through_api("AKIDofcarol0000");
    home.by(Operator::user("bob", "100000000012"))
        .denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    home.failed_attempt(
        "StopLogging",
        json!({"AuditName": "track-1"}),
        "FailedOperation",
    );
    home.by(Operator::user("alice", "100000000011"))
        .set_status(1, 0)
        .unwrap();
    let masked = home.recorded_as(RecordForm::Masked);
    masked.delete(2).unwrap();
    home.by(carol)
        .edit(3, |track| track["Name"] = json!("renamed"))
        .unwrap();
    home.set_status(4, 0).unwrap();
    home.set_status(4, 1).unwrap();
    denied.set_status(1, 0).unwrap();
}

/// The result and the operator of each change that a poll saw, by account and track.
fn results(changes: &Value) -> Vec<String> {
    let of_polls = changes["data"].as_array().unwrap().iter();
    let of_polls = of_polls.filter(|change| change["source"] == "poll");
    let mut results: Vec<String> = of_polls
        .map(|change| {
            let attribution = &change["attribution"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (account, result) = (text(&change["account"]), text(&attribution["result"]));
            format!("{account}/{} {result}", change["track_id"])
        })
        .collect();
    results.sort();
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_found_and_their_session_token_is_nowhere() {
    let world = World::new(SystemTime::now());
    let (home, denied) = (account(&world, HOME), account(&world, DENIED));
    denied
        .deny_action(&format!("AKID{DENIED}"), "cloudaudit:DescribeEvents")
        .unwrap();
    let folder = TempDir::new().unwrap();
    let cloud = Cloud::start(&world, loopback()).await;
    let file = config(&folder, &cloud);
    let debug = [("CLOUDAUDIT_EXPORTER_LOG_LEVEL", "debug")];
    let mut exporter = Exporter::start(Some(&file), &debug);
    exporter
        .metrics_when("both are polled", |samples| {
            samples.values("cloudaudit_up", &[]) == [1.0; 2]
        })
        .await;
    change(&home, &denied);

    let certain = [("account", "prod"), ("result", "certain")];
    let refused = [("account", "denied"), ("result", "denied")];
    let by_bob = [("event", "DeleteAuditTrack"), ("outcome", "denied")];
    let samples = exporter
        .metrics_when("the operators are found", |samples| {
            let results = "cloudaudit_attribution_results_total";
            let operations = "cloudaudit_track_write_operations_total";
            samples.values(results, &certain) == [2.0]
                && samples.values(results, &refused) == [1.0]
                && samples.values(operations, &by_bob).contains(&1.0)
                && samples.sum("cloudaudit_unseen_switch_offs_total", &[]) >= 1.0
        })
        .await;
    let info = "cloudaudit_track_change_operator_info";
    let alice = [
        ("operator", "alice"),
        ("change", "disabled"),
        ("track_id", "1"),
    ];
    assert_eq!(samples.values(info, &alice), [1.0]);
    assert_eq!(samples.values(info, &[("operator", "bob")]), [0.0; 0]);

    let changes = exporter.get("/api/v1/changes").await.1;
    let found: Value = serde_json::from_str(&changes).unwrap();
    let expected = [
        "denied/1 denied",
        "prod/1 certain",
        "prod/2 candidate",
        "prod/3 certain",
    ];
    assert_eq!(results(&found), expected, "{changes}");
    assert!(changes.contains("carol-at-work") && changes.contains("203.0.113.7"));
    assert!(changes.contains("\"operation\""), "{changes}");

    let mut written = vec![changes, exporter.get("/metrics").await.1];
    written.push(exporter.get("/").await.1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    written.push(exporter.log());
    written.push(fs::read_to_string(folder.path().join("state.json")).unwrap());
    for (place, text) in written.iter().enumerate() {
        assert!(text.contains("alice"), "{place}: {text}");
        assert!(!text.contains(SESSION_TOKEN), "the {place}th text:\n{text}");
        for id in KEY_IDS {
            assert!(!text.contains(id), "{id} is in the {place}th text:\n{text}");
        }
    }
}
