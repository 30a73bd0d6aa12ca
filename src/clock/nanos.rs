//! Durations of the state file: whole nanoseconds. Fields of type [`Duration`] use
//! `#[serde(with = "nanos")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Serializes a duration of up to five centuries. A longer one becomes the longest of these.
pub fn serialize<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}

/// Deserializes a duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_nanos)
}
