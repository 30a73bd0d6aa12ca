//! When an account polls after its first poll, whose time the fleet sets.

use std::time::Duration;

use tokio::time::Instant;

use super::attribution::AttributionSettings;
use crate::clock::Moment;
use crate::hash::stable_hash;
use crate::heartbeat::STALL_TIMEOUT;
use crate::history::Retention;

/// The second poll is at least this fraction of an interval after the first. Otherwise it might be due
/// during the first poll and be skipped.
const MIN_FIRST_GAP: u32 = 10;

/// A task that misses this many ticks has stalled.
const MISSED_TICKS: u32 = 3;

/// When an account polls, and how long the result is kept.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The time between two polls of a target.
    pub interval: Duration,
    /// The time between two requests for the details of a track. `None` to request none.
    pub details_interval: Option<Duration>,
    /// The search for the operators who made changes. `None` if it is disabled.
    pub attribution: Option<AttributionSettings>,
    /// How much is kept, and for how long.
    pub retention: Retention,
}

impl Schedule {
    /// Returns when the second poll of an account is due if the first is `now`: at the account's
    /// phase, which is a stable hash of its name, by the wall clock. Later polls follow at the interval.
    pub fn second_poll(&self, account: &str, now: Moment) -> Instant {
        let earliest = now + self.interval / MIN_FIRST_GAP;
        earliest.steady + earliest.until_phase(stable_hash(account), self.interval)
    }

    /// Returns when a task that should tick at `next` has stalled.
    pub(super) fn late_after(&self, next: Instant) -> Instant {
        next + STALL_TIMEOUT.max(self.interval * MISSED_TICKS)
    }
}
