//! Credentials and accounts: every provider, from the configuration text to the simulated cloud, in
//! memory and in paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

// A fleet at the simulated cloud, and its reports.
pub(crate) mod stage;

// One account.
mod key_lines;
mod messages;
mod pinned;
mod probe;
mod providers;
mod renewals;
mod short;
mod swapped;
mod tolerance;
mod uin;
mod unverifiable;

// Many accounts.
mod changes;
mod coverage;
mod details;
mod organization;
mod shards;
