//! `check --online`: the storage targets of tracks.

use cloudaudit_exporter::sim::{Track, ckafka, cls, cos};
use serde_json::Value;

use crate::online::{HOME, account, check, world};

/// A bucket with records, one without, one that does not exist, one that is denied, and topics.
#[tokio::test(flavor = "multi_thread")]
async fn storage_targets_are_tried_if_delivery_is_checked() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.replace(vec![
        Track::new(1, "one").storage(cos("ap-guangzhou", "full", "audit")),
        Track::new(2, "two").storage(cos("ap-guangzhou", "full", "audit")),
        Track::new(3, "three").storage(cos("ap-guangzhou", "empty", "")),
        Track::new(4, "four").storage(cos("ap-guangzhou", "gone", "a/b")),
        Track::new(5, "five").storage(cls("ap-tokyo", "topic-1")),
        Track::new(6, "six").storage(ckafka("ap-guangzhou", "ckafka-1", "audit")),
        Track::new(7, "off")
            .status(0)
            .storage(cos("ap-guangzhou", "off", "audit")),
    ]);
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_hours(490_089);
    let bucket = home.add_bucket("ap-guangzhou", "full");
    bucket.put("audit/2025/11/28/a.gz", at);
    home.add_bucket("ap-guangzhou", "empty");
    home.add_topic("ap-tokyo", "topic-1").set_index(false);
    home.add_kafka_topic("ap-guangzhou", "ckafka-1", "audit");
    let account = account("prod", "home", ", delivery: {enabled: true}");
    let yaml = format!("accounts:\n{account}");
    let (said, code) = check(&world, &yaml, &[]).await;
    let lines: Vec<&str> = said.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "  ckafka ckafka-1/audit in ap-guangzhou: cannot be checked: the topic ckafka-1/audit exists, but CKafka shows when records arrived only to clients that read them",
            "  cls topic-1 in ap-tokyo: cannot be checked: the log topic topic-1 has no index, so its records cannot be counted; enable full-text indexing in CLS",
            "  cos empty in ap-guangzhou: ok, but nothing has arrived",
            "  cos full/audit in ap-guangzhou: ok, newest arrival 2025-11-28T09:00:00Z",
            "  cos gone/a/b in ap-guangzhou: the bucket gone-1250000001 does not exist in ap-guangzhou; a bucket of another account has another APPID, which the track does not show; create it, or correct the track",
            "1 account: no problems, 1 track not enabled, 1 storage target missing",
        ]
    );
    assert_eq!(code, Some(0));
    let (_, code) = check(&world, &yaml, &["--strict"]).await;
    assert_eq!(code, Some(1));

    home.deny_action("AKIDhome", "cos:GetBucket").unwrap();
    let (said, code) = check(&world, &yaml, &[]).await;
    let lacks = "lacks cos:GetBucket on the prefix; check --policy prints what to allow";
    assert_eq!(said.matches(lacks).count(), 2, "{said}");
    assert_eq!(code, Some(1));
    let (said, _) = check(&world, &yaml, &["--output", "json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let first = &said["accounts"][0]["storage"][2];
    assert_eq!(first["name"], "empty");
    assert!(
        first["problem"].as_str().unwrap().contains(lacks),
        "{first}"
    );
    assert_eq!(said["storage_missing"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_targets_beyond_the_limit_are_counted() {
    let world = world();
    let home = world.account(HOME).unwrap();
    let yaml = account("prod", "home", ", delivery: {enabled: true}");
    let yaml = format!("accounts:\n{yaml}");
    for (targets, expected) in [(20, 0), (21, 1), (25, 5)] {
        home.replace(Vec::new());
        for number in 1..=targets {
            let bucket = format!("audit-{number}");
            home.add_bucket("ap-guangzhou", &bucket);
            let track = Track::new(number, &bucket).storage(cos("ap-guangzhou", &bucket, ""));
            home.create(track);
        }
        let (said, _) = check(&world, &yaml, &[]).await;
        assert_eq!(said.matches("nothing has arrived").count(), 20);
        let line = match expected {
            0 => None,
            1 => Some("  1 more storage target not checked; the exporter checks all of them"),
            _ => Some("  5 more storage targets not checked; the exporter checks all of them"),
        };
        let found = said
            .lines()
            .find(|line| line.contains("more storage target"));
        assert_eq!(found, line, "{said}");
        let (said, _) = check(&world, &yaml, &["--output", "json"]).await;
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["accounts"][0]["storage_not_checked"], expected);
    }
}
