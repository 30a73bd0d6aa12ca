//! A simulated cloud with one key, and the parts of a client that has it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::sim::{Identity, Track, World};
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider};
use cloudaudit_exporter::tencent::{
    CallOptions, ClientParts, Endpoint, Pacer, SourceIpLimit, Transport,
};
use jiff::tz::Offset;

use super::scripted;

pub(crate) const HOST: &str = "cloudaudit.tencentcloudapi.com";
pub(crate) const REGION: &str = "ap-guangzhou";
pub(crate) const SECRET_ID: &str = "AKIDthisisthekey";
pub(crate) const SECRET_KEY: &str = "thekeythatgoeswithit";

/// A cloud with five pages of tracks.
pub(crate) fn world() -> World {
    let world = World::new(UNIX_EPOCH + Duration::from_secs(1_795_392_012));
    let account = world.add_account("100000000001");
    account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    for id in 1..=50 {
        account.create(Track::new(id, "audit-all"));
    }
    world
}

/// Returns the parts of a client whose clock matches the world's current time.
pub(crate) fn parts(world: &World, transport: Arc<dyn Transport>) -> ClientParts {
    let credential =
        Credential::new(SECRET_ID.to_owned(), SECRET_KEY.into(), None).expect("it can be sent");
    ClientParts {
        endpoint: Endpoint {
            url: format!("https://{HOST}").into(),
            host: HOST.into(),
        },
        provider: Arc::new(FixedProvider::new(credential)),
        pacer: Arc::new(Pacer::new(20, SourceIpLimit::default())),
        clock: Clock::virtual_at(world.now()),
        ..scripted::parts(transport)
    }
}

/// Ten tracks a page.
pub(crate) fn options(attempts: u32) -> CallOptions {
    CallOptions {
        timeout: Duration::from_secs(10),
        attempts,
        page_size: 10,
        create_time_offset: Offset::UTC,
        max_tracks: 10_000,
        accept_short_listings: false,
    }
}
