//! Fragments, and the time in which each may be shown.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::fragment::Fragment;
use crate::clock::Moment;

/// A fragment and the time in which it may be shown.
#[derive(Clone, Debug)]
pub struct TimedFragment {
    /// Hidden before this moment.
    pub from: Option<Moment>,
    /// Hidden from this time of the steady clock on.
    pub until: Option<Instant>,
    /// Hidden from this time of the wall clock on.
    pub until_wall: Option<SystemTime>,
    /// The samples.
    pub fragment: Arc<Fragment>,
}

impl TimedFragment {
    /// Returns whether it is shown at `now`.
    pub fn is_shown(&self, now: Moment) -> bool {
        self.from.is_none_or(|from| from.is_reached(now))
            && self.until.is_none_or(|until| now.steady < until)
            && self.until_wall.is_none_or(|until| now.wall < until)
    }

    /// Returns when that may change next.
    pub fn next_change(&self, now: Moment) -> NextChange {
        let steady = [self.from.map(|from| from.steady), self.until];
        let wall = [self.from.map(|from| from.wall), self.until_wall];
        let steady = steady.into_iter().flatten();
        let wall = wall.into_iter().flatten();
        NextChange {
            steady: steady.filter(|time| *time > now.steady).min(),
            wall: wall.filter(|time| *time > now.wall).min(),
        }
    }

    /// Creates a fragment that is always shown.
    pub(super) fn always(fragment: Arc<Fragment>) -> Self {
        Self::between(None, None, fragment)
    }

    /// Creates a fragment about the present: hidden as soon as either clock reaches the end.
    pub(super) fn between(
        from: Option<Moment>,
        until: Option<Moment>,
        fragment: Arc<Fragment>,
    ) -> Self {
        Self {
            from,
            until: until.map(|until| until.steady),
            until_wall: until.map(|until| until.wall),
            fragment,
        }
    }

    /// Creates a fragment about the past, which stays true: setting the wall clock does not hide it.
    pub(super) fn past(until: Option<Instant>, fragment: Arc<Fragment>) -> Self {
        Self {
            from: None,
            until,
            until_wall: None,
            fragment,
        }
    }
}

/// When fragments begin or end to be shown, by each clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct NextChange {
    steady: Option<Instant>,
    wall: Option<SystemTime>,
}

impl NextChange {
    /// Returns whether `now` has reached it by either clock.
    pub fn is_reached(self, now: Moment) -> bool {
        self.steady.is_some_and(|time| time <= now.steady)
            || self.wall.is_some_and(|time| time <= now.wall)
    }

    /// Returns the earlier of two changes, by each clock.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            steady: self.steady.into_iter().chain(other.steady).min(),
            wall: self.wall.into_iter().chain(other.wall).min(),
        }
    }
}
