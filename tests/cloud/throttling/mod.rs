//! Adaptive pacing: the queue, its use by the client, and a cloud whose rate limit another client
//! shares. Time is paused.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

mod queue;
mod refusals;
mod second_tenant;
mod shards;

use std::sync::Arc;

use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::tencent::{Client, ClientParts, Ended, Observer, Pacer, Sent};

use crate::support::{one_key, simulated};

fn client(world: &World, pacer: &Arc<Pacer>, attempts: u32) -> Client {
    let pacer = Arc::clone(pacer);
    let parts = one_key::parts(world, simulated::in_memory(world));
    Client::new(ClientParts { pacer, ..parts }, one_key::options(attempts))
}

/// Ignores all calls.
struct NoObserver;

impl Observer for NoObserver {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
