//! The change feed as JSON.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::snapshot::{
    Attribution, AttributionResult, ChangeKind, ChangeRecord, ChangeSource,
};
use serde_json::{Value, json};

use super::api::json_of;
use super::support::{Server, Shown};
use crate::support::changes::{disabled, made_by};

const NOW: u64 = 1_795_428_005;

fn at(seconds_ago: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW - seconds_ago)
}

/// Four changes, newest first: one with a certain operator, one with two candidates, one that only a
/// sweep found, and one of an account without attribution.
pub(super) async fn server() -> Server {
    let certain = ChangeRecord {
        id: 4,
        previous: Some(at(70)),
        attribution: made_by("alice", at(30)),
        ..disabled("prod", 41, at(10))
    };
    let mut candidates = made_by("bob", at(95));
    candidates.result = AttributionResult::Candidate;
    candidates
        .operations
        .extend(made_by("carol", at(99)).operations);
    "ApiCall".clone_into(&mut candidates.operations[1].call_type);
    let candidates = ChangeRecord {
        id: 3,
        change: ChangeKind::Modified,
        attribution: candidates,
        ..disabled("prod", 42, at(90))
    };
    let unseen = ChangeRecord {
        id: 2,
        region: "ap-singapore".to_owned(),
        source: ChangeSource::Operation,
        attribution: made_by("alice", at(200)),
        ..disabled("dev", 41, at(200))
    };
    let off = ChangeRecord {
        id: 1,
        attribution: Attribution::without_operation(AttributionResult::Off),
        ..disabled("gone", 7, at(300))
    };
    let changes = [certain, candidates, unseen, off].map(Arc::new);
    let shown = Shown {
        changes: changes.into(),
        clock: Clock::virtual_at(at(0)),
        ..Shown::default()
    };
    Server::start(shown).await
}

async fn get(server: &Server, query: &str) -> Value {
    json_of(&server.get(&format!("/api/v1/changes{query}")).await)
}

#[tokio::test]
async fn a_change_in_full() {
    let server = server().await;
    let answer = get(&server, "").await;
    let paging = [&answer["total"], &answer["page"], &answer["pages"]];
    assert_eq!(paging, [&json!(4), &json!(1), &json!(1)]);
    let operator = json!({"name": "alice", "type": "CAMUser", "principal_id": "100000000011", "role_session": null});
    let expected = json!({
        "id": 4,
        "seen": (NOW - 10) as f64,
        "previous": (NOW - 70) as f64,
        "account": "prod",
        "region": "ap-guangzhou",
        "track_id": 41,
        "track": "track-41",
        "change": "disabled",
        "fields": [{"field": "Status", "from": "enabled", "to": "disabled"}],
        "source": "poll",
        "attribution": {
            "result": "certain",
            "operator": operator,
            "event_name": "ModifyAuditTrack",
            "time": (NOW - 30) as f64,
            "source_ip": "203.0.113.7",
            "request_id": "r-1",
            "call": "console",
            "operations": [{
                "operator": operator,
                "event_name": "ModifyAuditTrack",
                "time": (NOW - 30) as f64,
                "source_ip": "203.0.113.7",
                "request_id": "r-1",
                "call": "console",
            }],
        },
    });
    assert_eq!(answer["data"][0], expected);

    let candidates = &answer["data"][1]["attribution"];
    assert_eq!(candidates["operator"], Value::Null, "it is not known");
    let names: Vec<_> = (0..2)
        .map(|it| &candidates["operations"][it]["operator"]["name"])
        .collect();
    assert_eq!(names, ["bob", "carol"]);
    assert_eq!(candidates["operations"][1]["call"], "api");
    assert_eq!(answer["data"][2]["source"], "operation");
    let off = json!({
        "result": "off", "operator": null, "event_name": null, "time": null, "source_ip": null,
        "request_id": null, "call": null, "operations": [],
    });
    assert_eq!(answer["data"][3]["attribution"], off);
}

#[tokio::test]
async fn changes_are_filtered_newest_first_and_paged() {
    let server = server().await;
    for (query, expected) in [
        ("?account=prod", vec![4, 3]),
        ("?region=ap-singapore", vec![2]),
        ("?track=41", vec![4, 2]),
        ("?track=track-42", vec![3]),
        ("?track=7&track=42", vec![3, 1]),
        ("?change=disabled&account=prod", vec![4]),
        ("?change=created", vec![]),
        ("?result=off&result=candidate", vec![3, 1]),
        (&format!("?since={}", NOW - 90), vec![4, 3]),
        ("?since=2026-11-23T10:00:00Z", vec![]),
        ("?since=2026-11-23T17:55:00%2B08:00", vec![4, 3, 2, 1]),
        ("?rows=3", vec![4, 3, 2]),
        ("?rows=3&page=2", vec![1]),
        ("?rows=3&page=3", vec![]),
    ] {
        let answer = get(&server, query).await;
        let data = answer["data"].as_array().unwrap();
        let ids: Vec<u64> = data.iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

#[tokio::test]
async fn a_value_that_cannot_match_is_refused_on_every_route() {
    let server = server().await;
    for (query, why) in [
        ("change=off", "change: allowed are created, vanished,"),
        ("result=sure", "result: allowed are certain, candidate,"),
        ("since=yesterday", "since: allowed are Unix seconds and"),
        ("state=down", "state: allowed are failing, stale,"),
        ("status=off", "status: allowed are enabled, disabled,"),
        ("page=9999999", "page: a number from 1 to"),
        ("rows=0", "rows: a number from 1 to"),
    ] {
        for route in ["changes", "targets", "tracks"] {
            let reply = server.get(&format!("/api/v1/{route}?{query}")).await;
            assert_eq!(reply.status, 400, "{route} {query}");
            let error = json_of(&reply)["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
