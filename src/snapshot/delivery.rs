//! Storage targets of tracks, and whether operation records arrive there.

use std::time::SystemTime;

use enum_map::{Enum, EnumMap};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::failure::Reason;

/// Where enabled tracks of an account deliver to. Tracks with equal values share a storage target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageTarget {
    /// `StorageType`: `cos`, `cls`, `ckafka`, or a later addition.
    pub kind: String,
    /// `StorageRegion`.
    pub region: String,
    /// `StorageName`: bucket, topic, or instance and topic.
    pub name: String,
    /// `StoragePrefix`.
    pub prefix: String,
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
    EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// Something arrived recently.
    Arriving,
    /// Nothing was due since the last arrival.
    Quiet,
    /// Something was due and did not arrive.
    Stalled,
    /// The bucket, topic or instance does not exist.
    Missing,
    /// A track is enabled and nothing was ever seen to arrive.
    Unproven,
    /// The check was denied, failed, or is not possible.
    #[default]
    Unknown,
}

/// What is known about the delivery to a storage target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The storage target.
    pub target: StorageTarget,
    /// Its state after the last check. A reader limits its validity; see `valid_until`.
    pub state: DeliveryState,
    /// Why the state is unknown, or what is missing, in a sentence; empty otherwise.
    pub explanation: String,
    /// The newest object or filled minute seen.
    pub last_arrival: Option<SystemTime>,
    /// The oldest operation that should have arrived since and has not.
    pub due: Option<SystemTime>,
    /// The last check that succeeded.
    pub last_check: Option<SystemTime>,
    /// When the state becomes [`DeliveryState::Unknown`] without another check.
    pub valid_until: Option<SystemTime>,
    /// Failed checks.
    pub failures: EnumMap<Reason, u64>,
}

/// Where the next check of a storage target continues, so that it needs one request. The state file
/// keeps it. A check without it, or with one that no longer fits, finds the place again.
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
        /// The newest filled minute, in Unix seconds, if one was seen.
        newest_unix_seconds: Option<i64>,
        /// When `DescribeTopics` last listed the topic, in Unix seconds.
        described_unix_seconds: i64,
    },
}
