//! The metadata service of a machine with a role.

use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::sim::{Fault, Role, TransportFault, World};
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::products::machine;
use super::{UIN, ids, list, world};

const PATH: &str = "/latest/meta-data/cam/security-credentials/";

async fn get(world: &World, path: &str) -> Result<Response<Bytes>, TransportFault> {
    world
        .answer(Request::get(path).body(Bytes::new()).unwrap())
        .await
}

/// Returns the key of the role `monitor`.
async fn key(world: &World) -> Value {
    let response = get(world, &format!("{PATH}monitor")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["Content-Type"], "application/json");
    serde_json::from_slice(response.body()).unwrap()
}

fn machine_with_role() -> World {
    let world = world(2);
    world.account(UIN).unwrap().add_role(Role::new("monitor"));
    world.bind_machine(UIN, "monitor");
    world
}

#[tokio::test(start_paused = true)]
async fn it_returns_the_role_name_and_a_working_key() {
    let world = machine_with_role();
    let name = get(&world, PATH).await.unwrap();
    assert_eq!(name.status(), StatusCode::OK);
    assert_eq!(name.body().as_ref(), b"monitor");
    let key = key(&world).await;
    assert_eq!(key["Code"], "Success");
    assert_eq!(key["ExpiredTime"], 1_551_120_265);
    assert_eq!(key["Expiration"], "2019-02-25T18:44:25Z");
    assert_eq!(ids(&machine(&key).list(&world).await), [1, 2]);
    assert_eq!(
        machine(&key).caller_identity(&world).await["AccountId"],
        UIN
    );

    let call = &world.calls()[1];
    assert_eq!(
        (call.action.as_str(), call.uin.as_deref()),
        ("metadata", Some(UIN))
    );
    assert_eq!(
        call.role,
        Some(world.account(UIN).unwrap().role_arn("monitor"))
    );
    assert_eq!(call.refused, None);
}

#[tokio::test(start_paused = true)]
async fn it_returns_the_same_key_until_the_key_is_about_to_expire() {
    let world = machine_with_role();
    let first = key(&world).await;
    tokio::time::advance(Duration::from_secs(6_479)).await;
    assert_eq!(key(&world).await, first);
    tokio::time::advance(Duration::from_secs(1)).await;
    let second = key(&world).await;
    assert_ne!(second["TmpSecretId"], first["TmpSecretId"]);
    assert_eq!(second["ExpiredTime"], 1_551_120_265 + 6_480);
    assert_eq!(ids(&machine(&first).list(&world).await), [1, 2]);

    world.set_max_role_duration(Duration::from_secs(20));
    tokio::time::advance(Duration::from_secs(7_000)).await;
    assert_eq!(
        key(&world).await["ExpiredTime"],
        1_551_113_065 + 6_480 + 7_000 + 20
    );
}

#[tokio::test(start_paused = true)]
async fn it_returns_404_without_a_role() {
    let world = world(1);
    let status = async |path: &str| get(&world, path).await.unwrap().status();
    let monitor = format!("{PATH}monitor");
    assert_eq!(status(PATH).await, StatusCode::NOT_FOUND);
    world.bind_machine(UIN, "monitor");
    assert_eq!(status(PATH).await, StatusCode::NOT_FOUND);
    let account = world.account(UIN).unwrap();
    account.add_role(Role::new("monitor"));
    assert_eq!(status(&monitor).await, StatusCode::OK);
    let key = machine(&key(&world).await);
    assert_eq!(
        status(&format!("{PATH}another")).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        status("/latest/meta-data/instance-id").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.calls().last().unwrap().refused.as_deref(),
        Some("404")
    );

    world.unbind_machine();
    assert_eq!(status(&monitor).await, StatusCode::NOT_FOUND);
    assert_eq!(ids(&key.list(&world).await), [1]);
    account.remove_role("monitor").unwrap();
    let answer = key.list(&world).await;
    assert_eq!(answer["Error"]["Code"], "AuthFailure.SecretIdNotFound");
}

#[tokio::test(start_paused = true)]
async fn injected_faults_apply_to_it() {
    let world = machine_with_role();
    let bad = Fault::bad_gateway()
        .action("metadata")
        .every(3)
        .until_cleared();
    world.inject(bad);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        assert_eq!(ids(&list(&world, 1, 10).await), [1, 2]);
        statuses.push(get(&world, PATH).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 502, 200, 200, 502]);
    world.clear_faults();
    world.inject(Fault::hang().action("metadata").account(UIN));
    let a_day = Duration::from_hours(24);
    assert!(timeout(a_day, get(&world, PATH)).await.is_err());
    world.inject(Fault::edit(|answer| answer["Code"] = "Failed".into()));
    assert_eq!(key(&world).await["Code"], "Failed");
}
