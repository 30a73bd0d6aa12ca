//! What is known, as plain values: tracks, listings, and the report of one account.
//!
//! A poll makes a [`Listing`] or a failure; `history` folds it into the account's [`Report`]; the
//! report is rendered, published and shown. Nothing here is ever updated in place by two parties.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::failure::{Failure, Reason};

/// The API's name of the call that lists tracks.
pub const DESCRIBE_AUDIT_TRACKS: &str = "DescribeAuditTracks";

/// Every action that the exporter calls, so that its counters begin at 0.
pub const ACTIONS: [&str; 1] = [DESCRIBE_AUDIT_TRACKS];

/// Label names that our own series use or that Prometheus attaches: an account's `labels` may not.
pub const RESERVED_LABELS: [&str; 27] = [
    "account",
    "action",
    "action_type",
    "change",
    "code",
    "handler",
    "instance",
    "job",
    "le",
    "organization",
    "provider",
    "quantile",
    "reason",
    "region",
    "resource_type",
    "site",
    "status",
    "storage_account",
    "storage_name",
    "storage_prefix",
    "storage_region",
    "storage_type",
    "track",
    "track_id",
    "uin",
    "version",
    "shard",
];

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
}

/// Whether a track records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// `Status` 1.
    Enabled,
    /// `Status` 0.
    Disabled,
    /// Absent, or a number the documentation does not know. Towards the alert it counts as off.
    Unknown,
}

impl Status {
    /// Every status, in the order of the label's zero-filled combinations.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Disabled, Self::Unknown];

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

/// All tracks of one target, from one complete walk over its pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Ascending by id, each id once.
    pub tracks: Vec<Track>,
    /// `TotalCount`, which may differ from the length (see `tencent/listing.rs`).
    pub reported: u64,
}

/// What happened to a track between two listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Its id was not in the listing before.
    Created,
    /// Its id is not in the listing any more.
    Vanished,
    /// It was not enabled and is.
    Enabled,
    /// It was enabled and is not.
    Disabled,
    /// Name, scope or storage differ.
    Modified,
}

impl Change {
    /// Every change, in the order of their index.
    pub const ALL: [Self; 5] = [
        Self::Created,
        Self::Vanished,
        Self::Enabled,
        Self::Disabled,
        Self::Modified,
    ];

    /// The value of the label `change`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Vanished => "vanished",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Modified => "modified",
        }
    }
}

/// A track that should be there, and what must be true of it. A field that is none may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedTrack {
    /// `Name`.
    pub name: String,
    /// `ActionType`.
    pub action_type: Option<String>,
    /// `ResourceType`.
    pub resource_type: Option<String>,
    /// `StorageType`.
    pub storage_type: Option<String>,
    /// `StorageRegion`.
    pub storage_region: Option<String>,
    /// `StorageName`.
    pub storage_name: Option<String>,
    /// `StoragePrefix`.
    pub storage_prefix: Option<String>,
    /// `StorageAccountId`.
    pub storage_account: Option<String>,
}

/// What the configuration says of an account and its series carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// The label `account`.
    pub name: String,
    /// The account's own labels, on every series of it.
    pub labels: BTreeMap<String, String>,
    /// The verified UIN; empty where it is not known.
    pub uin: String,
    /// `china` or `international`.
    pub site: &'static str,
    /// The organisation that the account was found in; empty otherwise.
    pub organization: String,
    /// Where its credentials come from.
    pub provider: &'static str,
}

/// All that is known of one account.
#[derive(Clone, Debug)]
pub struct Report {
    /// From the configuration.
    pub account: Arc<AccountInfo>,
    /// One for each region, in the order of the configuration.
    pub targets: Vec<TargetReport>,
    /// What its calls came to.
    pub api: ApiCounters,
    /// The ceiling of the pacer it uses, in requests a second.
    pub requests_per_second: f64,
    /// When the key in use was taken up; none before there was one.
    pub credentials_changed: Option<SystemTime>,
}

/// All that is known of one target.
#[derive(Clone, Debug)]
pub struct TargetReport {
    /// The API region that is asked.
    pub region: String,
    /// The time between two polls.
    pub interval: Duration,
    /// The last poll that ended, whatever came of it.
    pub last_poll: Option<PollEnd>,
    /// Why the last poll failed; none where it did not.
    pub failure: Option<Failure>,
    /// The last complete listing.
    pub last_good: Option<LastGood>,
    /// Numbers that only grow.
    pub counters: TargetCounters,
}

impl TargetReport {
    /// Whether the last poll ended with a complete listing.
    pub fn is_up(&self) -> bool {
        self.last_poll.is_some() && self.failure.is_none()
    }
}

/// When a poll ended and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollEnd {
    /// The time of day at its end.
    pub at: SystemTime,
    /// From its first call to its end, waiting for the pacer included.
    pub took: Duration,
}

/// A listing and how long it may be shown.
#[derive(Clone, Debug)]
pub struct LastGood {
    /// Shared, so that "nothing changed" is one comparison of pointers.
    pub listing: Arc<Listing>,
    /// The end of the poll that brought it or found it unchanged.
    pub at: SystemTime,
    /// From here on its series are hidden, whatever became of the task that polls.
    pub show_until: Instant,
}

/// Counters of one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetCounters {
    /// Polls that ended.
    pub polls: u64,
    /// Polls that were due while the one before was running.
    pub skipped: u64,
    /// Failed polls, by the index of [`Reason::ALL`].
    pub failures: [u64; Reason::ALL.len()],
    /// Changes seen, by the index of [`Change::ALL`].
    pub changes: [u64; Change::ALL.len()],
}

/// Counters of an account's calls, by the API's name of the action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiCounters {
    /// Calls sent, retried ones included.
    pub requests: BTreeMap<&'static str, u64>,
    /// Calls that repeated a failed one.
    pub retries: BTreeMap<&'static str, u64>,
    /// Failed calls, by the index of [`Reason::ALL`].
    pub failures: [u64; Reason::ALL.len()],
    /// Failed calls by action and code.
    pub errors: BTreeMap<(&'static str, String), u64>,
    /// Time spent waiting for the pacer.
    pub limiter_wait: Duration,
}
