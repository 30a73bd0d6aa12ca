//! Tracks and listings.

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::logic::{all_of, any_of};
use super::scope::{Scope, covers};

/// A tracking set as the API lists it. A field that is absent or null is empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Track {
    /// `TrackId`, unique in an account.
    pub id: u64,
    /// `Name`.
    pub name: String,
    /// `ActionType`: `Read`, `Write` or `*`.
    pub action_type: String,
    /// `ResourceType`: a product's short name, or `*`.
    pub resource_type: String,
    /// `EventNames`; `["*"]` is all.
    pub event_names: Vec<String>,
    /// `Status`.
    pub status: Status,
    /// `Storage`.
    #[serde(flatten)]
    pub storage: Storage,
    /// `CreateTime` in Unix seconds, if it could be read.
    #[serde(rename = "created_unix_seconds")]
    pub created: Option<i64>,
    /// Whether a text field of the track could not be read. Such a field is empty here, and its value is
    /// unknown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// The fields that listings omit, if details are enabled. A restart requests them again.
    #[serde(skip)]
    pub details: Option<Details>,
}

/// Whether a track records.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Enum,
    VariantArray,
    IntoStaticStr,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// `Status` 1.
    Enabled,
    /// `Status` 0.
    Disabled,
    /// Absent, unreadable, or an undocumented number. For alerts, the track is not enabled.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Every status.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns how urgent a status is. Of two statuses of one track the more urgent one counts.
    pub fn badness(self) -> u8 {
        match self {
            Self::Enabled => 0,
            Self::Unknown => 1,
            Self::Disabled => 2,
        }
    }

    /// Returns the value of the label `status`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where a track delivers to. The texts are verbatim, and empty if the API returned none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storage {
    /// `StorageType`: `cos`, `cls`, `ckafka`, or a later addition.
    #[serde(rename = "storage_type")]
    pub kind: String,
    /// `StorageRegion`: the region of the target, not the API's.
    #[serde(rename = "storage_region")]
    pub region: String,
    /// `StorageName`: bucket, topic, or instance and topic.
    #[serde(rename = "storage_name")]
    pub name: String,
    /// `StoragePrefix`.
    #[serde(rename = "storage_prefix")]
    pub prefix: String,
    /// `StorageAccountId`: the account that owns the target.
    #[serde(rename = "storage_account")]
    pub account: String,
    /// `StorageAppId`: the APPID of that account, a part of the host of a bucket.
    #[serde(rename = "storage_app_id", skip_serializing_if = "String::is_empty")]
    pub app_id: String,
}

impl Storage {
    /// Returns its type as a label value from a bounded set.
    pub fn storage_type(&self) -> StorageType {
        StorageType::of(&self.kind)
    }
}

/// The kinds of storage that have their own counts.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum StorageType {
    /// Cloud Object Storage.
    Cos,
    /// Cloud Log Service.
    Cls,
    /// CKafka.
    Ckafka,
    /// Any other value, or none.
    #[default]
    #[serde(other)]
    Other,
}

impl StorageType {
    /// Returns the type that the API calls `kind`.
    pub fn of(kind: &str) -> Self {
        match kind {
            "cos" => Self::Cos,
            "cls" => Self::Cls,
            "ckafka" => Self::Ckafka,
            _ => Self::Other,
        }
    }

    /// Every type.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `storage_type` of counts.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Track {
    /// Returns whether it records every event of every product for all actions. `None` if the
    /// listing does not show it, as for a track with filters, which are in the details.
    pub fn has_full_coverage(&self) -> Option<bool> {
        all_of([self.covers("Read"), self.covers("Write")])
    }

    /// Returns whether it records every event of every product for `Read` or `Write` actions.
    pub fn covers(&self, action_type: &str) -> Option<bool> {
        let filters = self.details.iter().flat_map(|details| &details.filters);
        let mut filters = filters.map(|filter| filter.covers(action_type)).peekable();
        // Filters replace the three fields.
        if filters.peek().is_none() {
            let (action, resource) = (&self.action_type, &self.resource_type);
            return covers(action, resource, &self.event_names, action_type);
        }
        any_of(filters)
    }

    /// Returns whether it records for every account of its organization. `None` if that is unknown.
    pub fn is_organization_wide(&self) -> Option<bool> {
        self.details.as_ref()?.for_all_members
    }
}

/// The fields of a track that listings omit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// `TrackForAllMembers`.
    pub for_all_members: Option<bool>,
    /// `Filters`, of the newer kind of track. A track records what matches any of them.
    pub filters: Vec<Scope>,
}

/// All tracks of one target, from one complete poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listing {
    /// Ascending by id, each id once.
    pub tracks: Vec<Track>,
    /// The tracks beyond the limit, which have the highest ids, ascending. They are only counted.
    pub dropped: Vec<DroppedTrack>,
    /// `TotalCount`, which may differ from the number of tracks (see `tencent/listing.rs`).
    pub reported: u64,
}

impl Listing {
    /// Returns status and storage type of every track, dropped tracks included.
    pub fn all(&self) -> impl Iterator<Item = DroppedTrack> {
        let kept = self.tracks.iter().map(DroppedTrack::from);
        kept.chain(self.dropped.iter().copied())
    }

    /// Returns a track of [`Self::tracks`].
    pub fn track(&self, id: u64) -> Option<&Track> {
        let found = self.tracks.binary_search_by_key(&id, |track| track.id);
        found.ok().map(|index| &self.tracks[index])
    }

    /// Returns whether the track is in [`Self::tracks`].
    pub fn keeps(&self, id: u64) -> bool {
        self.track(id).is_some()
    }

    /// Returns whether the track is in [`Self::dropped`].
    pub fn drops(&self, id: u64) -> bool {
        let found = self.dropped.binary_search_by_key(&id, |track| track.id);
        found.is_ok()
    }

    /// Returns whether a track that is not in [`Self::tracks`] is known not to exist.
    pub fn proves_absence(&self) -> bool {
        self.dropped.is_empty() && !self.is_short()
    }

    /// Returns whether the API reported more tracks than it listed.
    pub fn is_short(&self) -> bool {
        ((self.tracks.len() + self.dropped.len()) as u64) < self.reported
    }
}

/// The part of a track beyond the limit that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DroppedTrack {
    /// `TrackId`.
    pub id: u64,
    /// `Status`.
    pub status: Status,
    /// The type of its storage.
    pub storage_type: StorageType,
}

impl From<&Track> for DroppedTrack {
    fn from(track: &Track) -> Self {
        Self {
            id: track.id,
            status: track.status,
            storage_type: track.storage.storage_type(),
        }
    }
}
