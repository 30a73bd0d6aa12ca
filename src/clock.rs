//! The one place where the time of day is read.
//!
//! Everything else takes a [`Moment`], or a [`Clock`] where it runs for long. Timers and durations
//! are Tokio's, so a test that pauses Tokio's time and takes [`Clock::virtual_at`] has both faces
//! of time under its hand.

use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One instant, read off both clocks: the wall's, for timestamps that people see, and the steady
/// one, for deadlines that a jump of the wall clock must not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time of day.
    pub wall: SystemTime,
    /// The steady clock.
    pub steady: Instant,
}

impl Moment {
    /// Whether `now` has reached this moment by either clock. The steady clock stands still while
    /// the machine is suspended, and the wall clock may be set: if one of the two says that a time
    /// has passed, it may have.
    pub fn is_reached(self, now: Self) -> bool {
        self.steady <= now.steady || self.wall <= now.wall
    }

    /// Returns a moment that is reached as soon as either of the two is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            steady: self.steady.min(other.steady),
        }
    }

    /// Unix time in seconds, for a signature.
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

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self {
            wall: self.wall + time,
            steady: self.steady + time,
        }
    }
}

/// Returns how long ago a time of day was. `None` if it lies in the future: then the clock was set
/// back by an unknown amount.
pub fn age(at: SystemTime, now: SystemTime) -> Option<Duration> {
    match now.duration_since(at) {
        Ok(age) => Some(age),
        Err(ahead) => (ahead.duration() <= MAX_SLEW).then_some(Duration::ZERO),
    }
}

/// A synchronized clock is corrected by no more than this.
const MAX_SLEW: Duration = Duration::from_secs(5);

/// Unix time in seconds with its fraction, as Prometheus wants a timestamp.
pub fn unix_seconds(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// Tells the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Steady { start: Moment },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `wall` now and goes on with Tokio's time, paused or not.
    pub fn virtual_at(wall: SystemTime) -> Self {
        let steady = Instant::now();
        Self(Source::Steady {
            start: Moment { wall, steady },
        })
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        let steady = Instant::now();
        let wall = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the place")]
            Source::System => SystemTime::now(),
            Source::Steady { start } => start.wall + steady.saturating_duration_since(start.steady),
        };
        Moment { wall, steady }
    }
}

/// From `now` until `then`; zero when it is past.
pub fn until(now: Moment, then: Instant) -> Duration {
    then.saturating_duration_since(now.steady)
}
