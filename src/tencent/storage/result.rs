//! The result of a check.

use std::time::SystemTime;

use crate::failure::Failure;
use crate::snapshot::CheckCursor;

/// What a check of a storage target has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The target exists, and the check looked at its newest records.
    Seen {
        /// When the newest records arrived. `None` if the check found none, or none besides those
        /// that the cursor knows.
        newest: Option<SystemTime>,
        /// The time of the response, by the clock of the cloud.
        cloud_now: SystemTime,
        /// Where the next check continues. `None` if it begins again.
        cursor: Option<CheckCursor>,
    },
    /// The bucket, topic or instance does not exist; `what` says which, in a sentence.
    Missing {
        /// What does not exist, in a sentence.
        what: String,
    },
    /// The target cannot be checked, which is not a failure: no index, no APPID, an unknown type, or
    /// an existing `CKafka` topic.
    Impossible {
        /// Why, and the way out if there is one, in a sentence.
        why: String,
    },
    /// The check failed, so nothing is known.
    Failed(Failure),
}
