//! Times of the state file: nanoseconds since 1970, as whole numbers, so that they are restored
//! exactly. A change with a slightly different time would look like another change.
//!
//! Fields of type [`SystemTime`] use `#[serde(with = "unix_nanos")]`, optional ones
//! `#[serde(with = "unix_nanos::option")]`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serializer};

/// Returns a time between 1970 and 2554 as a number. Other times become the nearest of these.
pub fn of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time of a number.
pub fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Returns the time of a field that is missing.
pub fn missing() -> SystemTime {
    UNIX_EPOCH
}

/// Serializes a time.
pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(of(*time))
}

/// Deserializes a time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    u64::deserialize(deserializer).map(time)
}

/// The same for optional times.
pub mod option {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Serializes a time, or null.
    pub fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(super::of).serialize(serializer)
    }

    /// Deserializes a time, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let nanos = Option::<u64>::deserialize(deserializer)?;
        Ok(nanos.map(super::time))
    }
}
