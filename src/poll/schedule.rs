//! When an account polls.

use std::time::{Duration, UNIX_EPOCH};

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
    /// The search for the operators behind changes. `None` if it is disabled.
    pub attribution: Option<AttributionSettings>,
    /// How much is kept, and for how long.
    pub retention: Retention,
}

impl Schedule {
    /// Returns when the second poll of an account is due if the first is `now`: at the account's
    /// phase, which is a stable hash of its name, by the wall clock. Later polls follow at the interval.
    pub fn second_poll(&self, account: &str, now: Moment) -> Instant {
        let interval = self.interval.as_nanos();
        let phase = u128::from(stable_hash(account)) % interval;
        let earliest = self.interval / MIN_FIRST_GAP;
        let since_epoch = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let into_interval = (since_epoch + earliest).as_nanos() % interval;
        let wait = (phase + interval - into_interval) % interval;
        let wait = u64::try_from(wait).expect("an interval is shorter than five centuries");
        now.steady + earliest + Duration::from_nanos(wait)
    }

    /// Returns when a task that should tick at `next` has stalled.
    pub(super) fn late_after(&self, next: Instant) -> Instant {
        next + STALL_TIMEOUT.max(self.interval * MISSED_TICKS)
    }
}
