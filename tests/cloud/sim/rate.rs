//! Call counts and throttling.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Identity};
use http::Request;

use super::{HOST, ID, REGION, UIN, ask, ids, list, refusal, with, world};
use crate::support::signer::Signer;

#[tokio::test(start_paused = true)]
async fn the_twenty_first_in_a_sliding_second_is_throttled() {
    let world = world(1);
    for call in 0..20 {
        assert_eq!(ids(&list(&world, 1, 10).await), [1], "call {call}");
        tokio::time::advance(Duration::from_millis(40)).await;
    }
    let answer = list(&world, 1, 10).await; // 0.8 s after the first
    assert_eq!(answer["Error"]["Code"], "RequestLimitExceeded");
    let message = answer["Error"]["Message"].as_str().unwrap();
    assert!(message.starts_with(
        "Your current request times equals to `21` in a second, \
         which exceeds the frequency limit `20` for a second"
    ));
    assert_eq!(world.peak_per_second(ID), 21);
    tokio::time::advance(Duration::from_millis(240)).await; // the first two are more than a second old
    assert_eq!(ids(&list(&world, 1, 10).await), [1]);
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_per_identity() {
    let world = world(1);
    world.set_rate_limit(1);
    let account = world.account(UIN).unwrap();
    account.add_identity(Identity::permanent("AKIDother", "other"));
    let other = Signer::new(HOST, "AKIDother", "other");
    list(&world, 1, 10).await;
    let answer = ask(&world, other.list(world.now(), REGION, 1, 10)).await;
    assert_eq!(ids(&answer), [1]);
    assert_eq!(
        list(&world, 1, 10).await["Error"]["Code"],
        "RequestLimitExceeded"
    );
    assert_eq!(world.peak_per_second("AKIDother"), 1);
    assert_eq!(world.peak_per_second("AKIDunknown"), 0);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_recorded() {
    let world = world(1);
    list(&world, 3, 10).await;
    tokio::time::advance(Duration::from_secs(2)).await;
    world.inject(Fault::throttled());
    list(&world, 1, 10).await;
    refusal(&world, with(&world, "X-TC-Region", "gz")).await;
    let calls = world.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(world.call_count(), 3);
    assert_eq!(calls[0].page, Some(3));
    assert_eq!(calls[0].uin.as_deref(), Some(UIN));
    assert_eq!(calls[0].secret_id, ID);
    assert_eq!(calls[0].action, "DescribeAuditTracks");
    assert_eq!(calls[0].region, REGION);
    assert_eq!((&calls[0].refused, &calls[0].fault), (&None, &None));
    assert_eq!(calls[1].fault.as_deref(), Some("RequestLimitExceeded"));
    assert_eq!(calls[1].arrived - calls[0].arrived, Duration::from_secs(2));
    assert_eq!(
        calls[1].at.duration_since(calls[0].at).unwrap(),
        Duration::from_secs(2)
    );
    assert_eq!(calls[2].refused.as_deref(), Some("InvalidParameterValue"));
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_calls_are_recorded_individually() {
    let world = world(1);
    for _ in 0..10_001 {
        world.answer(Request::default()).await.unwrap();
    }
    assert_eq!(world.call_count(), 10_001);
    assert_eq!(world.calls().len(), 10_000);
}
