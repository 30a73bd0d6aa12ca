//! Tracks and listings.

use super::logic::{all_of, any_of};
use super::scope::{Scope, covers};

/// A tracking set as the API lists it. What is absent, null or empty there is empty here.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub storage: Storage,
    /// `CreateTime` in Unix seconds, where it could be read.
    pub created: Option<i64>,
    /// Whether a text field of it could not be read. Such a field is empty here, and its value is
    /// unknown.
    pub is_partial: bool,
    /// What the listing leaves out, where it was asked for.
    pub details: Option<Details>,
}

/// Whether a track records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// `Status` 1.
    Enabled,
    /// `Status` 0.
    Disabled,
    /// Absent, unreadable, or a number the documentation does not know. Towards the alert it counts
    /// as off.
    Unknown,
}

impl Status {
    /// Every status, in the order of the label's zero-filled combinations.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Disabled, Self::Unknown];

    /// How urgent a status is. Of two statuses of one track the more urgent one counts.
    pub fn badness(self) -> u8 {
        match self {
            Self::Enabled => 0,
            Self::Unknown => 1,
            Self::Disabled => 2,
        }
    }

    /// The value of the label `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a track delivers to. Strings are verbatim and empty where the API gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// `StorageType`: `cos`, `cls`, `ckafka`, or what a later API calls its own.
    pub kind: String,
    /// `StorageRegion`: the region of the target, not the API's.
    pub region: String,
    /// `StorageName`: bucket, topic, or instance and topic.
    pub name: String,
    /// `StoragePrefix`.
    pub prefix: String,
    /// `StorageAccountId`: the account that owns the target.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageType {
    /// Cloud Object Storage.
    Cos,
    /// Cloud Log Service.
    Cls,
    /// CKafka.
    Ckafka,
    /// Anything else, and nothing.
    Other,
}

impl StorageType {
    /// The value of the label `storage_type` of counts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cos => "cos",
            Self::Cls => "cls",
            Self::Ckafka => "ckafka",
            Self::Other => "other",
        }
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
