//! Tracks and listings.

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::logic::{all_of, any_of};
use super::scope::{Scope, covers};

/// A tracking set as the API lists it. What is absent, null or empty there is empty here.
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
    /// `CreateTime` in Unix seconds, where it could be read.
    #[serde(rename = "created_unix_seconds")]
    pub created: Option<i64>,
    /// Whether a text field of it could not be read. Such a field is empty here, and its value is
    /// unknown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// What the listing leaves out, if details are wanted. They are requested again after a restart.
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
    /// Absent, unreadable, or a number the documentation does not know. Towards the alert it counts
    /// as off.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Every status.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// How urgent a status is. Of two statuses of one track the more urgent one counts.
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

/// Where a track delivers to. Strings are verbatim and empty where the API gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Storage {
    /// `StorageType`: `cos`, `cls`, `ckafka`, or what a later API calls its own.
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
}

impl Storage {
    /// The bounded value that counts are kept by.
    pub fn storage_type(&self) -> StorageType {
        match self.kind.as_str() {
            "cos" => StorageType::Cos,
            "cls" => StorageType::Cls,
            "ckafka" => StorageType::Ckafka,
            _ => StorageType::Other,
        }
    }
}

/// The kinds of storage that are counted by name.
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
    /// Anything else, and nothing.
    #[default]
    #[serde(other)]
    Other,
}

impl StorageType {
    /// Returns the value of the label `storage_type` of counts.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Track {
    /// Whether it records everything by itself: every product, read and written, every event. None
    /// where the listing cannot tell, as of a track whose filters only its details show.
    pub fn has_full_coverage(&self) -> Option<bool> {
        all_of([self.covers("Read"), self.covers("Write")])
    }

    /// Whether it records every event of every product of one kind of action, `Read` or `Write`.
    pub fn covers(&self, action_type: &str) -> Option<bool> {
        let filters = self.details.iter().flat_map(|details| &details.filters);
        let mut filters = filters.map(|filter| filter.covers(action_type)).peekable();
        // Filters stand in the place of the three fields, so they decide where there are any.
        if filters.peek().is_none() {
            let (action, resource) = (&self.action_type, &self.resource_type);
            return covers(action, resource, &self.event_names, action_type);
        }
        any_of(filters)
    }

    /// Whether it records for every account of its organisation; none where that is not known.
    pub fn is_organization_wide(&self) -> Option<bool> {
        self.details.as_ref()?.for_all_members
    }
}

/// What a listing leaves out of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// `TrackForAllMembers`.
    pub for_all_members: Option<bool>,
    /// `Filters`, of the newer kind of track: any of them records.
    pub filters: Vec<Scope>,
}

/// All tracks of one target, from one complete walk over its pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listing {
    /// Ascending by id, each id once.
    pub tracks: Vec<Track>,
    /// Those beyond the limit of tracks, the highest ids, ascending: counted, and no more than
    /// that.
    pub dropped: Vec<DroppedTrack>,
    /// `TotalCount`, which may differ from the number of tracks (see `tencent/listing.rs`).
    pub reported: u64,
}

impl Listing {
    /// Status and storage of every track, the dropped ones too.
    pub fn all(&self) -> impl Iterator<Item = DroppedTrack> {
        let kept = self.tracks.iter().map(DroppedTrack::from);
        kept.chain(self.dropped.iter().copied())
    }

    /// A track among [`Self::tracks`].
    pub fn track(&self, id: u64) -> Option<&Track> {
        let found = self.tracks.binary_search_by_key(&id, |track| track.id);
        found.ok().map(|index| &self.tracks[index])
    }

    /// Whether it has this track among [`Self::tracks`].
    pub fn keeps(&self, id: u64) -> bool {
        self.track(id).is_some()
    }

    /// Whether it has this track among [`Self::dropped`].
    pub fn drops(&self, id: u64) -> bool {
        let found = self.dropped.binary_search_by_key(&id, |track| track.id);
        found.is_ok()
    }

    /// Whether a track that is not among [`Self::tracks`] is known not to be there.
    pub fn proves_absence(&self) -> bool {
        self.dropped.is_empty() && !self.is_short()
    }

    /// Whether the API reported more tracks than it listed.
    pub fn is_short(&self) -> bool {
        ((self.tracks.len() + self.dropped.len()) as u64) < self.reported
    }
}

/// What is kept of a track beyond the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DroppedTrack {
    /// `TrackId`.
    pub id: u64,
    /// `Status`.
    pub status: Status,
    /// By the kind of its storage.
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
