//! Periods of the cloud's clock that queries ask for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::shifted;

/// The longest period of one query: the API refuses 30 days.
const LONGEST: Duration = Duration::from_hours(29 * 24);

/// How far back a query may begin: a minute less than the 90 days of the API, which rejects a query
/// that begins a second too early.
const REACH: Duration = Duration::from_mins(90 * 24 * 60 - 1);

/// A period in Unix seconds of the cloud's clock, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub until: u64,
}

impl Window {
    /// Returns the periods to query, newest first. Each period is as long as one query may be, and none
    /// begins earlier than the API allows. The times are by the cloud's clock.
    pub(super) fn split(from: SystemTime, until: SystemTime) -> Vec<Self> {
        let from = from.max(reach(until));
        let mut windows = Vec::new();
        let mut end = until;
        while end > from {
            let begin = from.max(end - LONGEST);
            windows.push(Self {
                from: seconds(begin),
                until: seconds(end),
            });
            end = begin;
        }
        windows
    }

    /// Returns the oldest of these periods that reaches up to `until` or is as long as a query may be.
    pub(super) fn oldest(from: SystemTime, until: SystemTime, now: SystemTime) -> Self {
        let from = from.max(reach(now));
        let end = until.min(from + LONGEST);
        Self {
            from: seconds(from),
            until: seconds(end.max(from)),
        }
    }
}

/// Returns the earliest time of a query.
fn reach(now: SystemTime) -> SystemTime {
    now.checked_sub(REACH).unwrap_or(UNIX_EPOCH)
}

/// Converts a time of this machine to the cloud's clock.
pub(super) fn in_the_cloud(time: SystemTime, skew: i64) -> SystemTime {
    shifted(time, skew)
}

/// Converts a time of the cloud to this machine's clock.
pub(super) fn on_this_machine(time: SystemTime, skew: i64) -> SystemTime {
    shifted(time, skew.saturating_neg())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
