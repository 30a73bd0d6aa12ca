//! The result of a check.

use std::time::SystemTime;

use crate::failure::Failure;
use crate::snapshot::CheckCursor;

/// What a check of a storage target has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The target exists, and the check found its newest records.
    Seen {
        /// When the newest records arrived. `None` if the check found no records, or only records
        /// that the cursor knows.
        newest: Option<SystemTime>,
        /// The time of the response, by the clock of the cloud.
        cloud_now: SystemTime,
        /// Where the next check continues. `None` if it begins again.
        cursor: Option<CheckCursor>,
        /// Why the check may have missed newer records, in a sentence.
        skipped: Option<String>,
    },
    /// The bucket, topic or instance does not exist; `what` says which, in a sentence.
    Missing {
        /// What does not exist, in a sentence.
        what: String,
    },
    /// The target exists, but the check cannot show whether records arrive: a topic of `CKafka`, a
    /// log topic without an index, or a bucket with too many objects.
    Exists {
        /// Why, and the way out if there is one, in a sentence.
        why: String,
    },
    /// The target cannot be checked, which is not a failure: another account, no APPID, or an unknown
    /// type.
    Impossible {
        /// Why, and the way out if there is one, in a sentence.
        why: String,
    },
    /// The check failed, so nothing is known.
    Failed(Failure),
}

/// The explanation for a missing bucket whose APPID comes only from the account.
const OTHER_APP_ID: &str =
    "a bucket of another account has another APPID, which the track does not show";

/// The explanation for a missing topic whose owner the listing does not show.
const OTHER_ACCOUNT: &str = "it may belong to another account, which the track does not show";

impl CheckResult {
    /// Adds to a missing target that it may belong to another account, because the listing shows
    /// neither its owner nor the APPID of the owner.
    #[must_use]
    pub fn of_unknown_owner(self, kind: &str) -> Self {
        let doubt = if kind == "cos" {
            OTHER_APP_ID
        } else {
            OTHER_ACCOUNT
        };
        match self {
            Self::Missing { what } => Self::Missing {
                what: format!("{what}; {doubt}"),
            },
            other => other,
        }
    }

    /// Adds the newest arrival that an earlier request of the same check has found.
    #[must_use]
    pub fn or_newer(self, earlier: Option<SystemTime>) -> Self {
        match self {
            Self::Seen {
                newest,
                cloud_now,
                cursor,
                skipped,
            } => Self::Seen {
                newest: newest.max(earlier),
                cloud_now,
                cursor,
                skipped,
            },
            other => other,
        }
    }
}
