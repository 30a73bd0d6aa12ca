//! Tracks and listings in the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::snapshot::{DroppedTrack, Listing, Status, Storage, StorageType, Track};

/// All that a complete listing showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedListing {
    tracks: Vec<SavedTrack>,
    dropped: Vec<SavedDroppedTrack>,
    reported: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedTrack {
    id: u64,
    name: String,
    action_type: String,
    resource_type: String,
    event_names: Vec<String>,
    status: SavedStatus,
    storage_type: String,
    storage_region: String,
    storage_name: String,
    storage_prefix: String,
    storage_account: String,
    created_unix_seconds: Option<i64>,
    #[serde(skip_serializing_if = "is_false")]
    is_partial: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedDroppedTrack {
    id: u64,
    status: SavedStatus,
    storage_type: SavedStorageType,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedStatus {
    Enabled,
    Disabled,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedStorageType {
    Cos,
    Cls,
    Ckafka,
    #[default]
    #[serde(other)]
    Other,
}

impl From<&Listing> for SavedListing {
    fn from(listing: &Listing) -> Self {
        let Listing {
            tracks,
            dropped,
            reported,
        } = listing;
        Self {
            tracks: tracks.iter().map(SavedTrack::from).collect(),
            dropped: dropped.iter().map(SavedDroppedTrack::from).collect(),
            reported: *reported,
        }
    }
}

impl From<&SavedListing> for Listing {
    fn from(saved: &SavedListing) -> Self {
        // Ascending by id and each id once: what is promised of a listing, a file does not promise.
        let tracks = tracks_by_id(&saved.tracks);
        let dropped = saved.dropped.iter().map(DroppedTrack::from);
        let mut dropped: BTreeMap<u64, DroppedTrack> =
            dropped.map(|track| (track.id, track)).collect();
        dropped.retain(|id, _| !tracks.contains_key(id));
        Self {
            tracks: tracks.into_values().collect(),
            dropped: dropped.into_values().collect(),
            reported: saved.reported,
        }
    }
}

pub(super) fn tracks_by_id(saved: &[SavedTrack]) -> BTreeMap<u64, Track> {
    let tracks = saved.iter().map(Track::from);
    tracks.map(|track| (track.id, track)).collect()
}

impl From<&Track> for SavedTrack {
    fn from(track: &Track) -> Self {
        // Taken apart in full, so that a new field cannot be forgotten here.
        let Track {
            id,
            name,
            action_type,
            resource_type,
            event_names,
            status,
            storage,
            created,
            is_partial,
            // Asked for again, on a clock of its own.
            details: _,
        } = track.clone();
        let Storage {
            kind,
            region,
            name: storage_name,
            prefix,
            account,
        } = storage;
        Self {
            id,
            name,
            action_type,
            resource_type,
            event_names,
            status: status.into(),
            storage_type: kind,
            storage_region: region,
            storage_name,
            storage_prefix: prefix,
            storage_account: account,
            created_unix_seconds: created,
            is_partial,
        }
    }
}

impl From<&SavedTrack> for Track {
    fn from(saved: &SavedTrack) -> Self {
        let saved = saved.clone();
        Self {
            id: saved.id,
            name: saved.name,
            action_type: saved.action_type,
            resource_type: saved.resource_type,
            event_names: saved.event_names,
            status: saved.status.into(),
            storage: Storage {
                kind: saved.storage_type,
                region: saved.storage_region,
                name: saved.storage_name,
                prefix: saved.storage_prefix,
                account: saved.storage_account,
            },
            created: saved.created_unix_seconds,
            is_partial: saved.is_partial,
            details: None,
        }
    }
}

impl From<&DroppedTrack> for SavedDroppedTrack {
    fn from(track: &DroppedTrack) -> Self {
        let DroppedTrack {
            id,
            status,
            storage_type,
        } = *track;
        Self {
            id,
            status: status.into(),
            storage_type: match storage_type {
                StorageType::Cos => SavedStorageType::Cos,
                StorageType::Cls => SavedStorageType::Cls,
                StorageType::Ckafka => SavedStorageType::Ckafka,
                StorageType::Other => SavedStorageType::Other,
            },
        }
    }
}

impl From<&SavedDroppedTrack> for DroppedTrack {
    fn from(saved: &SavedDroppedTrack) -> Self {
        Self {
            id: saved.id,
            status: saved.status.into(),
            storage_type: match saved.storage_type {
                SavedStorageType::Cos => StorageType::Cos,
                SavedStorageType::Cls => StorageType::Cls,
                SavedStorageType::Ckafka => StorageType::Ckafka,
                SavedStorageType::Other => StorageType::Other,
            },
        }
    }
}

impl From<Status> for SavedStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Enabled => Self::Enabled,
            Status::Disabled => Self::Disabled,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl From<SavedStatus> for Status {
    fn from(saved: SavedStatus) -> Self {
        match saved {
            SavedStatus::Enabled => Self::Enabled,
            SavedStatus::Disabled => Self::Disabled,
            SavedStatus::Unknown => Self::Unknown,
        }
    }
}
