//! Times of day in the file: nanoseconds since 1970, in whole numbers, so that what is read is
//! exactly what was written. A change's time that came back a little other would look like one more
//! change.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A time of day between 1970 and 2554; others become the nearest of those.
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
    /// The time, which may lie in the future if the clock was set back since.
    pub(super) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.0)
    }
}

/// A length of time of up to five centuries.
pub(super) fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
