//! The facts as JSON, and what of them is wanted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Past, Status, TargetReport, Tombstone};
use serde_json::{Value, json};

use super::reports::{failed, listed, report, target, track};
use super::support::{Reply, Server, Shown};

const NOW: u64 = 1_795_428_005;

/// Two accounts: one with two regions, a disabled track and one that has vanished, one that is
/// denied.
pub(super) async fn server() -> Server {
    let clock = Clock::virtual_at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let now = clock.now();
    let shown = Shown {
        reports: vec![
            report("prod", prod(now)),
            report("dev", vec![failed(target("ap-beijing"), denied(), now)]),
        ],
        clock,
        ..Shown::default()
    };
    Server::start(shown).await
}

fn prod(now: Moment) -> Vec<TargetReport> {
    let tombstone = Tombstone {
        acknowledged: None,
        name: "gone".to_owned(),
        at: now.wall - Duration::from_mins(5),
        show_until: now.steady + Duration::from_mins(5),
    };
    let past = Arc::new(Past {
        tombstones: BTreeMap::from([(9, tombstone)]),
        ..Past::default()
    });
    let tracks = || {
        vec![
            track(1, "all", Status::Enabled),
            track(2, "off", Status::Disabled),
        ]
    };
    let first = TargetReport {
        past,
        ..listed("ap-guangzhou", tracks(), now)
    };
    vec![first, listed("ap-singapore", tracks(), now)]
}

fn denied() -> Failure {
    Failure {
        request_id: Some("req-1234".to_owned()),
        ..Failure::with_code(
            Reason::Unauthorized,
            "UnauthorizedOperation",
            "no permission",
        )
    }
}

pub(super) fn json_of(reply: &Reply) -> Value {
    assert_eq!(reply.header("content-type"), "application/json");
    serde_json::from_str(reply.text()).unwrap()
}

#[tokio::test]
async fn a_target_and_a_track_in_full() {
    let server = server().await;
    let targets = json_of(&server.get("/api/v1/targets").await);
    let found = [&targets["total"], &targets["page"], &targets["pages"]];
    assert_eq!(found, [&json!(3), &json!(1), &json!(1)]);
    let denied = &targets["data"][0];
    assert_eq!(denied["account"], "dev");
    assert_eq!(denied["state"], "failing");
    let expected = json!({"reason": "unauthorized", "code": "UnauthorizedOperation", "message": "no permission",
        "request_id": "req-1234"});
    assert_eq!(denied["failure"], expected);
    assert_eq!(
        (&denied["tracks"], &denied["last_success"]),
        (&Value::Null, &Value::Null)
    );
    let good = &targets["data"][1];
    assert_eq!(
        (&good["tracks"], &good["failure"]),
        (&json!(2), &Value::Null)
    );

    let tracks = json_of(&server.get("/api/v1/tracks").await);
    assert_eq!(tracks["total"], 5);
    let off = &tracks["data"][1];
    assert_eq!(
        (&off["track"], &off["status"]),
        (&json!("off"), &json!("disabled"))
    );
    assert_eq!(off["storage"]["type"], "cos");
    let gone = &tracks["data"][2];
    assert_eq!(
        (&gone["track"], &gone["status"]),
        (&json!("gone"), &json!("vanished"))
    );
    let at = gone["vanished"].as_f64().unwrap();
    assert!((at - (NOW as f64 - 300.0)).abs() < 0.001, "{at}");
}

