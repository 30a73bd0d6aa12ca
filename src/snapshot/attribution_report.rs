//! The search for the operators who made the changes of one account.

use std::collections::BTreeMap;
use std::time::SystemTime;

use enum_map::EnumMap;
use serde::{Deserialize, Serialize};

use super::change_record::AttributionResult;
use super::operation_record::{Outcome, TrackEvent};
use super::search_state::{LookupState, SweepState};
use crate::clock::unix_nanos;
use crate::failure::Failure;

/// The searches of one account, and their counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributionReport {
    /// The results of searches that have ended.
    #[serde(skip)]
    pub results: EnumMap<AttributionResult, u64>,
    /// The searches that have not ended.
    pub lookups: Vec<LookupState>,
    /// Why the last search failed. `None` if it succeeded, or before the first one.
    #[serde(skip)]
    pub failure: Option<Failure>,
    /// `None` without a sweep interval.
    #[serde(rename = "sweep")]
    pub sweeps: Option<SweepReport>,
}

impl AttributionReport {
    /// The results with which a search ends.
    pub const RESULTS: [AttributionResult; 5] = [
        AttributionResult::Certain,
        AttributionResult::Candidate,
        AttributionResult::NotFound,
        AttributionResult::Denied,
        AttributionResult::Failed,
    ];

    /// Returns the number of changes whose operator is still searched.
    pub fn pending(&self) -> usize {
        self.lookups.iter().map(|lookup| lookup.changes.len()).sum()
    }
}

/// The sweeps of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// The end of the last sweep that succeeded.
    #[serde(rename = "last_unix_ns", with = "unix_nanos::option", default)]
    pub last: Option<SystemTime>,
    /// Where the next one begins.
    #[serde(flatten)]
    pub state: SweepState,
    /// Write operations on CloudAudit, by kind and outcome.
    #[serde(skip)]
    pub operations: BTreeMap<(TrackEvent, Outcome), u64>,
    /// When a sweep last found operations that were denied or failed, by kind and outcome.
    #[serde(skip)]
    pub attempts: BTreeMap<(TrackEvent, Outcome), SystemTime>,
    /// Tracks that were switched off and on again between two polls.
    #[serde(skip)]
    pub unseen_switch_offs: u64,
    /// The names of these tracks by id, and when each was last switched off, as far as the change feed
    /// has it.
    #[serde(skip)]
    pub unseen_tracks: BTreeMap<u64, (String, SystemTime)>,
}
