//! Organisations: accounts that nobody wrote down.
//!
//! Each organisation is asked for its members once in a while ([`Discovery`]); what it says becomes
//! accounts like those of the configuration ([`accounts`]), and the fleet changes over to them. A
//! refresh that fails changes nothing but what is said of it.

pub use self::accounts::{accounts, duplicate_warnings};
pub use self::discovery::{Discovery, DiscoveryResult};

// From members to accounts: pure.
mod accounts;

// The loop that asks.
mod discovery;
