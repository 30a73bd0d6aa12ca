//! Times in Unix seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns a time in whole Unix seconds.
pub(super) fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the time, or `None` if it is before 1970 or too far in the future.
pub(super) fn from_unix(seconds: i64) -> Option<SystemTime> {
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    UNIX_EPOCH.checked_add(since)
}
