//! Injected faults.

use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::sim::{Fault, Identity, Track, TransportFault, World};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{HOST, NO_TRACKS, REGION, ask, ids, list, refusal, signer, with, world};
use crate::support::signer::Signer;

async fn raw(world: &World) -> Result<Response<Bytes>, TransportFault> {
    world
        .answer(signer().list(world.now(), REGION, 1, 10))
        .await
}

#[tokio::test(start_paused = true)]
async fn delays_and_dripping_bodies_take_time() {
    let world = world(1);
    world.set_latency(Duration::from_millis(30));
    world.inject(Fault::delay(Duration::from_secs(5)));
    world.inject(Fault::drip(Duration::from_secs(7)));
    for expected in [5_030, 7_030, 30] {
        let began = Instant::now();
        assert_eq!(ids(&list(&world, 1, 10).await), [1]);
        assert_eq!(began.elapsed(), Duration::from_millis(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hang_affects_one_response() {
    let world = world(1);
    world.inject(Fault::hang());
    let a_day = Duration::from_hours(24);
    assert!(tokio::time::timeout(a_day, raw(&world)).await.is_err());
    assert!(raw(&world).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_reset_or_a_truncation_breaks_the_connection() {
    let world = world(1);
    world.inject(Fault::reset());
    world.inject(Fault::truncated());
    assert!(matches!(raw(&world).await, Err(TransportFault::Reset)));
    let Err(TransportFault::Truncated(part)) = raw(&world).await else {
        panic!("the body was not truncated");
    };
    let promised = part.headers()["Content-Length"].to_str().unwrap();
    let promised: usize = promised.parse().unwrap();
    assert_eq!(part.body().len(), promised / 2);
    assert!(part.body().starts_with(b"{\"Response\":"));
}

#[tokio::test(start_paused = true)]
async fn a_raw_response_replaces_the_real_one() {
    let world = world(1);
    world.inject(Fault::bad_gateway());
    world.inject(Fault::not_json());
    world.inject(Fault::wrong_shape());
    world.inject(Fault::huge(1_000_000));
    world.inject(Fault::raw(
        StatusCode::TOO_MANY_REQUESTS,
        "text/plain",
        "slow down",
    ));

    let response = raw(&world).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["Content-Type"], "text/html");
    assert!(response.body().starts_with(b"<html>"));
    let response = raw(&world).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(response.body()).is_err());
    let response = raw(&world).await.unwrap();
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert!(answer["Response"]["Tracks"].is_object());
    assert_eq!(raw(&world).await.unwrap().body().len(), 1_000_000);
    assert_eq!(
        raw(&world).await.unwrap().status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(ids(&list(&world, 1, 10).await), [1]);
}

#[tokio::test(start_paused = true)]
async fn an_error_replaces_a_valid_response() {
    let world = world(1);
    world.inject(Fault::throttled());
    world.inject(Fault::internal_error());
    world.inject(Fault::unauthorized());
    world.inject(Fault::error(
        "FailedOperation.GetClsTopicFailed",
        "no topic",
    ));
    for code in [
        "RequestLimitExceeded",
        "InternalError",
        "UnauthorizedOperation",
        "FailedOperation.GetClsTopicFailed",
    ] {
        let answer = list(&world, 1, 10).await;
        assert_eq!(answer["Error"]["Code"], code);
        assert_eq!(answer.get("Tracks"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn edits_change_a_listing() {
    let world = world(3);
    world.inject(Fault::null_tracks());
    world.inject(Fault::null_fields());
    world.inject(Fault::total_off_by(2));
    world.inject(Fault::total_off_by(-2));
    world.inject(Fault::edit(|answer| {
        answer["Response"]["Tracks"][0]["TrackId"] = json!(77);
    }));
    let answer = list(&world, 1, 10).await;
    assert_eq!(
        (&answer["Tracks"], &answer["TotalCount"]),
        (&Value::Null, &json!(3))
    );
    let answer = list(&world, 1, 10).await;
    assert_eq!(answer["Tracks"][2]["TrackId"], 3);
    assert_eq!(answer["Tracks"][2].get("Name"), Some(&Value::Null));
    assert_eq!(list(&world, 1, 10).await["TotalCount"], 5);
    assert_eq!(list(&world, 1, 10).await["TotalCount"], 1);
    assert_eq!(ids(&list(&world, 1, 10).await), [77, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_world_can_change_between_two_pages() {
    let world = world(4);
    let deleted = Fault::afterwards(|account| drop(account.delete(1))).page(1);
    world.inject(deleted);
    assert_eq!(ids(&list(&world, 1, 2).await), [1, 2]);
    assert_eq!(ids(&list(&world, 2, 2).await), [4]); // 3 moved to the first page
    let created = Fault::afterwards(|account| account.create_first(Track::new(9, "new"))).page(1);
    world.inject(created);
    assert_eq!(ids(&list(&world, 1, 2).await), [2, 3]);
    assert_eq!(ids(&list(&world, 2, 2).await), [3, 4]); // 3 again
}

#[tokio::test(start_paused = true)]
async fn a_fault_waits_for_its_account_region_and_page() {
    let world = world(1);
    let other = world.add_account("100000000002");
    other.add_identity(Identity::permanent("AKIDother", "other"));
    let other = Signer::new(HOST, "AKIDother", "other");
    let aimed = Fault::internal_error()
        .account("100000000002")
        .region("ap-tokyo")
        .page(2);
    world.inject(aimed);
    let at = world.now();
    let from_other = |region, page| ask(&world, other.list(at, region, page, 10));
    assert_eq!(
        ids(&ask(&world, signer().list(at, "ap-tokyo", 2, 10)).await),
        NO_TRACKS
    );
    assert_eq!(ids(&from_other(REGION, 2).await), NO_TRACKS);
    assert_eq!(ids(&from_other("ap-tokyo", 1).await), NO_TRACKS);
    assert_eq!(world.pending_faults(), 1);
    assert_eq!(
        from_other("ap-tokyo", 2).await["Error"]["Code"],
        "InternalError"
    );
    assert_eq!(world.pending_faults(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_edits_a_listing_waits_for_one() {
    let world = world(1);
    world.inject(Fault::total_off_by(1));
    refusal(&world, with(&world, "X-TC-Region", "gz")).await;
    assert_eq!(list(&world, 1, 10).await["TotalCount"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_fault_repeats_as_often_as_configured() {
    let world = world(1);
    world.inject(Fault::internal_error().times(2));
    let outage = world.inject(Fault::bad_gateway().until_cleared());
    refusal(&world, signer().list(world.now(), REGION, 1, 10)).await;
    refusal(&world, signer().list(world.now(), REGION, 1, 10)).await;
    for _ in 0..5 {
        assert_eq!(raw(&world).await.unwrap().status(), StatusCode::BAD_GATEWAY);
    }
    world.clear(outage);
    assert_eq!(ids(&list(&world, 1, 10).await), [1]);
    world.inject(Fault::hang());
    world.clear_faults();
    assert_eq!(ids(&list(&world, 1, 10).await), [1]);
}