#[tokio::test]
async fn what_is_wanted_and_in_which_order() {
    let server = server().await;
    let names = async |query: &str| {
        let answer = json_of(&server.get(&format!("/api/v1/tracks{query}")).await);
        let data = answer["data"].as_array().unwrap().clone();
        let name = |it: &Value| {
            format!(
                "{}@{}",
                it["track"].as_str().unwrap(),
                it["region"].as_str().unwrap()
            )
        };
        data.iter().map(name).collect::<Vec<_>>()
    };
    for (query, expected) in [
        (
            "?status=disabled",
            vec!["off@ap-guangzhou", "off@ap-singapore"],
        ),
        (
            "?status=disabled&region=ap-singapore",
            vec!["off@ap-singapore"],
        ),
        (
            "?status=disabled&status=vanished&region=ap-guangzhou",
            vec!["off@ap-guangzhou", "gone@ap-guangzhou"],
        ),
        ("?account=dev", vec![]),
        ("?storage_type=cls", vec![]),
        ("?track=off&region=ap-singapore", vec!["off@ap-singapore"]),
        ("?track=9", vec!["gone@ap-guangzhou"]),
        (
            "?sort=region&order=desc&rows=2",
            vec!["off@ap-singapore", "all@ap-singapore"],
        ),
        ("?rows=2&page=3", vec!["off@ap-singapore"]),
        ("?rows=2&page=4", vec![]),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    let states = json_of(&server.get("/api/v1/targets?state=failing").await);
    assert_eq!(states["total"], 1);
}

/// Each path of the API has the filters that its description lists, and refuses the others.
#[tokio::test]
async fn a_path_refuses_the_filters_of_others() {
    let described: Value =
        serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let values = [
        ("account", "prod"),
        ("region", "ap-guangzhou"),
        ("state", "up"),
        ("status", "enabled"),
        ("storage_type", "cos"),
        ("track", "audit"),
        ("change", "vanished"),
        ("since", "2026-01-01T00:00:00Z"),
        ("result", "certain"),
    ];
    let server = server().await;
    for (path, operations) in described["paths"].as_object().unwrap() {
        let Some(parameters) = operations["get"]["parameters"].as_array() else {
            continue;
        };
        let name = |reference: &Value| {
            let place = reference["$ref"].as_str().unwrap().trim_start_matches('#');
            described.pointer(place).unwrap()["name"].clone()
        };
        let names: Vec<Value> = parameters.iter().map(name).collect();
        for (filter, value) in values {
            let is_delivery = path.ends_with("/delivery");
            let value = match filter {
                "state" if is_delivery => "stalled",
                _ => value,
            };
            let reply = server.get(&format!("{path}?{filter}={value}")).await;
            let expected = if names.contains(&filter.into()) {
                200
            } else {
                400
            };
            assert_eq!(reply.status, expected, "{path} {filter}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let server = server().await;
    let reply = server.get("/api/v1/tracks?statsu=off").await;
    assert_eq!(reply.status, 400);
    let why = json_of(&reply)["error"].as_str().unwrap().to_owned();
    assert!(
        why.starts_with("no such parameter; there are account"),
        "{why}"
    );
    for (query, allowed) in [
        (
            "state=broken",
            "state: allowed are failing, stale, waiting, up",
        ),
        (
            "status=off",
            "status: allowed are enabled, disabled, unknown, vanished",
        ),
        (
            "storage_type=tape",
            "storage_type: allowed are cos, cls, ckafka, other",
        ),
        ("page=0", "page: a number from 1 to 1000000 is allowed"),
        (
            "page=1000001",
            "page: a number from 1 to 1000000 is allowed",
        ),
    ] {
        for path in ["/api/v1/targets", "/api/v1/tracks"] {
            let reply = server.get(&format!("{path}?{query}")).await;
            assert_eq!(
                (reply.status, &json_of(&reply)["error"]),
                (400, &json!(allowed))
            );
        }
        let reply = server.get(&format!("/?{query}")).await;
        assert_eq!((reply.status, reply.text().trim_end()), (400, allowed));
    }
    assert_eq!(server.get("/api/v1/nothing").await.status, 404);
    assert_eq!(server.get("/api/v2/tracks").await.status, 404);
}

#[tokio::test]
async fn the_page_narrows_alike() {
    let server = server().await;
    let page = server.get("/?account=prod&status=disabled").await;
    assert!(page.text().contains(">off<") && !page.text().contains(">all<"));
    assert!(
        page.text()
            .contains(r#"<input name="account" value="prod">"#)
    );
    assert!(page.text().contains("<option selected>disabled</option>"));
    assert!(page.text().contains("<option>failing</option>"));
    let hostile = server.get("/?account=%22%3E%3Cscript%3E").await;
    assert!(
        hostile
            .text()
            .contains(r#"value="&quot;&gt;&lt;script&gt;""#)
    );
}
