//! The account: polls its regions on its own clock, and publishes what came of it.
//!
//! One loop for each account. Every region is a poll of its own, side by side with the others, and
//! is published when it ends; a region that hangs holds up nobody but itself.

pub use self::account::Account;
pub use self::schedule::Schedule;
pub use self::seat::{Memory, Seat};

// When, and the loop that keeps to it.
mod account;
mod running;
mod schedule;

// One poll: its limits, and the count of its calls.
mod asker;

// What listings leave out.
mod details;

// What came of it: kept, said and handed on.
mod ledger;
mod log;

// What stays when the loop goes.
mod seat;
