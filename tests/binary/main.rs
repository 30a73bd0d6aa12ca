//! The binary: its commands, and what it serves while it polls a simulated cloud.

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
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/mod.rs"]
mod support;

// The binary, started and scraped, and what it polls.
mod cloud;

// The tests.
mod ageing;
mod arrivals;
mod ca_file;
mod check;
mod commands;
mod demo;
mod files;
mod fleet;
mod forget;
mod lifecycle;
mod memory;
mod online;
mod online_storage;
mod operators;
mod organization;
mod page_url;
mod policy;
mod process;
mod proxy;
mod refusals;
mod restart;
mod secrets;
mod shards;
mod turnover;
