//! A simulated cloud with one key, and a client that has it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Identity, Track, World};
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider};
use cloudaudit_exporter::tencent::{
    CallOptions, Client, Ended, Endpoint, MAX_IN_FLIGHT, Observer, Pacer, Parts, Sent,
};
use jiff::tz::Offset;
use tokio::sync::Semaphore;

use crate::simulated::in_memory;

pub(crate) const HOST: &str = "cloudaudit.tencentcloudapi.com";
pub(crate) const REGION: &str = "ap-guangzhou";
pub(crate) const SECRET_ID: &str = "AKIDthrottled";
pub(crate) const SECRET_KEY: &str = "key";

/// A cloud with enough tracks to keep a caller busy.
pub(crate) fn world() -> World {
    let world = World::new(UNIX_EPOCH + Duration::from_secs(1_795_392_012));
    let account = world.add_account("100000000001");
    account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    for id in 1..=50 {
        account.create(Track::new(id, "audit-all"));
    }
    world
}

/// A client that lists ten tracks a page.
pub(crate) fn client(world: &World, pacer: &Arc<Pacer>, attempts: u32) -> Client {
    let credential =
        Credential::new(SECRET_ID.to_owned(), SECRET_KEY.into(), None).expect("it can be sent");
    let parts = Parts {
        endpoint: Endpoint {
            url: format!("https://{HOST}"),
            host: HOST.to_owned(),
        },
        transport: in_memory(world),
        provider: Arc::new(FixedProvider::new(credential)),
        pacer: Arc::clone(pacer),
        in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        clock: Clock::virtual_at(world.now()),
    };
    let options = CallOptions {
        timeout: Duration::from_secs(10),
        attempts,
        page_size: 10,
        create_time_offset: Offset::UTC,
    };
    Client::new(parts, options)
}

/// Nobody looks.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
