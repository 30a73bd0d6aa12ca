//! Delivery checks of a fleet against the simulated cloud, in memory and in paused time.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod budget;
mod due;
mod interruptions;
mod restart;
mod states;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::{Account, Identity, Layout, Track, World, cos};
use cloudaudit_exporter::snapshot::{DeliveryReport, DeliveryState};

use crate::identities::stage::{Stage, noon};

const REGION: &str = "ap-guangzhou";
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Creates a world with this many accounts.
fn world(accounts: usize) -> (World, Vec<Account>) {
    let world = World::new(noon());
    let add = |number| {
        let account = world.add_account(&uin(number));
        account.add_identity(Identity::permanent(&id(number), "key"));
        account
    };
    let accounts = (0..accounts).map(add).collect();
    (world, accounts)
}

/// Makes a track record writes only, so that the exporter's own reads are not due.
fn record_writes_only(account: &Account, track: u64) {
    let write = |track: &mut serde_json::Value| track["ActionType"] = "Write".into();
    account.edit(track, write).unwrap();
}

fn uin(number: usize) -> String {
    (100_000_000_100 + number).to_string()
}

fn id(number: usize) -> String {
    format!("AKID{number}")
}

/// Returns the configuration for this many accounts.
fn config(accounts: usize) -> String {
    let mut text = "delivery: {enabled: true}\naccounts:\n".to_owned();
    for number in 0..accounts {
        let (uin, id) = (uin(number), id(number));
        let keys = format!("{{secret_id: {id}, secret_key: key}}");
        writeln!(text, "  a{number}: {{uin: {uin}, credentials: {keys}}}").unwrap();
    }
    text
}

/// Creates a bucket and a track that has been delivering to it for an hour.
fn deliver(account: &Account, world: &World, layout: Layout) {
    account.add_bucket(REGION, "audit-log");
    let track = Track::new(1, "everything").storage(cos(REGION, "audit-log", "audit"));
    account.create(track);
    account.deliver(1, layout, 5 * MINUTE, world.now() - HOUR);
    world.deliver();
}

/// Returns the delivery report of the account's only storage target.
fn shown(stage: &Stage, number: usize) -> Arc<DeliveryReport> {
    let report = stage.shown.last(&format!("a{number}"));
    let deliveries = report.deliveries.unwrap();
    assert_eq!(deliveries.len(), 1, "a{number}");
    Arc::clone(&deliveries[0])
}

fn state(stage: &Stage, number: usize) -> DeliveryState {
    shown(stage, number).state_at(stage.clock.now())
}
