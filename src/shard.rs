//! The part of the accounts that one process of several polls.
//!
//! Whoever starts the processes tells each how many there are and which of them it is; they never
//! talk to each other. Each computes from the same configuration whose an account is, by rendezvous
//! hashing: every shard has a weight for the account's key, and the heaviest has it. So a shard that
//! joins `n` others takes those accounts that it is the heaviest for, one of `n + 1`, and no others
//! move.

use std::fmt;
use std::time::Duration;

use crate::hash::{stable_hash, weight};

/// The most shards there may be: a thousand, each with an account or ten thousand.
pub const MAX_SHARDS: u32 = 1000;

/// How long a shard waits before its first polls. When the number of shards changes, all processes
/// are replaced at about the same time, and one that is just ending may still poll what is ours
/// now. It is told to end by the same hand that starts us, and is gone within seconds.
pub const STARTUP_DELAY: Duration = Duration::from_secs(10);

/// One of so many shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    ordinal: u32,
    total: u32,
}

impl Shard {
    /// The only process: everything is its own.
    pub const ALONE: Self = Self {
        ordinal: 0,
        total: 1,
    };

    /// The shard with this number, counted from 0, of `total`.
    ///
    /// # Errors
    ///
    /// There is no such shard.
    pub fn new(ordinal: u32, total: u32) -> Result<Self, String> {
        match total {
            0 => Err("there is at least 1 shard".to_owned()),
            total if total > MAX_SHARDS => Err(format!("there are at most {MAX_SHARDS} shards")),
            1 if ordinal > 0 => Err("the only shard is number 0".to_owned()),
            total if ordinal >= total => Err(format!(
                "{total} shards are counted from 0, so the last is number {}",
                total - 1
            )),
            total => Ok(Self { ordinal, total }),
        }
    }

    /// Its number, counted from 0.
    pub fn ordinal(self) -> u32 {
        self.ordinal
    }

    /// How many shards there are.
    pub fn total(self) -> u32 {
        self.total
    }

    /// Whether there are others.
    pub fn is_sharded(self) -> bool {
        self.total > 1
    }

    /// Whether what goes by this key is this shard's.
    pub fn owns(self, key: &str) -> bool {
        !self.is_sharded() || owner(key, self.total) == self.ordinal
    }

    /// How long it waits before its first polls.
    pub fn startup_delay(self) -> Duration {
        if self.is_sharded() {
            STARTUP_DELAY
        } else {
            Duration::ZERO
        }
    }

    /// Its part of a rate that the shards have together, in calls a second: a whole number, where
    /// there is one. At 12.5 a second 13 calls may fall into one second, and 8 times 13 is more
    /// than 100.
    pub fn share(self, per_second: u32) -> f64 {
        let part = f64::from(per_second) / f64::from(self.total);
        if part < 1.0 { part } else { part.floor() }
    }

    /// Its place in a time that each shard does the same thing in once, so that they take turns:
    /// the whole of it for the last, or only, shard.
    pub fn stagger(self, time: Duration) -> Duration {
        time * (self.ordinal + 1) / self.total
    }
}

/// The number of the shard, of so many, that has what goes by this key.
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
