//! The fault table, `docs/faults.md`: every row of it is made by the test of its name.
//!
//! A test plays a fault, asserts what `/metrics` shows while it lasts and after it, and compares
//! its row of the table with what it has asserted. In memory under paused time where it can be, and
//! with the binary over loopback where only the wire will do.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "another process lives in real time"
)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "counts are whole numbers, and what stands still is the same to the bit"
)]
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../support/mod.rs"]
mod support;

// A row: what is said of a fault, how it is played, and where it is written.
mod document;
mod play;
mod row;
mod shown;

// Where faults are played.
mod memory;
mod wire;

// The tests, as the table has them.
mod account;
mod answers;
mod files;
mod network;
mod organization;
mod outage;
mod pages;
mod process;
mod time;

use cloudaudit_exporter::sim::{Account, World};

const UIN: &str = "100000000001";
const SECRET_ID: &str = "AKIDof100000000001";
const SECRET_KEY: &str = "keyof100000000001";
const REGION: &str = "ap-guangzhou";
const OTHER_REGION: &str = "ap-singapore";

/// The account that is polled.
fn account(world: &World) -> Account {
    world.account(UIN).unwrap()
}
