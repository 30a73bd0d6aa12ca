//! Times in the file: nanoseconds since 1970, as whole numbers, so that they are restored exactly. A
//! change with a slightly different time would look like another change.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A time between 1970 and 2554. Other times become the nearest of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct UnixNanos(u64);

impl From<SystemTime> for UnixNanos {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(nanos(since))
    }
}

impl UnixNanos {
    /// Returns the time, which may lie in the future if the clock was set back since.
    pub(super) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }
}

/// Returns a duration of up to five centuries in nanoseconds.
pub(super) fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
