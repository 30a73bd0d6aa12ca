//! Operation records: the client against the simulated cloud and scripted responses.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

mod forms;
mod pages;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::sim::{Account, Identity, Track, World};
use cloudaudit_exporter::snapshot::OperationRecord;
use cloudaudit_exporter::tencent::{
    ATTRIBUTE_ACTION_TYPE, ATTRIBUTE_RESOURCE_TYPE, Client, Events, EventsQuery,
};
use tokio::time::Instant;

use super::support::scripted::{EVENING, Notes, SECRET_ID, SECRET_KEY, options, parts};
use super::support::simulated::in_memory;

const UIN: &str = "100000000001";
const REGION: &str = "ap-guangzhou";

fn world() -> (World, Account) {
    let world = World::new(UNIX_EPOCH + Duration::from_secs(EVENING));
    let account = world.add_account(UIN);
    account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
    account.unrecorded().create(Track::new(41, "audit-all"));
    (world, account)
}

fn client(world: &World) -> Client {
    Client::new(parts(in_memory(world)), options(50))
}

/// Queries every write to tracks within the first hour.
fn query() -> EventsQuery {
    EventsQuery {
        from: EVENING - 60,
        until: EVENING + 3_600,
        attributes: vec![
            (ATTRIBUTE_RESOURCE_TYPE, "cloudaudit".to_owned()),
            (ATTRIBUTE_ACTION_TYPE, "Write".to_owned()),
        ],
        max_pages: 4,
    }
}

async fn events(world: &World, query: &EventsQuery) -> Result<Events, Failure> {
    let client = client(world);
    let notes = Arc::new(Notes::default());
    client.events(REGION, query, Instant::now(), &*notes).await
}

async fn records(world: &World) -> Vec<OperationRecord> {
    let events = events(world, &query()).await.unwrap();
    assert!(events.is_complete);
    assert_eq!(events.unreadable, 0);
    events.records
}
