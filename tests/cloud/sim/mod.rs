//! The simulated cloud behaves as the real one is documented to. In memory and in paused time,
//! except `socket`, which uses real sockets and real time.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may stop it, as the test itself may"
)]

mod cos;
mod faults;
mod metadata;
mod organization;
mod pages;
mod products;
mod rate;
mod refusals;
mod signatures;
mod socket;
mod sts;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::signer::Signer;
use bytes::Bytes;
use cloudaudit_exporter::sim::{Identity, Role, Track, World};
use http::{HeaderValue, Request, StatusCode};
use serde_json::Value;

const UIN: &str = "100000000001";
const REGION: &str = "ap-guangzhou";
const HOST: &str = "cloudaudit.intl.tencentcloudapi.com";
const ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
const KEY: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";

/// Creates one account with one key and the tracks 1, 2, ….
fn world(tracks: u64) -> World {
    let world = World::new(UNIX_EPOCH + Duration::from_secs(1_551_113_065));
    let account = world.add_account(UIN);
    account.add_identity(Identity::permanent(ID, KEY));
    for id in 1..=tracks {
        account.create(Track::new(id, &format!("track-{id}")));
    }
    world
}

fn signer() -> Signer {
    Signer::new(HOST, ID, KEY)
}

/// Returns the response of the API, which is always 200 and JSON with a `RequestId`.
async fn ask(world: &World, request: Request<Bytes>) -> Value {
    let response = world.answer(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["Response"]["RequestId"].as_str().unwrap().len(), 36);
    answer["Response"].clone()
}

async fn list(world: &World, page: u64, size: u64) -> Value {
    ask(world, signer().list(world.now(), REGION, page, size)).await
}

async fn refusal(world: &World, request: Request<Bytes>) -> String {
    let answer = ask(world, request).await;
    assert!(!answer["Error"]["Message"].as_str().unwrap().is_empty());
    answer["Error"]["Code"].as_str().unwrap().to_owned()
}

const NO_TRACKS: [u64; 0] = [];

fn ids(answer: &Value) -> Vec<u64> {
    let tracks = answer["Tracks"].as_array().unwrap();
    tracks
        .iter()
        .map(|t| t["TrackId"].as_u64().unwrap())
        .collect()
}

/// Returns a valid request with one header replaced.
fn with(world: &World, header: &'static str, value: &'static str) -> Request<Bytes> {
    let mut request = signer().list(world.now(), REGION, 1, 10);
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(header, value);
    request
}

#[tokio::test(start_paused = true)]
async fn the_clock_follows_tokios_and_can_be_skewed() {
    let start = UNIX_EPOCH + Duration::from_secs(1_000_000);
    let world = World::new(start);
    tokio::time::advance(Duration::from_hours(1)).await;
    let hour = |world: &World| -> SystemTime { world.now() - Duration::from_hours(1) };
    assert_eq!(hour(&world), start);
    world.set_skew_seconds(-10);
    assert_eq!(hour(&world), start - Duration::from_secs(10));
    world.set_skew_seconds(10);
    assert_eq!(hour(&world), start + Duration::from_secs(10));
}

#[test]
fn keys_are_not_printed() {
    let identity = Identity::temporary(ID, KEY, "tmptoken", UNIX_EPOCH);
    let printed = format!("{identity:?}");
    assert!(
        !printed.contains(KEY) && !printed.contains("tmptoken"),
        "{printed}"
    );
    let role = Role::new("monitor").external_id("between us");
    let printed = format!("{:?}", role.trusts_provider("cls-1", "podtoken"));
    assert!(
        !printed.contains("between us") && !printed.contains("podtoken"),
        "{printed}"
    );
}
