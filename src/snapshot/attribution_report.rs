//! The search for the operators behind the changes of one account.

use std::collections::BTreeMap;
use std::time::SystemTime;

use enum_map::EnumMap;

use super::change_record::AttributionResult;
use super::operation_record::{Outcome, TrackEvent};
use super::search_state::{LookupState, SweepState};

/// The searches of one account, and their counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributionReport {
    /// The results of searches that have ended.
    pub results: EnumMap<AttributionResult, u64>,
    /// The searches that have not ended.
    pub lookups: Vec<LookupState>,
    /// `None` without a sweep interval.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepReport {
    /// The end of the last sweep that succeeded.
    pub last: Option<SystemTime>,
    /// Where the next one begins.
    pub state: SweepState,
    /// Writes to tracks, by kind and outcome.
    pub operations: BTreeMap<(TrackEvent, Outcome), u64>,
    /// Tracks that were switched off and on again between two polls.
    pub unseen_switch_offs: u64,
}
