//! Topics of CLS and `CKafka`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::storage::{
    CheckResult, DESCRIBE_LOG_HISTOGRAM, DESCRIBE_TOPIC_ATTRIBUTES, DESCRIBE_TOPICS,
};

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
    for _ in 0..100 {
        tokio::time::advance(HOUR).await;
        let found = newest(&mut stage).await;
        assert_eq!(found, Some(minute(at)));
    }
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
    // The histogram says it, without waiting for the hour.
    assert_eq!(stage.check().await, missing);
    assert_eq!(calls(&stage)[0], 2);
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_an_index_cannot_be_checked() {
    let mut stage = stage();
    let topic = stage.account.add_topic(REGION, TOPIC);
    newest(&mut stage).await;
    topic.set_index(false);
    for _ in 0..2 {
        let result = stage.check().await;
        let CheckResult::Impossible { why } = &result else {
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
async fn throttling_of_searches_is_throttling() {
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

#[tokio::test(start_paused = true)]
async fn a_topic_in_a_cloud_with_another_clock_is_checked_by_its_clock() {
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
async fn a_kafka_topic_exists_or_not() {
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
        matches!(&result, CheckResult::Impossible { why } if why.contains("exists")),
        "{result:?}"
    );
    stage.account.delete_kafka_instance(REGION, "ckafka-1");
    assert_eq!(stage.check().await, missing);
    assert_eq!(stage.world.call_count_of(DESCRIBE_TOPIC_ATTRIBUTES), 4);
}
