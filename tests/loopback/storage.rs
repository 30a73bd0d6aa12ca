//! Checks of storage targets over real sockets.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Identity, Layout, Server, Track, World, cos};
use cloudaudit_exporter::snapshot::StorageTarget;
use cloudaudit_exporter::tencent::storage::cos::Depth;
use cloudaudit_exporter::tencent::storage::{CheckResult, StorageClients, StorageParts};
use cloudaudit_exporter::tencent::{CallLimits, ClientParts, Endpoint, HttpTransport};
use http::StatusCode;
use tokio::time::Instant;

use crate::support::scripted::{Notes, SECRET_ID, SECRET_KEY, parts};

const REGION: &str = "ap-guangzhou";
const APP_ID: &str = "1250000001";

/// Starts a simulated cloud, which ends with the test, and returns clients of it.
async fn start() -> (World, StorageClients) {
    let world = World::new(Clock::system().now().wall);
    let account = world.add_account("100000000001");
    account.set_app_id(APP_ID);
    account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    account.add_bucket(REGION, "audit-log");
    account.create(Track::new(1, "all").storage(cos(REGION, "audit-log", "audit")));
    let from = world.now() - Duration::from_hours(50);
    account.deliver(1, Layout::hours(), Duration::from_mins(5), from);

    let server = Server::bind("127.0.0.1:0".parse().unwrap(), world.clone());
    let server = server.await.unwrap();
    let authority = server.local_addr().to_string();
    tokio::spawn(server.serve(std::future::pending::<()>()));
    let address = Endpoint {
        url: format!("http://{authority}").into(),
        host: authority.into(),
    };
    let transport = Arc::new(HttpTransport::plain().unwrap());
    let at_address = ClientParts {
        endpoint: address.clone(),
        clock: Clock::system(),
        ..parts(transport)
    };
    let parts = StorageParts {
        cos: at_address.clone(),
        cos_address: Some(address),
        cls: at_address.clone(),
        ckafka: at_address.clone(),
        cam: at_address,
    };
    let limits = CallLimits {
        timeout: Duration::from_secs(10),
        attempts: 1,
    };
    (world, StorageClients::new(parts, limits))
}

async fn check(clients: &StorageClients, kind: &str, name: &str) -> CheckResult {
    let target = StorageTarget {
        kind: kind.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        prefix: "audit".to_owned(),
    };
    let until = Instant::now() + Duration::from_secs(20);
    let notes = Notes::default();
    clients
        .check(&target, None, &["all"], (None, Depth::Full), until, &notes)
        .await
}

/// The client connects to the address, and still signs the host of the bucket.
#[tokio::test]
async fn a_bucket_is_checked_at_an_address_with_its_own_host() {
    let (world, clients) = start().await;
    let result = check(&clients, "cos", "audit-log").await;
    let bucket = world.account("100000000001").unwrap();
    let bucket = bucket.add_bucket(REGION, "audit-log");
    let CheckResult::Seen { newest, .. } = result else {
        panic!("{result:?}");
    };
    let seconds = |at: std::time::SystemTime| Clock::system().now().wall.duration_since(at);
    let apart = |at| seconds(at).unwrap().as_secs();
    assert!(newest.is_some_and(|at| apart(at) <= apart(bucket.newest().unwrap()) + 1));
    let calls = world.calls();
    let listings = calls.iter().filter(|call| call.action == "GetBucket");
    let host = "audit-log-1250000001.cos.ap-guangzhou.myqcloud.com";
    assert!(listings.clone().count() >= 2);
    assert!(
        listings
            .clone()
            .all(|call| call.host == host && call.refused.is_none())
    );
    assert_eq!(world.call_count_of("GetUserAppId"), 1);
    assert_eq!(world.call_count_of("GetObject"), 0);
}

#[tokio::test]
async fn topics_are_checked_at_an_address() {
    let (world, clients) = start().await;
    let account = world.account("100000000001").unwrap();
    let topic = account.add_topic(REGION, "topic-1");
    topic.write(world.now());
    let result = check(&clients, "cls", "topic-1").await;
    assert!(
        matches!(
            result,
            CheckResult::Seen {
                newest: Some(_),
                ..
            }
        ),
        "{result:?}"
    );
    let result = check(&clients, "ckafka", "ckafka-1/audit").await;
    assert!(matches!(result, CheckResult::Missing { .. }), "{result:?}");
}

#[tokio::test]
async fn a_broken_server_fails_the_check() {
    let redirect = Fault::raw(StatusCode::MOVED_PERMANENTLY, "text/plain", Bytes::new());
    for (fault, expected) in [
        (Fault::huge(5 * 1024 * 1024), Reason::Malformed),
        (Fault::truncated(), Reason::Unavailable),
        (Fault::reset(), Reason::Unavailable),
        (Fault::bad_gateway(), Reason::Unavailable),
        (redirect, Reason::Rejected),
    ] {
        let (world, clients) = start().await;
        world.inject(fault.action("GetBucket").until_cleared());
        let result = check(&clients, "cos", "audit-log").await;
        let CheckResult::Failed(failure) = &result else {
            panic!("{result:?}");
        };
        assert_eq!(failure.reason, expected, "{failure}");
    }
}
