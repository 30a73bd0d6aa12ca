//! What is known of an account and of its targets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::account::AccountInfo;
use super::counters::{ApiCounters, TargetCounters};
use super::past::Past;
use super::track::{Listing, Status, Track};
use crate::clock::Moment;
use crate::failure::Failure;

/// All that is known of one account.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// From the configuration.
    pub account: Arc<AccountInfo>,
    /// The UIN of the account that its keys belong to, as STS or the configuration says; `None` if it
    /// is not known.
    pub owner: Option<String>,
    /// One for each region, in the order of the configuration.
    pub targets: Vec<TargetReport>,
    /// What its calls came to.
    pub api: ApiCounters,
    /// The ceiling of the pacer it uses, in requests a second.
    pub requests_per_second: f64,
    /// When the key in use was taken up; none before there was one.
    pub credentials_changed: Option<SystemTime>,
    /// What became of keys that end or are read again; none where there is one that never changes.
    pub renewals: Option<Renewals>,
    /// What its targets come to together, for each of the times until one of them is too old. The
    /// times do not overlap.
    pub overviews: Vec<Overview>,
    /// How long its listings vouch for.
    pub evidence: Evidence,
    /// What of it is shown: no more than a restart would bring back, for a counter that came back
    /// lower than it was scraped would be counted twice.
    pub shown_evidence: Evidence,
}

/// What became of the keys of an account's provider, which others may share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewals {
    /// When the key in use ends; none for one that does not.
    pub expires: Option<SystemTime>,
    /// How often a key was taken up.
    pub refreshes: u64,
    /// How often none was to be had.
    pub failures: u64,
}

/// What the targets of an account come to together, over those whose data is young enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Not before this; none: from now on.
    pub from: Option<Moment>,
    /// Not from this on.
    pub until: Moment,
    /// Distinct tracks by status, by the index of [`Status::ALL`].
    pub tracks: [u64; Status::ALL.len()],
    /// Whether the enabled tracks together record everything; none where that is not known.
    pub covered: Option<bool>,
    /// The oldest observation that `covered` rests on; `None` if it is not known.
    pub coverage_checked: Option<SystemTime>,
    /// What became of each expected track.
    pub expectations: Vec<Expectation>,
}

impl Overview {
    /// Whether it is true at `now`.
    pub fn is_of(&self, now: Moment) -> bool {
        self.from.is_none_or(|from| from.is_reached(now)) && !self.until.is_reached(now)
    }
}

/// What became of an expected track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// Whether it is listed; none where a listing does not prove that it is not.
    pub present: Option<bool>,
    /// Whether it is listed, enabled and as it should be; likewise.
    pub matches: Option<bool>,
}

/// How long an account's complete listings vouch for, and how much of that was covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Time between listings that were close enough together.
    pub observed: Duration,
    /// The part of it that was covered at both ends.
    pub covered: Duration,
    /// The latest listing, and whether it was known to be covered then.
    pub latest: Option<(Moment, bool)>,
}

/// All that is known of one target.
#[derive(Clone, Debug, Default)]
pub struct TargetReport {
    /// The API region that is asked.
    pub region: String,
    /// The time between two polls.
    pub interval: Duration,
    /// The last poll that ended, whatever came of it.
    pub last_poll: Option<PollEnd>,
    /// Why the last poll failed; none where it did not.
    pub failure: Option<Failure>,
    /// The last complete listing, with what incomplete ones have shown since.
    pub last_good: Option<LastGood>,
    /// Shared, so that "nothing changed" is one comparison of pointers.
    pub past: Arc<Past>,
    /// Tracks that were listed once and are not now, while the API reports more than it lists. Such
    /// a listing proves of nobody that he is gone, so they wait here for one that does.
    pub unproven: BTreeMap<u64, Track>,
    /// Numbers that only grow.
    pub counters: TargetCounters,
}

impl TargetReport {
    /// Whether the last poll ended with a complete listing.
    pub fn is_up(&self) -> bool {
        self.last_poll.is_some() && self.failure.is_none()
    }
}

/// When a poll ended and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollEnd {
    /// The time of day at its end.
    pub at: SystemTime,
    /// From its first call to its end, waiting for the pacer included.
    pub took: Duration,
}

/// A listing and how long it may be shown.
#[derive(Clone, Debug)]
pub struct LastGood {
    /// Shared, so that "nothing changed" is one comparison of pointers.
    pub listing: Arc<Listing>,
    /// The end of the poll that brought it or found it unchanged; 1970 if that is not known.
    pub at: SystemTime,
    /// From here on its series are hidden, whatever became of the task that polls.
    pub show_until: Moment,
    /// Whether the listing is that of one poll. Otherwise incomplete listings have updated it
    /// since, and which tracks there are is not known.
    pub is_complete: bool,
}

impl LastGood {
    /// The end of the poll that brought it, if that is known.
    pub fn known_at(&self) -> Option<SystemTime> {
        (self.at > UNIX_EPOCH).then_some(self.at)
    }
}
