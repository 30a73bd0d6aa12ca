//! The delivery states.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Layout, Track, ckafka, cls, cos};
use cloudaudit_exporter::snapshot::DeliveryState;

use super::{HOUR, MINUTE, REGION, config, deliver, id, record_writes_only, shown, state, world};
use crate::identities::stage::Stage;

#[tokio::test(start_paused = true)]
async fn three_layouts_are_found_with_the_right_last_arrival() {
    let (world, accounts) = world(3);
    let layouts = [Layout::hours(), Layout::track_months(), Layout::days()];
    for (account, layout) in accounts.iter().zip(layouts) {
        deliver(account, &world, layout);
    }
    let mut stage = Stage::with(&world, &[], &config(3));
    // Across midnight in the time zone of the folder names.
    for _ in 0..14 {
        stage.pass(2 * HOUR + 7 * MINUTE).await;
        for (number, account) in accounts.iter().enumerate() {
            let truth = account.add_bucket(REGION, "audit-log").newest().unwrap();
            let shown = shown(&stage, number);
            let seen = shown.last_arrival.unwrap();
            assert_eq!(
                state(&stage, number),
                DeliveryState::Arriving,
                "{number}: {shown:?}"
            );
            let behind = truth.duration_since(seen).unwrap();
            assert!(behind <= 11 * MINUTE, "{number} is {behind:?} behind");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_nonexistent_target_is_missing_within_two_minutes() {
    let (world, accounts) = world(3);
    accounts[0].create(Track::new(1, "a").storage(cos(REGION, "gone", "audit")));
    accounts[1].create(Track::new(1, "a").storage(cls(REGION, "gone-topic")));
    accounts[2].create(Track::new(1, "a").storage(ckafka(REGION, "ckafka-gone", "topic")));
    let mut stage = Stage::with(&world, &[], &config(3));
    stage.pass(Duration::from_secs(30)).await;
    for number in 0..3 {
        assert_eq!(state(&stage, number), DeliveryState::Unknown, "seen once");
    }
    stage.pass(Duration::from_secs(90)).await;
    for number in 0..3 {
        let shown = shown(&stage, number);
        assert_eq!(state(&stage, number), DeliveryState::Missing, "{shown:?}");
        assert!(shown.explanation.contains("does not exist"), "{shown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_bucket_is_missing_and_keeps_its_last_arrival() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    let before = shown(&stage, 0);
    accounts[0].add_bucket(REGION, "audit-log").delete();
    stage.pass(12 * MINUTE).await;
    let after = shown(&stage, 0);
    assert_eq!(state(&stage, 0), DeliveryState::Missing, "{after:?}");
    assert_eq!(after.last_arrival, before.last_arrival);
    // The bucket is back and receives deliveries.
    accounts[0].add_bucket(REGION, "audit-log");
    stage.pass(25 * MINUTE).await;
    assert_eq!(state(&stage, 0), DeliveryState::Arriving);
}

#[tokio::test(start_paused = true)]
async fn a_target_without_arrivals_is_unproven() {
    let (world, accounts) = world(2);
    accounts[0].add_bucket(REGION, "audit-log");
    accounts[0].create(Track::new(1, "a"));
    accounts[1].add_topic(REGION, "topic");
    accounts[1].create(Track::new(1, "a").storage(cls(REGION, "topic")));
    let mut stage = Stage::with(&world, &[], &config(2));
    stage.pass(5 * HOUR).await;
    for number in 0..2 {
        let shown = shown(&stage, number);
        assert_eq!(state(&stage, number), DeliveryState::Unproven, "{shown:?}");
        assert_eq!((shown.last_arrival, shown.due), (None, None));
    }
    assert_eq!(world.call_count_of("DescribeEvents"), 0);
}

/// The exporter's own polls are operations that the track must deliver.
#[tokio::test(start_paused = true)]
async fn an_overdue_delivery_is_stalled() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(2 * HOUR).await;
    assert_eq!(
        world.call_count_of("DescribeEvents"),
        0,
        "deliveries arrive"
    );
    accounts[0].stop_delivering(1);
    let stopped = accounts[0]
        .add_bucket(REGION, "audit-log")
        .newest()
        .unwrap();
    stage.pass(28 * MINUTE).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Arriving,
        "within the grace period"
    );
    stage.pass(25 * MINUTE).await;
    let shown_stalled = shown(&stage, 0);
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Stalled,
        "{shown_stalled:?}"
    );
    assert_eq!(shown_stalled.last_arrival, Some(stopped));
    let due = shown_stalled.due.unwrap().duration_since(stopped).unwrap();
    assert!(due <= 2 * MINUTE, "the first poll after it: {due:?}");
    let queries = world.call_count_of("DescribeEvents");
    stage.pass(6 * HOUR).await;
    assert_eq!(state(&stage, 0), DeliveryState::Stalled);
    assert_eq!(
        world.call_count_of("DescribeEvents"),
        queries,
        "the due operation is known"
    );
    // Deliveries resume.
    accounts[0].deliver(1, Layout::days(), 5 * MINUTE, world.now());
    stage.pass(20 * MINUTE).await;
    assert_eq!(state(&stage, 0), DeliveryState::Arriving);
    assert_eq!(shown(&stage, 0).due, None);
}

#[tokio::test(start_paused = true)]
async fn a_target_with_nothing_due_is_quiet() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::hours());
    record_writes_only(&accounts[0], 1);
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    accounts[0].stop_delivering(1);
    stage.pass(24 * HOUR).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Quiet,
        "{:?}",
        shown(&stage, 0)
    );
    let queries = world.call_count_of("DescribeEvents");
    assert!((20..=24 * 6).contains(&queries), "{queries}");

    accounts[0].record_operation("RunInstances", serde_json::json!({}), serde_json::json!({}));
    stage.pass(25 * MINUTE).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Arriving,
        "it is not overdue yet"
    );
    stage.pass(25 * MINUTE).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Stalled,
        "{:?}",
        shown(&stage, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_denied_check_is_unknown_and_keeps_the_last_arrival() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    let before = shown(&stage, 0);
    accounts[0].deny_action(&id(0), "cos:GetBucket").unwrap();
    stage.pass(HOUR).await;
    let after = shown(&stage, 0);
    assert_eq!(state(&stage, 0), DeliveryState::Unknown);
    assert_eq!(after.last_arrival, before.last_arrival);
    assert_eq!(after.last_check, before.last_check);
    assert_eq!(after.failures[Reason::Unauthorized], 6);
    assert!(after.explanation.contains("unauthorized"), "{after:?}");
    assert!(
        stage.shown.last("a0").targets[0].is_up(),
        "the poll did not fail"
    );
    accounts[0].permit(&id(0)).unwrap();
    stage.pass(11 * MINUTE).await;
    assert_eq!(state(&stage, 0), DeliveryState::Arriving);
}

