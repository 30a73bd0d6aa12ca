//! The storage targets as JSON.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{DeliveryReport, DeliveryState, Report, StorageTarget};
use serde_json::{Value, json};

use super::api::json_of;
use super::reports::report;
use super::support::{Server, Shown};

const NOW: u64 = 1_795_428_005;

/// A storage target whose state is valid for ten minutes.
fn delivery(kind: &str, state: DeliveryState, now: Moment) -> DeliveryReport {
    let target = StorageTarget {
        kind: kind.to_owned(),
        region: "ap-guangzhou".to_owned(),
        name: format!("{kind}-log"),
        prefix: "trail".to_owned(),
    };
    DeliveryReport {
        state,
        explanation: String::new(),
        last_check: Some(now.wall),
        valid_until: Some(now + Duration::from_mins(10)),
        ..DeliveryReport::new(target)
    }
}

fn with(account: &str, deliveries: Vec<DeliveryReport>) -> Arc<Report> {
    let mut report = Report::clone(&report(account, Vec::new()));
    report.deliveries = Some(deliveries.into_iter().map(Arc::new).collect());
    Arc::new(report)
}

/// An account with a stalled bucket and a topic that cannot be checked, one with a check that is too
/// old, and one without checks.
pub(super) async fn server() -> Server {
    let clock = Clock::virtual_at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let now = clock.now();
    let stalled = DeliveryReport {
        last_arrival: Some(now.wall - Duration::from_hours(2)),
        due: Some(now.wall - Duration::from_hours(1)),
        ..delivery("cos", DeliveryState::Stalled, now)
    };
    let mut denied = DeliveryReport {
        explanation: "denied".to_owned(),
        valid_until: None,
        last_check: None,
        ..delivery("cls", DeliveryState::Unknown, now)
    };
    denied.failures[Reason::Unauthorized] = 3;
    let old = DeliveryReport {
        valid_until: Some(now),
        ..delivery("cos", DeliveryState::Arriving, now)
    };
    let shown = Shown {
        reports: vec![
            with("prod", vec![denied, stalled]),
            with("dev", vec![old]),
            report("off", Vec::new()),
        ],
        clock,
        ..Shown::default()
    };
    Server::start(shown).await
}

#[tokio::test]
async fn a_storage_target_in_full() {
    let server = server().await;
    let answer = json_of(&server.get("/api/v1/delivery?account=prod").await);
    assert_eq!((&answer["total"], &answer["pages"]), (&json!(2), &json!(1)));
    let [denied, stalled] = [&answer["data"][0], &answer["data"][1]];
    assert_eq!(denied["account"], "prod");
    assert_eq!(denied["state"], "unknown");
    assert_eq!(denied["explanation"], "denied");
    assert_eq!(denied["check_failures"], json!({"unauthorized": 3}));
    assert_eq!(denied["last_check"], Value::Null);
    assert_eq!(stalled["state"], "stalled");
    assert_eq!(stalled["explanation"], Value::Null);
    assert_eq!(stalled["storage_name"], "cos-log");
    let last_arrival = stalled["last_arrival"].as_f64().unwrap();
    assert!((last_arrival - (NOW as f64 - 7200.0)).abs() < 0.001);
    let due = stalled["due"].as_f64().unwrap();
    assert!((due - (NOW as f64 - 3600.0)).abs() < 0.001);
}

#[tokio::test]
async fn what_is_wanted_and_in_which_order() {
    let server = server().await;
    let rows = async |query: &str| {
        let answer = json_of(&server.get(&format!("/api/v1/delivery{query}")).await);
        let rows = answer["data"].as_array().unwrap().clone();
        let row = |it: &Value| {
            [&it["account"], &it["storage_type"]]
                .map(|it| it.as_str().unwrap().to_owned())
                .join("/")
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows("").await, ["dev/cos", "prod/cls", "prod/cos"]);
    assert_eq!(rows("?storage_type=cls").await, ["prod/cls"]);
    assert_eq!(rows("?state=stalled&state=quiet").await, ["prod/cos"]);
    let unknown = rows("?state=unknown").await;
    assert_eq!(
        unknown,
        ["dev/cos", "prod/cls"],
        "the check of dev is too old"
    );
    assert_eq!(
        rows("?sort=state").await,
        ["prod/cos", "dev/cos", "prod/cls"]
    );
    assert_eq!(rows("?rows=1&page=3").await, ["prod/cos"]);
    assert_eq!(rows("?order=desc&rows=1").await, ["prod/cos"]);
}

#[tokio::test]
async fn a_state_that_there_is_not_is_refused() {
    let server = server().await;
    let reply = server.get("/api/v1/delivery?state=failing").await;
    assert_eq!(reply.status, 400);
    let expected = "state: allowed are arriving, quiet, stalled, missing, unproven, unknown";
    assert_eq!(json_of(&reply), json!({ "error": expected }));
}
