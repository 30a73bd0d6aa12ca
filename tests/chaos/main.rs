//! Long runs of the exporter: a storm of faults, and hours of ordinary work.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "another process lives in real time"
)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "counts are whole numbers"
)]
#![allow(clippy::print_stdout, reason = "the figures are the point")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/mod.rs"]
mod support;

// The simulated cloud, and the faults and changes in it.
mod estate;
mod half_requests;
mod weather;

// The invariants of every scrape.
mod witness;

// The tests.
mod flood;
mod siege;
mod soak;
mod storm;

use std::fs::File;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Waits until no other test of this program runs: each needs the machine for itself.
fn turn() -> File {
    let turn = File::create(std::env::temp_dir().join("cloudaudit-exporter-chaos.lock")).unwrap();
    turn.lock().unwrap();
    turn
}
