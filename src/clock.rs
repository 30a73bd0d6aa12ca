//! The only module that reads the system clock.
//!
//! Other code takes a [`Moment`], or a [`Clock`] if it runs for long. Timers are Tokio's, so a test
//! that pauses Tokio's time and uses [`Clock::virtual_at`] controls both the timers and the wall
//! clock.

use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::time::Instant;

pub mod nanos;
pub mod unix_nanos;

/// One instant on two clocks: the wall clock, for timestamps, and the steady clock, for deadlines
/// that a jump of the wall clock must not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time of day.
    pub wall: SystemTime,
    /// The steady clock.
    pub steady: Instant,
}

impl Moment {
    /// Returns whether `now` is past this moment on either clock. The steady clock stops while the
    /// machine is suspended, and the wall clock may be set back, so neither alone suffices.
    pub fn is_reached(self, now: Self) -> bool {
        self.steady <= now.steady || self.wall <= now.wall
    }

    /// Returns the earlier of two moments, on each clock.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            steady: self.steady.min(other.steady),
        }
    }

    /// Returns the Unix time in whole seconds, for a signature.
    pub fn unix_seconds(self) -> i64 {
        let seconds = unix_seconds(self.wall).floor();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole seconds of any year fit an i64"
        )]
        let seconds = seconds as i64;
        seconds
    }
}

impl Moment {
    /// Returns the time until the wall clock reaches a phase of the interval. The phase is a stable
    /// hash, so that a restart does not move it.
    pub fn until_phase(self, hash: u64, interval: Duration) -> Duration {
        let interval = interval.as_nanos();
        let phase = u128::from(hash) % interval;
        let since_epoch = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let into_interval = since_epoch.as_nanos() % interval;
        let wait = (phase + interval - into_interval) % interval;
        let wait = u64::try_from(wait).expect("an interval is shorter than five centuries");
        Duration::from_nanos(wait)
    }
}

/// The state file has the wall clock. The steady clock means nothing to another process.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        unix_nanos::serialize(&self.wall, serializer)
    }
}

/// The steady clock shows when the value was read.
impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            wall: unix_nanos::deserialize(deserializer)?,
            steady: Instant::now(),
        })
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self {
            wall: self.wall + time,
            steady: self.steady + time,
        }
    }
}

/// Returns a time that is `seconds` later, or earlier if they are negative; the same time if the result
/// cannot be represented.
pub fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let shifted = if seconds < 0 {
        time.checked_sub(by)
    } else {
        time.checked_add(by)
    };
    shifted.unwrap_or(time)
}

/// Returns how long ago a time was, or `None` if it is in the future: the clock was set back by an
/// unknown amount.
pub fn age(at: SystemTime, now: SystemTime) -> Option<Duration> {
    match now.duration_since(at) {
        Ok(age) => Some(age),
        Err(ahead) => (ahead.duration() <= MAX_SLEW).then_some(Duration::ZERO),
    }
}

/// The largest correction of a synchronized clock.
const MAX_SLEW: Duration = Duration::from_secs(5);

/// Returns the Unix time in seconds with its fraction, the unit of Prometheus timestamps.
pub fn unix_seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// A source of the current time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Steady { start: Moment },
}

impl Clock {
    /// Returns the system clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Creates a clock that shows `wall` now and advances with Tokio's time, paused or not.
    pub fn virtual_at(wall: SystemTime) -> Self {
        let steady = Instant::now();
        Self(Source::Steady {
            start: Moment { wall, steady },
        })
    }

    /// Returns the current time.
    pub fn now(&self) -> Moment {
        let steady = Instant::now();
        let wall = match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the only reading of the system clock"
            )]
            Source::System => SystemTime::now(),
            Source::Steady { start } => start.wall + steady.saturating_duration_since(start.steady),
        };
        Moment { wall, steady }
    }
}

/// Returns the time from `now` until `then`, or zero if `then` is past.
pub fn until(now: Moment, then: Instant) -> Duration {
    then.saturating_duration_since(now.steady)
}
