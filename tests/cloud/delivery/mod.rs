//! Checks of deliveries by a fleet at the simulated cloud, in memory and in paused time.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

mod budget;
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

/// A world with an account `0`, `1` and so on for each of these numbers.
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

fn uin(number: usize) -> String {
    (100_000_000_100 + number).to_string()
}

fn id(number: usize) -> String {
    format!("AKID{number}")
}

/// The configuration of these accounts.
fn config(accounts: usize) -> String {
    let mut text = "delivery: {enabled: true}\naccounts:\n".to_owned();
    for number in 0..accounts {
        let (uin, id) = (uin(number), id(number));
        let keys = format!("{{secret_id: {id}, secret_key: key}}");
        writeln!(text, "  a{number}: {{uin: {uin}, credentials: {keys}}}").unwrap();
    }
    text
}

/// Creates a bucket and a track that delivers there, since an hour ago.
fn deliver(account: &Account, world: &World, layout: Layout) {
    account.add_bucket(REGION, "audit-log");
    let track = Track::new(1, "everything").storage(cos(REGION, "audit-log", "audit"));
    account.create(track);
    account.deliver(1, layout, 5 * MINUTE, world.now() - HOUR);
    world.deliver();
}

/// What an account shows of its only storage target.
fn shown(stage: &Stage, number: usize) -> Arc<DeliveryReport> {
    let report = stage.shown.last(&format!("a{number}"));
    let deliveries = report.deliveries.unwrap();
    assert_eq!(deliveries.len(), 1, "a{number}");
    Arc::clone(&deliveries[0])
}

fn state(stage: &Stage, number: usize) -> DeliveryState {
    shown(stage, number).state_at(stage.clock.now())
}
