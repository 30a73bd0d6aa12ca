//! A change of a track as the change feed keeps it, and who made it.

use std::time::SystemTime;

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::change::Change;

/// The most operations that are kept as candidates for one change.
pub const MAX_CANDIDATES: usize = 3;

/// A change of a track in the change feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// Ascends in the order in which the changes were seen. Unique in a process and its state file.
    pub id: u64,
    /// The configured name of the account.
    pub account: String,
    /// The API region whose listing showed the change.
    pub region: String,
    /// `TrackId`.
    pub track_id: u64,
    /// Its name; the new one if it was renamed.
    pub track: String,
    /// The kind of change.
    pub change: Change,
    /// The fields that differ. For a created or deleted track, all that are not empty.
    pub fields: Vec<FieldChange>,
    /// The end of the poll that saw the change. For a change that only a sweep found, the time of the
    /// operation.
    pub seen: SystemTime,
    /// The end of the last complete poll before it. `None` if that is unknown.
    pub previous: Option<SystemTime>,
    /// How the change was found.
    pub source: ChangeSource,
    /// Who made it.
    pub attribution: Attribution,
}

impl ChangeRecord {
    /// Whether its operator is being searched, and nothing was found yet.
    pub fn is_pending(&self) -> bool {
        self.attribution.result == AttributionResult::Pending
    }
}

/// A field of a track that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldChange {
    /// The API's name of the field.
    pub field: String,
    /// The old value, cut if it is long; empty for a created track.
    pub from: String,
    /// The new value, cut if it is long; empty for a deleted track.
    pub to: String,
}

/// How a change was found.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr, EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum ChangeSource {
    /// Two listings differ.
    Poll,
    /// A sweep of the operation records; no listing showed it.
    Operation,
}

impl ChangeSource {
    /// Returns the value of `source` in the API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// What is known about it.
    pub result: AttributionResult,
    /// The operation if the result is certain, up to [`MAX_CANDIDATES`] if they are candidates, and
    /// otherwise none. Newest first.
    pub operations: Vec<Operation>,
}

impl Attribution {
    /// An attribution without an operation.
    pub fn without_operation(result: AttributionResult) -> Self {
        Self {
            result,
            operations: Vec::new(),
        }
    }
}

/// What is known about the operator of a change.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum AttributionResult {
    /// One operation succeeded, names this track, and has this effect.
    Certain,
    /// Operations fit, but do not name the track, or several fit.
    Candidate,
    /// The operation records are still being searched.
    Pending,
    /// No operation record fits.
    NotFound,
    /// CAM denies `cloudaudit:DescribeEvents`.
    Denied,
    /// The search failed for another reason.
    Failed,
    /// Attribution is disabled for the account.
    Off,
}

impl AttributionResult {
    /// Every result.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label and of the filter `result`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A recorded operation. Holds only named fields of the record: never the record itself, its session
/// context, or a whole access key id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `eventName`, for example `ModifyAuditTrack`.
    pub event_name: String,
    /// `eventTime`.
    pub at: SystemTime,
    /// `requestID`.
    pub request_id: String,
    /// `userIdentity.userName`, or `Username` if the record could not be parsed.
    pub operator: String,
    /// `userIdentity.type`, for example `Root`, `CAMUser` or `AssumedRole`; empty if unknown.
    pub operator_type: String,
    /// `userIdentity.principalId`; empty if unknown.
    pub principal_id: String,
    /// The session name of an assumed role.
    pub role_session: Option<String>,
    /// `sourceIPAddress`; empty if unknown.
    pub source_ip: String,
    /// `eventType`: `ConsoleCall`, `ApiCall`; empty if unknown.
    pub call_type: String,
}
