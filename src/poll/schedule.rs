//! When an account polls.

use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;

use crate::clock::Moment;
use crate::hash::stable_hash;
use crate::heartbeat::STALL_TIMEOUT;
use crate::history::Retention;

/// The second poll is at least this part of an interval after the first: at a phase that falls into
/// the first poll it would only be a skip.
const LEAST_FIRST_GAP: u32 = 10;

/// A loop that misses so many ticks stands still.
const MISSED_TICKS: u32 = 3;

/// When an account polls, and how long a poll counts.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The time between two polls of a target.
    pub interval: Duration,
    /// The time between two questions for what a track's listing leaves out; none: never.
    pub details_interval: Option<Duration>,
    /// How much of what was seen is kept, and how long.
    pub retention: Retention,
}

impl Schedule {
    /// When the second poll of an account is due, the first being `now`: at the account's phase,
    /// which is a stable hash of its name on the wall clock. All later ones follow at the interval.
    pub fn second_poll(&self, account: &str, now: Moment) -> Instant {
        let interval = self.interval.as_nanos();
        let phase = u128::from(stable_hash(account)) % interval;
        let earliest = self.interval / LEAST_FIRST_GAP;
        let since_epoch = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let into_interval = (since_epoch + earliest).as_nanos() % interval;
        let wait = (phase + interval - into_interval) % interval;
        let wait = u64::try_from(wait).expect("an interval is shorter than five centuries");
        now.steady + earliest + Duration::from_nanos(wait)
    }

    /// When a loop that should tick at `next` has stood still for too long.
    pub(super) fn late_after(&self, next: Instant) -> Instant {
        next + STALL_TIMEOUT.max(self.interval * MISSED_TICKS)
    }
}
