//! Shards as they are run: real processes that divide ten thousand accounts, come and go, and are
//! watched by a real Prometheus with the shipped rules.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes live in real time"
)]
#![allow(clippy::print_stdout, reason = "the figures are the point")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/mod.rs"]
mod support;

// What there is to be divided, and the processes that divide it.
mod estate;
mod process;

// What was asked of the cloud, and by whom.
mod record;

// Prometheus, which scrapes whoever there is.
mod prometheus;

// The tests.
mod alerts;
mod division;
