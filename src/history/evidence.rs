//! What complete listings are worth as evidence: time that they vouch for.

use std::time::Duration;

use crate::clock::Moment;
use crate::snapshot::Evidence;

/// Two listings further apart than so many intervals vouch for nothing between them.
const FURTHEST_INTERVALS: u32 = 3;

/// What is proved once there is another complete listing, at `now`. Time is covered where it was so
/// at both ends; what happened in between and was undone again, no listing can show.
pub fn vouch(evidence: Evidence, now: Moment, interval: Duration, covered: bool) -> Evidence {
    let Evidence {
        observed,
        covered: covered_time,
        latest,
    } = evidence;
    let (since, was_covered) = match latest {
        Some((latest, covered)) => (now.steady.saturating_duration_since(latest.steady), covered),
        None => (Duration::ZERO, false),
    };
    let vouched = if since <= interval * FURTHEST_INTERVALS {
        since
    } else {
        Duration::ZERO
    };
    let vouched_covered = if was_covered && covered {
        vouched
    } else {
        Duration::ZERO
    };
    Evidence {
        observed: observed + vouched,
        covered: covered_time + vouched_covered,
        latest: Some((now, covered)),
    }
}
