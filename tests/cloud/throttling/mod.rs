//! The adaptive pace: as a queue, as the client uses it, and against a cloud whose
//! allowance somebody else uses too. Time is paused throughout.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

// The simulated cloud in memory, and who calls it.

// The tests.
mod queue;
mod refusals;
mod second_tenant;

use std::sync::Arc;

use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::tencent::{Client, ClientParts, Ended, Observer, Pacer, Sent};

use crate::support::{one_key, simulated};

fn client(world: &World, pacer: &Arc<Pacer>, attempts: u32) -> Client {
    let pacer = Arc::clone(pacer);
    let parts = one_key::parts(world, simulated::in_memory(world));
    Client::new(ClientParts { pacer, ..parts }, one_key::options(attempts))
}

/// Nobody looks.
struct Nobody;

impl Observer for Nobody {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
