//! The report of an account and of its targets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use enum_map::EnumMap;
use serde::{Deserialize, Serialize};

use super::account::AccountInfo;
use super::attribution_report::AttributionReport;
use super::counters::{ApiCounters, TargetCounters};
use super::delivery::DeliveryReport;
use super::past::Past;
use super::track::{Listing, Status, Track};
use crate::clock::{Moment, nanos, unix_nanos};
use crate::failure::Failure;

/// Everything that is known of one account.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// From the configuration.
    pub account: Arc<AccountInfo>,
    /// The UIN of the account that its keys belong to, as STS or the configuration says; `None` if it
    /// is unknown.
    pub owner: Option<String>,
    /// One for each region, in the order of the configuration.
    pub targets: Vec<TargetReport>,
    /// Counters of its requests.
    pub api: ApiCounters,
    /// The limit of its rate limiter, in requests a second.
    pub requests_per_second: f64,
    /// When the current key came into use. `None` before the first key.
    pub credentials_changed: Option<SystemTime>,
    /// Renewals of its credentials. `None` if they never change.
    pub renewals: Option<Renewals>,
    /// The figures over its targets, one for each period until a listing is too old. The periods do
    /// not overlap.
    pub overviews: Vec<Overview>,
    /// The time that its complete listings are evidence for.
    pub evidence: Evidence,
    /// Its storage targets, by target. `None` if they are not checked.
    pub deliveries: Option<Vec<Arc<DeliveryReport>>>,
    /// When the latest queries of due operations were sent, for their limit.
    pub delivery_queries: Vec<Moment>,
    /// The search for the operators who made its changes. `None` if attribution is disabled.
    pub attribution: Option<Arc<AttributionReport>>,
}

/// Renewals of an account's credentials, whose provider other accounts may share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewals {
    /// When the current key expires. `None` if it does not.
    pub expires: Option<SystemTime>,
    /// Successful refreshes.
    pub refreshes: u64,
    /// Failed refreshes.
    pub failures: u64,
    /// Why the last refresh failed. `None` if it succeeded, or if each request reads the key.
    pub failure: Option<Failure>,
}

/// The figures of an account over the targets whose listings may be shown, for one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The start of the period. `None` if it has started.
    pub from: Option<Moment>,
    /// The end of the period.
    pub until: Moment,
    /// The oldest listing that the coverage depends on, even if that listing is now too old to decide
    /// it. `None` if coverage is unknown for another reason.
    pub coverage_checked: Option<SystemTime>,
    /// Shared, because most polls do not change it.
    pub totals: Arc<Totals>,
}

/// The figures of an account over its targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Distinct tracks.
    pub tracks: EnumMap<Status, u64>,
    /// Whether the enabled tracks together record everything. `None` if that is unknown.
    pub covered: Option<bool>,
    /// The state of each expected track.
    pub expectations: Vec<Expectation>,
}

impl Overview {
    /// Returns whether `now` is in its period.
    pub fn is_of(&self, now: Moment) -> bool {
        self.from.is_none_or(|from| from.is_reached(now)) && !self.until.is_reached(now)
    }
}

/// The state of an expected track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// Whether it is listed. `None` if that is unknown.
    pub present: Option<bool>,
    /// Whether it is listed, enabled and has the expected values. `None` if that is unknown.
    pub matches: Option<bool>,
}

/// The time that an account's complete listings account for, and how much of it was covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Time between listings that were close enough together.
    #[serde(rename = "observed_ns", with = "nanos")]
    pub observed: Duration,
    /// The part of it with coverage at both ends.
    #[serde(rename = "covered_ns", with = "nanos")]
    pub covered: Duration,
    /// The latest listing.
    pub latest: Option<LatestListing>,
}

/// The latest listing of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestListing {
    /// The end of its poll.
    #[serde(rename = "at_unix_ns")]
    pub at: Moment,
    /// Whether the account was known to be covered then.
    pub was_covered: bool,
}

/// Everything that is known of one target.
#[derive(Clone, Debug, Default)]
pub struct TargetReport {
    /// The API region.
    pub region: String,
    /// The time between two polls.
    pub interval: Duration,
    /// The last poll that ended, failed or not.
    pub last_poll: Option<PollEnd>,
    /// Why the last poll failed. `None` if it succeeded.
    pub failure: Option<Failure>,
    /// The last complete listing, updated by incomplete ones since.
    pub last_good: Option<LastGood>,
    /// Shared, so that an unchanged value is the same allocation.
    pub past: Arc<Past>,
    /// Tracks that were listed once and are not now, while the API reports more tracks than it lists.
    /// Such a listing does not prove that a track was deleted, so they wait for one that does.
    pub unproven: BTreeMap<u64, Track>,
    /// Numbers that only grow.
    pub counters: TargetCounters,
}

impl TargetReport {
    /// Returns whether the last poll ended with a complete listing.
    pub fn is_up(&self) -> bool {
        self.last_poll.is_some() && self.failure.is_none()
    }
}

/// When a poll ended and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollEnd {
    /// The time of day at its end.
    #[serde(
        rename = "at_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub at: SystemTime,
    /// Its duration, with the wait for the rate limiter.
    #[serde(rename = "took_ns", with = "nanos", default)]
    pub took: Duration,
}

/// A listing and how long it may be shown.
#[derive(Clone, Debug)]
pub struct LastGood {
    /// Shared, so that an unchanged value is the same allocation.
    pub listing: Arc<Listing>,
    /// The end of the poll that last listed it; 1970 if that is unknown.
    pub at: SystemTime,
    /// How long that poll took.
    pub took: Duration,
    /// When its series are hidden, even if the account's task has stopped.
    pub show_until: Moment,
    /// Whether the listing is the result of one poll. Otherwise incomplete listings have updated it,
    /// and it is unknown which tracks exist.
    pub is_complete: bool,
}

impl LastGood {
    /// Returns the end of the poll that last listed it, if that is known.
    pub fn known_at(&self) -> Option<SystemTime> {
        (self.at > UNIX_EPOCH).then_some(self.at)
    }

    /// Returns the beginning of that poll, if it is known. The tracks may have changed since.
    pub fn known_beginning(&self) -> Option<SystemTime> {
        self.known_at()?.checked_sub(self.took)
    }
}
