//! Storage targets of tracks, and whether operation records arrive there.

use std::time::SystemTime;

use enum_map::{Enum, EnumMap};
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
