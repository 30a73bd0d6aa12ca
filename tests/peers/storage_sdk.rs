//! The official SDKs of COS, CLS, `CKafka` and CAM read the simulated storage.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may stop it, as the test itself may"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Identity, World};
use serde_json::{Value, json};

use super::python_sdk::{ID, KEY, run};

const UIN: &str = "100000000001";
const REGION: &str = "ap-guangzhou";
const TOPIC: &str = "56766bad-368e-4503-ba77-4677cdbae3cb";

fn minute(at: SystemTime) -> u64 {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
    (seconds - seconds % 60) * 1_000
}

/// Returns what the SDKs read from the storage behind a socket.
async fn read_storage(world: &World, key: &str, delimiter: &str, max_keys: &str) -> Value {
    let bucket = "audit-log-1250000001";
    let target = [bucket, "审 计/", delimiter, max_keys];
    let topics = [TOPIC, "ckafka-1", "audit"];
    let arguments = [&[ID, key][..], &target, &topics].concat();
    run("list_storage.py", world, &arguments).await
}

#[tokio::test]
async fn the_sdks_read_the_storage() {
    let world = World::new(Clock::system().now().wall);
    let account = world.add_account(UIN);
    account.set_app_id("1250000001");
    account.add_identity(Identity::permanent(ID, KEY));
    let missing = read_storage(&world, KEY, "", "1000").await;
    assert_eq!(
        missing,
        json!({
            "bucket": {"status": 404, "code": "NoSuchBucket"},
            "topics": [],
            "histogram": {"code": "ResourceNotFound.TopicNotExist"},
            "kafka": {"code": "InvalidParameterValue.InstanceNotExist"},
            "app_id": 1_250_000_001,
        })
    );

    let bucket = account.add_bucket(REGION, "audit-log");
    let at = UNIX_EPOCH + Duration::from_secs(1_607_571_450);
    for key in [
        "2025/a+b.gz",
        "2026/11/1 2.gz",
        "2026/11/2&<>.gz",
        "a'\"%2F\u{1f600}.gz",
    ] {
        bucket.put(&format!("审 计/{key}"), at);
    }
    bucket.put("another", at);
    let topic = account.add_topic(REGION, TOPIC);
    let arrived = world.now() - Duration::from_mins(90);
    topic.write(arrived);
    account.add_kafka_topic(REGION, "ckafka-1", "audit");
    let time = "2020-12-10T03:37:30.000Z";
    assert_eq!(
        read_storage(&world, KEY, "", "2").await,
        json!({
            "bucket": {"pages": 2, "folders": [], "keys": [
                ["审 计/2025/a+b.gz", time],
                ["审 计/2026/11/1 2.gz", time],
                ["审 计/2026/11/2&<>.gz", time],
                ["审 计/a'\"%2F\u{1f600}.gz", time],
            ]},
            "topics": [[TOPIC, true]],
            "histogram": {"total": 1, "filled": [[minute(arrived), 1]]},
            "kafka": 1,
            "app_id": 1_250_000_001,
        })
    );
    let folders = read_storage(&world, KEY, "/", "1").await;
    assert_eq!(
        folders["bucket"],
        json!({"pages": 3, "folders": ["审 计/2025/", "审 计/2026/"],
               "keys": [["审 计/a'\"%2F\u{1f600}.gz", time]]})
    );
    assert_eq!(world.refused_signatures(), 0);
}

#[tokio::test]
async fn the_sdks_recognize_the_refusal_of_a_wrong_key() {
    let world = World::new(Clock::system().now().wall);
    let account = world.add_account(UIN);
    account.add_identity(Identity::permanent(ID, KEY));
    let refused = read_storage(&world, "wrong", "", "10").await;
    assert_eq!(
        refused["bucket"],
        json!({"status": 403, "code": "SignatureDoesNotMatch"})
    );
    assert_eq!(
        refused["topics"],
        json!({"code": "AuthFailure.SignatureFailure"})
    );
    account.deny_action(ID, "cos:GetBucket").unwrap();
    account.set_app_id("1250000001");
    account.add_bucket(REGION, "audit-log");
    let denied = read_storage(&world, KEY, "", "10").await;
    assert_eq!(
        denied["bucket"],
        json!({"status": 403, "code": "AccessDenied"})
    );
}
