//! What a restart after a long time, or one wrong response, must not do: raise a false alarm.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::{Account, Fault, Layout, Track, World, ckafka, cls, cos};
use cloudaudit_exporter::snapshot::DeliveryState;
use cloudaudit_exporter::state::Saved;
use serde_json::json;

use super::{HOUR, MINUTE, REGION, config, deliver, shown, state, uin, world};
use crate::identities::stage::Stage;

/// Lets time pass, in which an operation is recorded each minute.
async fn operate(account: &Account, stage: Option<&mut Stage>, minutes: u32) {
    let mut stage = stage;
    for _ in 0..minutes {
        account.record_operation("RunInstances", json!({}), json!({}));
        match &mut stage {
            Some(stage) => stage.pass(MINUTE).await,
            None => tokio::time::advance(MINUTE).await,
        }
    }
}

/// Ends a fleet, and begins another one with its state after this many minutes.
async fn interrupt(world: &World, account: &Account, stage: Stage, minutes: u32) -> Stage {
    let reports: Vec<_> = stage.shown.reports().into_iter().map(Arc::new).collect();
    let saved = Saved::from_reports(&reports);
    drop(stage);
    operate(account, None, minutes).await;
    world.deliver();
    let mut stage = Stage::new(world, &[]);
    let now = stage.clock.now();
    stage.fleet.restore(saved.into_reports(now));
    stage.load(&config(1));
    stage
}

/// Thousands of objects follow the cursor, and the newest one is seconds old.
#[tokio::test(start_paused = true)]
async fn a_long_interruption_is_no_stall() {
    for layout in [Layout::days(), Layout::hours(), Layout::track_months()] {
        let (world, accounts) = world(1);
        deliver(&accounts[0], &world, layout.clone());
        let mut stage = Stage::with(&world, &[], &config(1));
        stage.pass(HOUR).await;
        let every = Duration::from_secs(20);
        accounts[0].deliver(1, layout, every, world.now());
        let mut stage = interrupt(&world, &accounts[0], stage, 47 * 60 + 30).await;
        for minute in 0..60 {
            operate(&accounts[0], Some(&mut stage), 1).await;
            let shown = shown(&stage, 0);
            let present = state(&stage, 0);
            assert_ne!(present, DeliveryState::Stalled, "{minute}: {shown:?}");
            if minute > 12 {
                assert_eq!(present, DeliveryState::Arriving, "{minute}: {shown:?}");
                let behind = world.now().duration_since(shown.last_arrival.unwrap());
                assert!(behind.unwrap() <= 12 * MINUTE, "{minute}: {shown:?}");
            }
        }
    }
}

/// Two wrong responses, with many good ones between them, are not two in a row.
#[tokio::test(start_paused = true)]
async fn a_topic_that_was_not_found_once_is_not_missing() {
    let (world, accounts) = world(2);
    accounts[0].add_kafka_topic(REGION, "ckafka-1", "topic");
    accounts[0].create(Track::new(1, "a").storage(ckafka(REGION, "ckafka-1", "topic")));
    accounts[1].add_topic(REGION, "topic").set_index(false);
    accounts[1].create(Track::new(1, "a").storage(cls(REGION, "topic")));
    let mut stage = Stage::with(&world, &[], &config(2));
    stage.pass(MINUTE).await;
    for number in 0..2 {
        let last_check = shown(&stage, number).last_check;
        assert!(last_check.is_some(), "the topic was found");
    }
    for _ in 0..2 {
        let gone = || Fault::error("ResourceNotFound", "no such topic").times(1);
        world.inject(gone().action("DescribeTopicAttributes"));
        let gone = || Fault::error("ResourceNotFound.TopicNotExist", "no such topic").times(1);
        world.inject(gone().action("DescribeTopics"));
        for _ in 0..180 {
            stage.pass(MINUTE).await;
            for number in 0..2 {
                let shown = shown(&stage, number);
                let present = shown.state_at(stage.clock.now());
                assert_eq!(present, DeliveryState::Unknown, "{shown:?}");
            }
        }
    }
}

/// One response that contradicts the ones before is confirmed before the state changes.
#[tokio::test(start_paused = true)]
async fn the_state_stays_until_a_contradiction_is_confirmed() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    let body = "<Error><Code>NoSuchBucket</Code></Error>";
    let gone = Fault::raw(http::StatusCode::NOT_FOUND, "application/xml", body);
    world.inject(gone.action("GetBucket").times(1));
    for _ in 0..20 {
        stage.pass(MINUTE).await;
        let shown = shown(&stage, 0);
        assert_eq!(state(&stage, 0), DeliveryState::Arriving, "{shown:?}");
    }
    accounts[0].stop_delivering(1);
    let mut states = vec![DeliveryState::Arriving];
    for _ in 0..120 {
        stage.pass(Duration::from_secs(30)).await;
        if states.last() != Some(&state(&stage, 0)) {
            states.push(state(&stage, 0));
        }
    }
    assert_eq!(states, [DeliveryState::Arriving, DeliveryState::Stalled]);
}

/// The listing of the international site does not show whose the storage is.
#[tokio::test(start_paused = true)]
async fn a_missing_target_without_an_owner_may_be_of_another_account() {
    let (world, accounts) = world(6);
    let mut bucket_with_app_id = cos(REGION, "audit-log", "audit");
    bucket_with_app_id["StorageAppId"] = accounts[1].app_id().into();
    let mut topic_with_owner = cls(REGION, "topic");
    topic_with_owner["StorageAccountId"] = uin(5).into();
    let storages = [
        cos(REGION, "audit-log", "audit"),
        bucket_with_app_id,
        // Its APPID is configured.
        cos(REGION, "audit-log", "audit"),
        cls(REGION, "topic"),
        ckafka(REGION, "ckafka-1", "topic"),
        topic_with_owner,
    ];
    for (account, storage) in accounts.iter().zip(storages) {
        account.create(Track::new(1, "a").storage(storage));
    }
    let config = config(6).replace("a2: {", "a2: {appid: '1250000999', ");
    let mut stage = Stage::with(&world, &[], &config);
    stage.pass(5 * MINUTE).await;
    for (number, is_doubtful) in [true, false, true, true, true, false].iter().enumerate() {
        let shown = shown(&stage, number);
        assert_eq!(state(&stage, number), DeliveryState::Missing, "{shown:?}");
        let doubt = shown.explanation.contains("another account");
        assert_eq!(doubt, *is_doubtful, "{shown:?}");
    }
}
