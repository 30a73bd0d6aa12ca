//! The account: polls its regions on its own clock, and publishes a report after every poll.
//!
//! One task for each account. The regions are polled concurrently, and each is published when its
//! poll ends, so a region that hangs delays no other.

pub use self::account::{Account, AccountParts};
pub use self::attribution::AttributionSettings;
pub use self::delivery::DeliveryParts;
pub use self::handle::{Memory, Publish, PublishHandle};
pub use self::schedule::Schedule;

// When, and the loop that keeps to it.
mod account;
mod in_flight;
mod schedule;

// One poll: its limits, and the counters of its requests.
mod poller;

// The details that listings omit.
mod details;

// The checks of storage targets.
mod delivery;
mod delivery_line;
// The search for the operators who made changes.
mod attribution;
mod operators;
mod search;

// What is known: recorded, logged and published.
mod change_line;
mod log;
mod state;

// What outlives the task.
mod handle;