#[tokio::test(start_paused = true)]
async fn without_permission_to_read_operations_a_stall_is_unknown() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    accounts[0]
        .deny_action(&id(0), "cloudaudit:DescribeEvents")
        .unwrap();
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Arriving,
        "no records are needed"
    );
    accounts[0].stop_delivering(1);
    stage.pass(2 * HOUR).await;
    let shown = shown(&stage, 0);
    assert_eq!(state(&stage, 0), DeliveryState::Unknown);
    assert!(shown.explanation.contains("DescribeEvents"), "{shown:?}");
    assert!(world.call_count_of("DescribeEvents") <= 12);
}

#[tokio::test(start_paused = true)]
async fn the_storage_of_another_account_is_unknown_and_is_not_checked() {
    let (world, accounts) = world(1);
    let mut storage = cos(REGION, "audit-log", "audit");
    storage["StorageAccountId"] = "100000000999".into();
    accounts[0].create(Track::new(1, "a").storage(storage));
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    assert_eq!(state(&stage, 0), DeliveryState::Unknown);
    assert!(shown(&stage, 0).explanation.contains("100000000999"));
    assert_eq!(world.call_count_of("GetBucket"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_target_whose_tracks_are_off_is_no_longer_checked() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    accounts[0].set_status(1, 0).unwrap();
    stage.pass(2 * MINUTE).await;
    assert_eq!(stage.shown.last("a0").deliveries, Some(Vec::new()));
    let checks = world.call_count_of("GetBucket");
    stage.pass(HOUR).await;
    assert_eq!(world.call_count_of("GetBucket"), checks);

    // On again: arrivals from before it was off prove nothing.
    accounts[0].stop_delivering(1);
    accounts[0].set_status(1, 1).unwrap();
    stage.pass(10 * MINUTE).await;
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Unproven,
        "{:?}",
        shown(&stage, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_existing_ckafka_topic_is_unknown() {
    let (world, accounts) = world(1);
    accounts[0].add_kafka_topic(REGION, "ckafka-1", "topic");
    accounts[0].create(Track::new(1, "a").storage(ckafka(REGION, "ckafka-1", "topic")));
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    assert_eq!(state(&stage, 0), DeliveryState::Unknown);
    assert!(shown(&stage, 0).failures.values().all(|count| *count == 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_checked_unless_it_is_enabled() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let off = config(1).replace("enabled: true", "enabled: false");
    let mut stage = Stage::with(&world, &[], &off);
    stage.pass(HOUR).await;
    assert_eq!(stage.shown.last("a0").deliveries, None);
    assert_eq!(world.call_count_of("GetBucket"), 0);
}
