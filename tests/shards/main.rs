//! Shards as in production: real processes divide ten thousand accounts while their number changes,
//! and a real Prometheus with the shipped rules scrapes them.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes live in real time"
)]
#![allow(clippy::print_stdout, reason = "the figures are the point")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/mod.rs"]
mod support;

// The accounts, and the processes that divide them.
mod estate;
mod process;

// The requests to the cloud, and which process sent them.
mod record;

// Prometheus, which scrapes every running shard.
mod prometheus;

// The tests.
mod alerts;
mod division;
