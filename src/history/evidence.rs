//! What complete listings are worth as evidence: time that they vouch for.

use std::time::Duration;

use super::overview::Sums;
use crate::clock::Moment;
use crate::snapshot::{AccountInfo, Evidence, LastGood, Overview, TargetReport};

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

/// Whether it is known that the account is covered now, by what is believed of its organisation's
/// own tracks or by listings that are young enough to vouch for time. Older ones are good enough to
/// look at, but whoever reads a sum of seconds cannot see how old they were. One that seems to be
/// of a time to come is of a time that is not known.
pub fn is_covered<'a>(
    sums: &mut Sums,
    account: &AccountInfo,
    targets: impl IntoIterator<Item = &'a TargetReport>,
    interval: Duration,
    now: Moment,
) -> bool {
    let is_young = |target: &&TargetReport| {
        let age = |good: &LastGood| now.wall.duration_since(good.at);
        let age = target.last_good.as_ref().and_then(|good| age(good).ok());
        age.is_some_and(|age| age <= interval * FURTHEST_INTERVALS)
    };
    let overviews = sums.overviews(account, targets.into_iter().filter(is_young));
    let is_now = |overview: &&Overview| {
        overview.from.is_none_or(|from| from <= now.steady) && now.steady < overview.until
    };
    let overview = overviews.iter().find(is_now);
    overview.is_some_and(|overview| overview.covered == Some(true))
}
