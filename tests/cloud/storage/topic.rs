//! Topics of CLS and `CKafka`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::storage::{
    CheckResult, DESCRIBE_LOG_HISTOGRAM, DESCRIBE_TOPIC_ATTRIBUTES, DESCRIBE_TOPICS,
};
use serde_json::{Value, json};

use super::{HOUR, MINUTE, REGION, Stage, target};
use crate::support::scripted::SECRET_ID;

const TOPIC: &str = "56766bad-368e-4503-ba77-4677cdbae3cb";

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.target = target("cls", TOPIC, "");
    stage
}

fn minute(at: SystemTime) -> SystemTime {
    let since = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
    UNIX_EPOCH + Duration::from_secs(since - since % 60)
}

async fn newest(stage: &mut Stage) -> Option<SystemTime> {
    match stage.check().await {
        CheckResult::Seen { newest, .. } => newest,
        other => panic!("{other:?}"),
    }
}

fn calls(stage: &Stage) -> [u64; 2] {
    [DESCRIBE_TOPICS, DESCRIBE_LOG_HISTOGRAM].map(|action| stage.world.call_count_of(action))
}

#[tokio::test(start_paused = true)]
async fn the_newest_minute_with_a_record_is_found() {
    for age in [0, 1, 59, 61, 199, 201, 1_000, 10_000, 39_000] {
        let mut stage = stage();
        let topic = stage.account.add_topic(REGION, TOPIC);
        let at = stage.world.now() - age * MINUTE - Duration::from_secs(17);
        topic.write(at);
        topic.write(at - 30 * HOUR);
        assert_eq!(newest(&mut stage).await, Some(minute(at)), "{age} minutes");
        let [topics, histograms] = calls(&stage);
        assert!(topics == 1 && histograms <= 3, "{histograms} histograms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_steady_check_is_one_request_and_one_more_each_hour() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    topic.write(stage.world.now());
    newest(&mut stage).await;
    let [topics, histograms] = calls(&stage);
    for _ in 0..24 * 6 {
        tokio::time::advance(10 * MINUTE).await;
        let at = stage.world.now() - MINUTE;
        topic.write(at);
        assert_eq!(newest(&mut stage).await, Some(minute(at)));
    }
    assert_eq!(calls(&stage), [topics + 24, histograms + 24 * 6]);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_topic_keeps_its_last_arrival() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    assert_eq!(newest(&mut stage).await, None);
    let at = stage.world.now();
    topic.write(at);
    tokio::time::advance(HOUR).await;
    assert_eq!(newest(&mut stage).await, Some(minute(at)));
    let [topics, histograms] = calls(&stage);
    for _ in 0..1_000 {
        tokio::time::advance(HOUR).await;
        let found = newest(&mut stage).await;
        assert_eq!(found, Some(minute(at)));
    }
    assert_eq!(calls(&stage), [topics + 1_000, histograms + 1_000]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_does_not_exist_is_missing() {
    let mut stage = stage();
    let missing = CheckResult::Missing {
        what: format!("the log topic {TOPIC} does not exist in {REGION}"),
    };
    assert_eq!(stage.check().await, missing);
    let topic = stage.account.add_topic(REGION, TOPIC);
    newest(&mut stage).await;
    topic.delete();
    // The histogram reports it, without waiting for the hourly request.
    assert_eq!(stage.check().await, missing);
    assert_eq!(calls(&stage)[0], 2);
}

/// A list may omit a topic that the keys may not list, so only the counts say that it is missing.
#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_listed_may_exist() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    let at = stage.world.now();
    topic.write(at);
    let fault = Fault::edit(|answer| {
        answer["Response"]["Topics"] = json!([]);
        answer["Response"]["TotalCount"] = json!(0);
    });
    stage
        .world
        .inject(fault.action(DESCRIBE_TOPICS).until_cleared());
    assert_eq!(newest(&mut stage).await, Some(minute(at)));
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_an_index_cannot_be_checked() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    newest(&mut stage).await;
    topic.set_index(false);
    for _ in 0..2 {
        let result = stage.check().await;
        let CheckResult::Exists { why } = &result else {
            panic!("{result:?}");
        };
        assert!(why.contains("no index"), "{why}");
        stage.cursor = None;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_topic_fails() {
    let mut stage = stage();
    stage.account.add_topic(REGION, TOPIC);
    for action in ["cls:DescribeTopics", "cls:DescribeLogHistogram"] {
        stage.account.deny_action(SECRET_ID, action).unwrap();
        match stage.check().await {
            CheckResult::Failed(failure) => assert_eq!(failure.reason, Reason::Unauthorized),
            other => panic!("{other:?}"),
        }
        stage.account.permit(SECRET_ID).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn search_limits_are_classified_as_throttled() {
    for code in ["FailedOperation.ReadQpsLimit", "LimitExceeded.LogSearch"] {
        let mut stage = stage();
        stage.account.add_topic(REGION, TOPIC);
        let fault = Fault::error(code, "too many").action(DESCRIBE_LOG_HISTOGRAM);
        stage.world.inject(fault.until_cleared());
        match stage.check().await {
            CheckResult::Failed(failure) => {
                assert_eq!((failure.reason, &*failure.code), (Reason::Throttled, code));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(calls(&stage), [1, 3]);
    }
}

/// Other services are available in other regions than CloudAudit.
#[tokio::test(start_paused = true)]
async fn an_unsupported_region_gets_no_hint_about_cloudaudit() {
    let mut stage = stage();
    let fault = Fault::error("UnsupportedRegion", "not offered here");
    stage.world.inject(fault.until_cleared());
    match stage.check().await {
        CheckResult::Failed(failure) => {
            assert_eq!(failure.reason, Reason::Rejected);
            assert_eq!(failure.message, "not offered here");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_checked_by_the_clock_of_its_cloud() {
    for skew in [-5 * 3_600, 5 * 3_600] {
        let mut stage = stage();
        let topic = stage.account.add_topic(REGION, TOPIC);
        stage.world.set_skew_seconds(skew);
        let at = stage.world.now() - 3 * MINUTE;
        topic.write(at);
        assert_eq!(newest(&mut stage).await, Some(minute(at)), "{skew}");
        tokio::time::advance(10 * MINUTE).await;
        topic.write(at + 10 * MINUTE);
        assert_eq!(newest(&mut stage).await, Some(minute(at + 10 * MINUTE)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_existence_of_a_kafka_topic_is_checked() {
    let mut stage = Stage::new();
    stage.target = target("ckafka", "ckafka-1/audit", "");
    let missing = CheckResult::Missing {
        what: format!("the CKafka topic ckafka-1/audit does not exist in {REGION}"),
    };
    assert_eq!(stage.check().await, missing);
    stage.account.add_kafka_topic(REGION, "ckafka-1", "another");
    assert_eq!(stage.check().await, missing);
    stage.account.add_kafka_topic(REGION, "ckafka-1", "audit");
    let result = stage.check().await;
    assert!(
        matches!(&result, CheckResult::Exists { why } if why.contains("exists")),
        "{result:?}"
    );
    stage.account.delete_kafka_instance(REGION, "ckafka-1");
    assert_eq!(stage.check().await, missing);
    assert_eq!(stage.world.call_count_of(DESCRIBE_TOPIC_ATTRIBUTES), 4);
}

/// A response without counts, or about another time, does not prove that nothing arrived.
#[tokio::test(start_paused = true)]
async fn counts_that_cannot_be_read_prove_nothing() {
    let minute = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap().as_secs() / 60 * 60_000;
    let now = minute(Stage::new().world.now());
    let info = |begin: Value, count: Value| json!([{ "BTime": begin, "Count": count }]);
    for (infos, place) in [
        (json!(null), "HistogramInfos"),
        (json!("none"), "HistogramInfos"),
        (json!([{ "BTime": now }]), "Count"),
        (json!([{ "Count": 1 }]), "BTime"),
        (info(json!(now), json!(-1)), "Count"),
        (info(json!(now), json!("many")), "Count"),
        (info(json!(-60_000), json!(1)), "BTime"),
        // From another request.
        (info(json!(now + 3_600_000), json!(1)), "BTime"),
        (info(json!(u64::MAX), json!(1)), "BTime"),
        (info(json!(now - 90 * 86_400_000), json!(1)), "BTime"),
        // The newest counts would be dropped.
        (
            json!(vec![json!({ "BTime": now, "Count": 0 }); 2_000]),
            "HistogramInfos",
        ),
    ] {
        let mut stage = stage();
        let topic = stage.account.add_topic(REGION, TOPIC);
        topic.write(stage.world.now());
        let shown = infos.to_string();
        let change = move |answer: &mut Value| answer["Response"]["HistogramInfos"] = infos.clone();
        let fault = Fault::edit(change).action(DESCRIBE_LOG_HISTOGRAM);
        stage.world.inject(fault.until_cleared());
        let result = stage.check().await;
        let CheckResult::Failed(failure) = &result else {
            panic!("{shown}: {result:?}");
        };
        assert_eq!(failure.reason, Reason::Malformed, "{shown}");
        assert!(failure.message.contains(place), "{shown}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn counts_may_be_text() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    topic.write(stage.world.now());
    let fault = Fault::edit(|answer| {
        let infos = answer["Response"]["HistogramInfos"].as_array_mut().unwrap();
        for info in infos {
            for field in ["BTime", "Count"] {
                info[field] = json!(info[field].to_string());
            }
        }
    });
    let fault = fault.action(DESCRIBE_LOG_HISTOGRAM);
    stage.world.inject(fault.until_cleared());
    let now = stage.world.now();
    assert_eq!(newest(&mut stage).await, Some(minute(now)));
}
