//! The search for operators in the file, without its counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::time::UnixNanos;
use crate::snapshot::{
    AttributionReport, LookupState, Remembered, SweepReport, SweepState, TrackRef,
};

/// The searches of one account that have not ended, and where its sweeps are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedAttribution {
    lookups: Vec<SavedLookup>,
    sweep: Option<SavedSweep>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedLookup {
    began_unix_ns: UnixNanos,
    previous_unix_ns: Option<UnixNanos>,
    attempts: usize,
    requests: u32,
    /// The ids of changes in the change feed.
    changes: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedSweep {
    last_unix_ns: Option<UnixNanos>,
    until_unix_ns: UnixNanos,
    remembered: Vec<SavedOperationKey>,
}

/// An operation that was counted, and the track that it switched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedOperationKey {
    at_unix_ns: UnixNanos,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    track_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    switched_on: Option<bool>,
}

impl From<&AttributionReport> for SavedAttribution {
    fn from(report: &AttributionReport) -> Self {
        // Every field is named, so that a new field must be persisted or skipped explicitly.
        let AttributionReport {
            results: _,
            lookups,
            sweeps,
        } = report;
        Self {
            lookups: lookups.iter().map(Into::into).collect(),
            sweep: sweeps.as_ref().map(Into::into),
        }
    }
}

impl From<SavedAttribution> for AttributionReport {
    fn from(saved: SavedAttribution) -> Self {
        Self {
            lookups: saved.lookups.into_iter().map(Into::into).collect(),
            sweeps: saved.sweep.map(Into::into),
            ..Self::default()
        }
    }
}

impl From<&LookupState> for SavedLookup {
    fn from(state: &LookupState) -> Self {
        Self {
            began_unix_ns: state.began.into(),
            previous_unix_ns: state.previous.map(Into::into),
            attempts: state.attempts,
            requests: state.requests,
            changes: state.changes.clone(),
        }
    }
}

impl From<SavedLookup> for LookupState {
    fn from(saved: SavedLookup) -> Self {
        Self {
            began: saved.began_unix_ns.time(),
            previous: saved.previous_unix_ns.map(UnixNanos::time),
            attempts: saved.attempts,
            requests: saved.requests,
            changes: saved.changes,
        }
    }
}

impl From<&SweepReport> for SavedSweep {
    fn from(report: &SweepReport) -> Self {
        let SweepReport {
            last,
            state,
            operations: _,
            unseen_switch_offs: _,
        } = report;
        Self {
            last_unix_ns: last.map(Into::into),
            until_unix_ns: state.until.into(),
            remembered: state.remembered.iter().map(Into::into).collect(),
        }
    }
}

impl From<SavedSweep> for SweepReport {
    fn from(saved: SavedSweep) -> Self {
        Self {
            last: saved.last_unix_ns.map(UnixNanos::time),
            state: SweepState {
                until: saved.until_unix_ns.time(),
                remembered: saved.remembered.into_iter().map(Into::into).collect(),
            },
            operations: BTreeMap::new(),
            unseen_switch_offs: 0,
        }
    }
}

impl From<&Remembered> for SavedOperationKey {
    fn from(remembered: &Remembered) -> Self {
        let (track, switched_on) = match &remembered.switched {
            Some((track, on)) => (Some(track), Some(*on)),
            None => (None, None),
        };
        Self {
            at_unix_ns: remembered.at.into(),
            key: remembered.key.clone(),
            track_id: track.and_then(|track| match track {
                TrackRef::Id(id) => Some(*id),
                TrackRef::Name(_) | TrackRef::Unnamed => None,
            }),
            track: track.and_then(|track| match track {
                TrackRef::Name(name) => Some(name.clone()),
                TrackRef::Id(_) | TrackRef::Unnamed => None,
            }),
            switched_on,
        }
    }
}

impl From<SavedOperationKey> for Remembered {
    fn from(saved: SavedOperationKey) -> Self {
        let track = match (saved.track_id, saved.track) {
            (Some(id), _) => TrackRef::Id(id),
            (None, Some(name)) => TrackRef::Name(name),
            (None, None) => TrackRef::Unnamed,
        };
        Self {
            at: saved.at_unix_ns.time(),
            key: saved.key,
            switched: saved.switched_on.map(|on| (track, on)),
        }
    }
}
