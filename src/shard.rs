//! Sharding: which accounts this process polls if several processes divide the accounts.
//!
//! Each process has an ordinal and the number of shards from its command line; the processes do not
//! communicate. All compute the owner of an account from the same configuration by rendezvous
//! hashing: every shard has a weight for the account's key, and the shard with the highest weight
//! owns the account. A shard that is added to `n` others takes over one account of `n + 1`, and no
//! other account moves.

use std::fmt;
use std::time::Duration;

use crate::hash::{stable_hash, weight};

/// The highest number of shards.
pub const MAX_SHARDS: u32 = 1000;

/// How long a shard waits before its first polls. When the number of shards changes, all processes
/// are replaced at about the same time. A process that is stopping may poll this shard's accounts
/// for a few more seconds.
pub const STARTUP_DELAY: Duration = Duration::from_secs(10);

/// One shard of several, or the only process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    ordinal: u32,
    total: u32,
}

impl Shard {
    /// The only process, which owns every account.
    pub const ALONE: Self = Self {
        ordinal: 0,
        total: 1,
    };

    /// Returns the shard with this ordinal, counted from 0, of `total`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such shard.
    pub fn new(ordinal: u32, total: u32) -> Result<Self, String> {
        match total {
            0 => Err("there must be at least 1 shard".to_owned()),
            total if total > MAX_SHARDS => Err(format!("there can be at most {MAX_SHARDS} shards")),
            1 if ordinal > 0 => Err("the only shard has the number 0".to_owned()),
            total if ordinal >= total => Err(format!(
                "shards are counted from 0, so the last of {total} has the number {}",
                total - 1
            )),
            total => Ok(Self { ordinal, total }),
        }
    }

    /// Returns the number of this shard, counted from 0.
    pub fn ordinal(self) -> u32 {
        self.ordinal
    }

    /// Returns the number of shards.
    pub fn total(self) -> u32 {
        self.total
    }

    /// Returns whether there is more than one shard.
    pub fn is_sharded(self) -> bool {
        self.total > 1
    }

    /// Returns whether this shard owns the account or organization with this key.
    pub fn owns(self, key: &str) -> bool {
        !self.is_sharded() || owner(key, self.total) == self.ordinal
    }

    /// How long this shard waits before its first polls; see [`STARTUP_DELAY`].
    pub fn startup_delay(self) -> Duration {
        if self.is_sharded() {
            STARTUP_DELAY
        } else {
            Duration::ZERO
        }
    }

    /// Returns this shard's part of a rate that all shards share, in requests per second, rounded
    /// down if it is above 1. At 12.5 per second, 13 requests may fall into one second, and 8 shards
    /// would send 104 instead of 100.
    pub fn share(self, per_second: u32) -> f64 {
        let part = f64::from(per_second) / f64::from(self.total);
        if part < 1.0 { part } else { part.floor() }
    }

    /// Returns the offset of this shard within `time`, so that the shards act one after another
    /// rather than all at once. The last or only shard has the whole `time`.
    pub fn stagger(self, time: Duration) -> Duration {
        time * (self.ordinal + 1) / self.total
    }
}

/// Returns the number of the shard that owns this key.
fn owner(key: &str, total: u32) -> u32 {
    let hash = stable_hash(key);
    (0..total)
        .max_by_key(|ordinal| weight(hash, *ordinal))
        .expect("there is at least one shard")
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "shard {} of {}, counted from 0",
            self.ordinal, self.total
        )
    }
}
