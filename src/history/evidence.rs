//! Evidence: the time that complete listings account for.

use std::time::Duration;

use super::overview::OverviewCache;
use crate::clock::Moment;
use crate::snapshot::{
    AccountInfo, Evidence, LastGood, LatestListing, OrganizationCoverage, TargetReport,
};

/// Two listings more intervals apart than this are no evidence for the time between them.
const MAX_GAP_INTERVALS: u32 = 3;

/// Returns the evidence after one more complete listing, at `now`. The time between two listings is
/// covered if the account was covered at both ends; no listing shows a change that was reverted in
/// between.
pub fn accrue(evidence: Evidence, now: Moment, interval: Duration, covered: bool) -> Evidence {
    let Evidence {
        observed,
        covered: covered_time,
        latest,
    } = evidence;
    let (since, is_close, was_covered) = match latest {
        Some(LatestListing { at, was_covered }) => {
            let since = now.steady.saturating_duration_since(at.steady);
            // The steady clock stops while the machine is suspended.
            let by_wall = now.wall.duration_since(at.wall).unwrap_or_default();
            let max_gap = interval * MAX_GAP_INTERVALS;
            (since, since.max(by_wall) <= max_gap, was_covered)
        }
        None => (Duration::ZERO, false, false),
    };
    let added = if is_close { since } else { Duration::ZERO };
    let added_covered = if was_covered && covered {
        added
    } else {
        Duration::ZERO
    };
    Evidence {
        observed: observed + added,
        covered: covered_time + added_covered,
        latest: Some(LatestListing {
            at: now,
            was_covered: covered,
        }),
    }
}

/// Returns whether the account is known to be covered now: by its organization's own tracks, if the
/// last attempt to list them succeeded, or by its own listings, if they are young enough to be
/// evidence. Older listings may still be shown, but a sum of seconds does not show their age. The age
/// of a listing with a time in the future is unknown.
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
        age.is_some_and(|age| age <= interval * MAX_GAP_INTERVALS)
    };
    let own = overviews.own_overviews(account, targets.into_iter().filter(is_young));
    let own = own.iter().find(|overview| overview.is_of(now));
    let is_covered_by_organization = organization.is_some_and(|it| it.is_evidence(now));
    own.is_some_and(|own| own.totals.covered == Some(true) || is_covered_by_organization)
}
