//! Organizations of Tencent Cloud, whose member accounts are discovered.
//!
//! [`Discovery`] lists the members of an organization periodically. [`accounts`] turns them into
//! accounts like those of the configuration, which the fleet then polls. After a failed discovery,
//! the previous members stay.

pub use self::accounts::{accounts, duplicate_warnings};
pub use self::discovery::{Discovery, DiscoveryResult};

// Members become accounts, without I/O.
mod accounts;

// The periodic discovery.
mod discovery;
