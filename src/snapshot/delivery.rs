//! Storage targets of tracks, and whether operation records arrive there.

use std::time::SystemTime;

use enum_map::{Enum, EnumMap};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::clock::{Moment, unix_nanos};
use crate::failure::Reason;

/// Where enabled tracks of an account deliver to. Tracks with equal values share a storage target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageTarget {
    /// `StorageType`: `cos`, `cls`, `ckafka`, or a later addition.
    #[serde(rename = "storage_type")]
    pub kind: String,
    /// `StorageRegion`.
    #[serde(rename = "storage_region")]
    pub region: String,
    /// `StorageName`: bucket, topic, or instance and topic.
    #[serde(rename = "storage_name")]
    pub name: String,
    /// `StoragePrefix`.
    #[serde(rename = "storage_prefix")]
    pub prefix: String,
}

impl StorageTarget {
    /// Returns whether a track with this `StorageAppId` shows the complete name of the bucket, which
    /// contains the APPID of its owner.
    pub fn names_bucket(&self, app_id: &str) -> bool {
        self.kind == "cos" && !app_id.is_empty()
    }

    /// Returns whether a track with this `StorageAccountId` and `StorageAppId` shows who owns the target.
    pub fn shows_owner(&self, account: &str, app_id: &str) -> bool {
        !account.is_empty() || self.names_bucket(app_id)
    }
}

/// Whether operation records arrive at a storage target.
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
pub enum DeliveryState {
    /// Records arrived recently, or no operation after the last arrival is overdue.
    Arriving,
    /// Nothing was due since the last arrival.
    Quiet,
    /// Something was due and did not arrive.
    Stalled,
    /// The bucket, topic or instance does not exist.
    Missing,
    /// The storage exists, but no arrival is known since the settings of the tracks last changed.
    Unproven,
    /// The check was denied, failed, or is not possible. Also a state that a later version wrote
    /// into a state file.
    #[default]
    #[serde(other)]
    Unknown,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `state`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is known about the delivery to a storage target, and what its next check needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryReport {
    /// The storage target.
    #[serde(flatten)]
    pub target: StorageTarget,
    /// Its state after the last check. [`Self::state_at`] limits its validity.
    pub state: DeliveryState,
    /// Why the state is unknown, or what is missing, in a sentence; empty otherwise.
    pub explanation: String,
    /// The newest object or minute with records seen, by the clock of the cloud.
    #[serde(rename = "last_arrival_unix_ns", with = "unix_nanos::option")]
    pub last_arrival: Option<SystemTime>,
    /// The oldest operation that should have arrived since and has not, by the clock of the cloud. Two
    /// checks in a row have found it overdue.
    #[serde(rename = "due_unix_ns", with = "unix_nanos::option")]
    pub due: Option<SystemTime>,
    /// The last check that succeeded.
    #[serde(rename = "last_check_unix_ns", with = "unix_nanos::option")]
    pub last_check: Option<SystemTime>,
    /// When the state becomes [`DeliveryState::Unknown`] without another check. `None` if it is
    /// unknown already, as after a restart.
    #[serde(skip)]
    pub valid_until: Option<Moment>,
    /// Failed checks.
    #[serde(skip)]
    pub failures: EnumMap<Reason, u64>,
    /// The latest successful checks in a row that found an operation overdue.
    pub overdue_checks: u32,
    /// The first of the latest checks in a row that did not find the storage target.
    #[serde(rename = "missing_since_unix_ns")]
    pub missing_since: Option<Moment>,
    /// Where the next check continues. `None` if it starts from the beginning.
    pub cursor: Option<CheckCursor>,
    /// The APPID in the bucket's name. Empty if the exporter asks Cloud Access Management for it. `None`
    /// for other storage, and in state files of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}

impl DeliveryReport {
    /// Creates the report of a storage target that was not checked yet.
    pub fn new(target: StorageTarget) -> Self {
        Self {
            target,
            explanation: NOT_CHECKED.to_owned(),
            ..Self::default()
        }
    }

    /// Discards the results, because the target is another one now. Counters do not go back.
    pub fn reset(&mut self) {
        *self = Self {
            failures: std::mem::take(&mut self.failures),
            ..Self::new(std::mem::take(&mut self.target))
        };
    }

    /// Returns the state that a reader may show at `now`, even if the task that checks has stopped.
    pub fn state_at(&self, now: Moment) -> DeliveryState {
        match self.valid_until {
            Some(until) if !until.is_reached(now) => self.state,
            _ => DeliveryState::Unknown,
        }
    }

    /// Returns the explanation of the state at `now`.
    pub fn explanation_at(&self, now: Moment) -> &str {
        if self.valid_until.is_some_and(|until| until.is_reached(now)) {
            return TOO_OLD;
        }
        &self.explanation
    }
}

/// Explains the state before the first check.
const NOT_CHECKED: &str = "not checked yet";

/// Explains the state once the last check is too old.
const TOO_OLD: &str = "the last successful check is older than three intervals";

/// Where the next check of a storage target continues, so that it needs one request. The state file
/// keeps it. A check without a cursor, or with a cursor that no longer fits, finds the place again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckCursor {
    /// Of a bucket.
    Bucket {
        /// The folder of the newest object, which ends with `/` or is empty.
        leaf: String,
        /// The next listing begins after this key.
        marker: String,
        /// `LastModified` of the newest object, in Unix seconds.
        newest_unix_seconds: i64,
    },
    /// Of a log topic.
    Topic {
        /// The newest minute with records, in Unix seconds, if one was seen.
        newest_unix_seconds: Option<i64>,
        /// When `DescribeTopics` last listed the topic, in Unix seconds.
        described_unix_seconds: i64,
    },
}
