//! What complete listings are worth as evidence: time that they accrue for.

use std::time::Duration;

use super::overview::OverviewCache;
use crate::clock::Moment;
use crate::snapshot::{AccountInfo, Evidence, LastGood, OrganizationCoverage, TargetReport};

/// Two listings further apart than so many intervals accrue for nothing between them.
const FURTHEST_INTERVALS: u32 = 3;

/// What is proved once there is another complete listing, at `now`. Time is covered where it was so
/// at both ends; what happened in between and was undone again, no listing can show.
pub fn accrue(evidence: Evidence, now: Moment, interval: Duration, covered: bool) -> Evidence {
    let Evidence {
        observed,
        covered: covered_time,
        latest,
    } = evidence;
    let (since, is_close, was_covered) = match latest {
        Some((latest, covered)) => {
            let since = now.steady.saturating_duration_since(latest.steady);
            // The steady clock stands still while the machine is suspended.
            let by_wall = now.wall.duration_since(latest.wall).unwrap_or_default();
            let furthest = interval * FURTHEST_INTERVALS;
            (since, since.max(by_wall) <= furthest, covered)
        }
        None => (Duration::ZERO, false, false),
    };
    let vouched = if is_close { since } else { Duration::ZERO };
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

/// Whether it is known that the account is covered now, by its organisation's own tracks, if the
/// last attempt to list them succeeded, or by listings that are young enough to accrue for time. Older ones are good enough to
/// look at, but whoever reads a sum of seconds cannot see how old they were. One that seems to be
/// of a time to come is of a time that is not known.
pub fn is_covered<'a>(
    overviews: &mut OverviewCache,
    account: &AccountInfo,
    organization: Option<OrganizationCoverage>,
    targets: impl IntoIterator<Item = &'a TargetReport>,
    interval: Duration,
    now: Moment,
) -> bool {
    let is_young = |target: &&TargetReport| {
        let age = |good: &LastGood| now.wall.duration_since(good.at);
        let age = target.last_good.as_ref().and_then(|good| age(good).ok());
        age.is_some_and(|age| age <= interval * FURTHEST_INTERVALS)
    };
    let own = overviews.own_overviews(account, targets.into_iter().filter(is_young));
    let own = own.iter().find(|overview| overview.is_of(now));
    let is_covered_by_organization = organization.is_some_and(|it| it.is_evidence(now));
    own.is_some_and(|own| own.totals.covered == Some(true) || is_covered_by_organization)
}
