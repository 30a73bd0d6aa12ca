//! What a search for operators has to keep over a restart.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::operation_record::TrackRef;
use crate::clock::unix_nanos;

/// The search for the operations that made some changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupState {
    /// When the poll saw the changes.
    #[serde(
        rename = "began_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub began: SystemTime,
    /// The beginning of the previous complete poll; the earliest of the changes.
    #[serde(rename = "previous_unix_ns", with = "unix_nanos::option", default)]
    pub previous: Option<SystemTime>,
    /// The attempts that were made or whose time has passed.
    #[serde(default)]
    pub attempts: usize,
    /// The requests that were sent.
    #[serde(default)]
    pub requests: u32,
    /// Whether an attempt has read all records.
    #[serde(default)]
    pub has_read_all: bool,
    /// The ids of the changes whose operation is still searched.
    #[serde(default)]
    pub changes: Vec<u64>,
}

/// Where the sweeps of an account are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepState {
    /// When sweeps of this account began, on this machine's clock. No poll is known that saw what
    /// happened before.
    #[serde(
        rename = "since_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub since: SystemTime,
    /// The end of the last period that was read, on this machine's clock.
    #[serde(
        rename = "until_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub until: SystemTime,
    /// The end of the first poll that listed the tracks, on this machine's clock. `None` before it.
    #[serde(
        rename = "listed_unix_ns",
        with = "unix_nanos::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub listed: Option<SystemTime>,
    /// Until when the previous version of the exporter had counted the switch-offs, on this machine's
    /// clock. `None` after the first sweep of this version.
    #[serde(
        rename = "settled_unix_ns",
        with = "unix_nanos::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub settled: Option<SystemTime>,
    /// The operations of the last hour that were counted, oldest first.
    #[serde(default)]
    pub remembered: Vec<Remembered>,
    /// What polls saw in about the last hour, in the order in which they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenSwitch>,
}

/// A poll that saw that a track had been switched. All times are on this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSwitch {
    /// `TrackId`.
    #[serde(default)]
    pub track_id: u64,
    /// The name of the track.
    #[serde(default)]
    pub track: String,
    /// Whether it was switched on.
    #[serde(default)]
    pub on: bool,
    /// When the poll began.
    #[serde(
        rename = "began_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub began: SystemTime,
    /// When the poll ended.
    #[serde(
        rename = "ended_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub ended: SystemTime,
}

/// An operation that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The time of the operation, on the cloud's clock.
    #[serde(
        rename = "at_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub at: SystemTime,
    /// Its request id and name.
    #[serde(default)]
    pub key: String,
    /// The track that it switched on (`true`) or off. `None` for other operations.
    #[serde(flatten, with = "switched")]
    pub switched: Option<(TrackRef, bool)>,
    /// Whether it ended a switch-off that no poll saw, and that was counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_counted: bool,
}

/// The three fields of a state file that say which track an operation switched.
mod switched {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::TrackRef;

    #[derive(Serialize, Deserialize)]
    struct Fields {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track_id: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        switched_on: Option<bool>,
    }

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        switched: &Option<(TrackRef, bool)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (track_id, track) = match switched {
            Some((TrackRef::Id(id), _)) => (Some(*id), None),
            Some((TrackRef::Name(name), _)) => (None, Some(name.clone())),
            Some((TrackRef::Unnamed, _)) | None => (None, None),
        };
        let switched_on = switched.as_ref().map(|(_, on)| *on);
        Fields {
            track_id,
            track,
            switched_on,
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(TrackRef, bool)>, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let track = match (fields.track_id, fields.track) {
            (Some(id), _) => TrackRef::Id(id),
            (None, Some(name)) => TrackRef::Name(name),
            (None, None) => TrackRef::Unnamed,
        };
        Ok(fields.switched_on.map(|on| (track, on)))
    }
}
