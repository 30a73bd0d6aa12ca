//! Listings of tracks.

use cloudaudit_exporter::sim::{Track, World, ckafka, cls, cos};
use serde_json::{Value, json};

use super::products::permanent;
use super::{NO_TRACKS, REGION, UIN, ask, ids, list, signer, world};

#[tokio::test(start_paused = true)]
async fn pages_show_every_track_once_and_nothing_past_the_end() {
    let world = world(7);
    assert_eq!(ids(&list(&world, 1, 3).await), [1, 2, 3]);
    assert_eq!(ids(&list(&world, 2, 3).await), [4, 5, 6]);
    assert_eq!(ids(&list(&world, 3, 3).await), [7]);
    let past_the_end = list(&world, 4, 3).await;
    assert_eq!(past_the_end["Tracks"], json!([]));
    assert_eq!(past_the_end["TotalCount"], 7);
    assert_eq!(ids(&list(&world, u64::MAX, u64::MAX).await), NO_TRACKS);
}

#[tokio::test(start_paused = true)]
async fn the_page_size_may_be_capped() {
    let world = world(7);
    world.set_max_page_size(2);
    assert_eq!(ids(&list(&world, 1, 50).await), [1, 2]);
    assert_eq!(ids(&list(&world, 4, 50).await), [7]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_shows_the_current_world() {
    let world = world(3);
    let account = world.account(UIN).unwrap();
    account.set_status(2, 0).unwrap();
    account.set_storage(3, cls("ap-tokyo", "topic")).unwrap();
    account
        .edit(1, |track| track["Storage"] = Value::Null)
        .unwrap();
    account.create_first(Track::new(9, "名\"字").without("TrackId"));
    account.create(
        Track::new(8, "eight")
            .status(7)
            .storage(ckafka(REGION, "inst", "topic")),
    );
    let tracks = list(&world, 1, 10).await["Tracks"].clone();
    assert_eq!(tracks[0].get("TrackId"), None);
    assert_eq!(tracks[0]["Name"], "名\"字");
    assert_eq!(tracks[1]["Storage"], Value::Null);
    assert_eq!(tracks[2]["Status"], 0);
    assert_eq!(tracks[3]["Storage"]["StorageType"], "cls");
    assert_eq!(tracks[4]["Storage"]["StorageName"], "inst/topic");
    assert_eq!(tracks[4]["Status"], 7);

    account.delete(2).unwrap();
    assert_eq!(list(&world, 1, 10).await["TotalCount"], 4);
    let gone = account.set_status(2, 1).unwrap_err();
    assert_eq!(
        gone.to_string(),
        "no track 2 in simulated account 100000000001"
    );
    assert!(world.account("2").is_err());
}

#[tokio::test(start_paused = true)]
async fn tracks_are_the_same_in_every_region_unless_a_region_has_its_own() {
    let world = world(2);
    let tokyo = world.account(UIN).unwrap().in_region("ap-tokyo");
    let in_tokyo = || ask(&world, signer().list(world.now(), "ap-tokyo", 1, 10));
    assert_eq!(ids(&in_tokyo().await), NO_TRACKS);
    tokyo.create(Track::new(5, "tokyo"));
    assert_eq!(ids(&in_tokyo().await), [5]);
    assert_eq!(ids(&list(&world, 1, 10).await), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn tracks_have_the_documented_form() {
    let world = world(0);
    let documented = Track::new(1, "audit")
        .with("ActionType", json!("Read"))
        .with("ResourceType", json!("audit"))
        .with("EventNames", json!(["LookUpEvents"]))
        .storage(cos("ap-guangzhou", "audit-cos", "test"));
    world.account(UIN).unwrap().create(documented);
    let mut answer = list(&world, 1, 10).await;
    answer["RequestId"] = json!("2d4a7fba-bba8-452e-a99e-ccf11fdaa583");
    let expected = json!({"Tracks": [{"TrackId": 1, "Name": "audit", "ActionType": "Read",
        "ResourceType": "audit", "EventNames": ["LookUpEvents"],
        "Storage": {"StorageName": "audit-cos", "StoragePrefix": "test",
            "StorageRegion": "ap-guangzhou", "StorageType": "cos"},
        "Status": 1, "CreateTime": "2021-01-14 14:43:38"}], "TotalCount": 1,
        "RequestId": "2d4a7fba-bba8-452e-a99e-ccf11fdaa583"});
    assert_eq!(answer, expected);
}

#[tokio::test(start_paused = true)]
async fn responses_have_the_headers_of_the_real_gateway() {
    let world = world(1);
    world.set_skew_seconds(60);
    let request = signer().list(world.now(), REGION, 1, 10);
    let response = world.answer(request).await.unwrap();
    let headers = response.headers();
    assert_eq!(headers["Server"], "nginx");
    assert_eq!(headers["Content-Type"], "application/json");
    assert_eq!(headers["Date"], "Mon, 25 Feb 2019 16:45:25 GMT");
    assert_eq!(headers["Content-Length"], response.body().len().to_string());
    let first = list(&world, 1, 10).await["RequestId"].clone();
    assert_ne!(first, list(&world, 1, 10).await["RequestId"]);
}

const DETAILS: [&str; 3] = ["cloudaudit", "DescribeAuditTrack", "2019-03-19"];

async fn details(world: &World, body: &str) -> Value {
    let request = permanent().request(world, DETAILS, REGION, body);
    ask(world, request).await
}

#[tokio::test(start_paused = true)]
async fn listings_omit_the_details_of_a_track() {
    let world = world(2);
    let account = world.account(UIN).unwrap();
    let filters = json!({"ResourceFields": [{"ResourceType": "cos", "ActionType": "*",
        "EventNames": ["*"]}]});
    account.set_filters(2, filters.clone()).unwrap();
    account.set_for_all_members(2, true).unwrap();
    let mut one = details(&world, r#"{"TrackId":1}"#).await;
    one["RequestId"] = Value::Null;
    let expected = json!({"Name": "track-1", "ActionType": "*", "ResourceType": "*", "Status": 1,
        "EventNames": ["*"], "Storage": {"StorageType": "cos", "StorageRegion": "ap-guangzhou",
        "StorageName": "audit-log", "StoragePrefix": "audit"},
        "CreateTime": "2021-01-14 14:43:38", "TrackForAllMembers": 0, "RequestId": null});
    assert_eq!(one, expected);
    let two = details(&world, r#"{"TrackId":2}"#).await;
    assert_eq!(
        (&two["TrackForAllMembers"], &two["Filters"]),
        (&json!(1), &filters)
    );
    let listed = &list(&world, 1, 10).await["Tracks"][1];
    assert_eq!(listed.as_object().unwrap().len(), 8, "{listed}");

    account.set_for_all_members(2, false).unwrap();
    let two = details(&world, r#"{"TrackId":2}"#).await;
    assert_eq!(two["TrackForAllMembers"], 0);
    assert!(account.set_for_all_members(3, true).is_err());
    let gone = details(&world, r#"{"TrackId":3}"#).await;
    assert_eq!(gone["Error"]["Code"], "ResourceNotFound.AuditNotExist");
    let empty = details(&world, "{}").await;
    assert_eq!(empty["Error"]["Code"], "MissingParameter");
    let nowhere = ask(
        &world,
        permanent().request(&world, DETAILS, "gz", r#"{"TrackId":1}"#),
    );
    assert_eq!(nowhere.await["Error"]["Code"], "InvalidParameterValue");
}
