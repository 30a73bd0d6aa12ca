//! Facts about the past, which stay true.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use enum_map::EnumMap;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::change_kind::ChangeKind;
use super::operation_record::TrackEvent;
use crate::clock::unix_nanos;

/// The past of a target's tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Deleted tracks, by id.
    pub tombstones: BTreeMap<u64, Tombstone>,
    /// When tracks changed, by id. Only tracks that ever changed are here.
    pub changes: BTreeMap<u64, ChangeTimes>,
}

/// A deleted track that is still shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Its last name.
    #[serde(default)]
    pub name: String,
    /// The end of the poll that no longer found it.
    #[serde(
        rename = "at_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub at: SystemTime,
    /// When it expires. After a restart, the history decides.
    #[serde(skip, default = "Instant::now")]
    pub show_until: Instant,
    /// When an operator acknowledged the deletion. The track then no longer counts as deleted.
    #[serde(
        rename = "acknowledged_unix_ns",
        with = "unix_nanos::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub acknowledged: Option<SystemTime>,
}

impl Past {
    /// Records that the deletion of a track was acknowledged at `now`, if the track has a tombstone.
    pub fn acknowledge(&mut self, track_id: u64, now: SystemTime) {
        if let Some(tombstone) = self.tombstones.get_mut(&track_id) {
            // Not before the deletion, even if the clock was set back since.
            tombstone.acknowledged = Some(now.max(tombstone.at));
        }
    }
}

impl ChangeTimes {
    /// Moves times after `now` to `latest` and right before it, because the clock was set back since.
    pub fn not_after(&mut self, now: SystemTime, latest: SystemTime) {
        let times = self.at.values_mut().flatten();
        move_back(times.filter(|at| **at > now), latest);
    }
}

/// Moves times to `latest` and right before it. Their order stays the same: the latest change shows
/// the present state of a track.
pub fn move_back<'a>(times: impl Iterator<Item = &'a mut SystemTime>, latest: SystemTime) {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let mut moved = latest;
    for at in times.into_iter().rev() {
        *at = moved;
        moved -= LEAST_APART;
    }
}

/// The distance between two times if only their order is known.
pub const LEAST_APART: Duration = Duration::from_millis(1);

/// When a track changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeTimes {
    /// Its latest name.
    pub name: String,
    /// The end of the poll that last saw each change.
    pub at: EnumMap<ChangeKind, Option<SystemTime>>,
    /// Who made each change. `None` if that is not certain, or not to be shown.
    pub operators: EnumMap<ChangeKind, Option<ChangeOperator>>,
}

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeOperator {
    /// The name of the user or role.
    pub name: String,
    /// `userIdentity.type`.
    pub kind: String,
    /// The operation.
    pub event: TrackEvent,
}
