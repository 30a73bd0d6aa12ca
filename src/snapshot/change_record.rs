//! A change of a track as the change feed keeps it, and who made it.

use std::time::{Duration, SystemTime};

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::change_kind::ChangeKind;
use crate::clock::{nanos, unix_nanos};

/// The most operations that are kept as candidates for one change.
pub const MAX_CANDIDATES: usize = 3;

/// A change of a track in the change feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// Ascends in the order in which the changes were seen. Unique in a process and its state file.
    #[serde(default)]
    pub id: u64,
    /// The configured name of the account.
    #[serde(default)]
    pub account: String,
    /// The API region whose listing showed the change.
    #[serde(default)]
    pub region: String,
    /// `TrackId`.
    #[serde(default)]
    pub track_id: u64,
    /// Its name; the new one if it was renamed.
    #[serde(default)]
    pub track: String,
    /// The kind of change.
    pub change: ChangeKind,
    /// The fields that differ. For a created or deleted track, all that are not empty.
    #[serde(default)]
    pub fields: Vec<FieldChange>,
    /// The end of the poll that saw the change. For a change that only a sweep found, the time of the
    /// operation.
    #[serde(
        rename = "seen_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub seen: SystemTime,
    /// How long that poll took; 0 for a change that only a sweep found.
    #[serde(
        rename = "took_ns",
        with = "nanos",
        default,
        skip_serializing_if = "Duration::is_zero"
    )]
    pub took: Duration,
    /// The beginning of the last complete poll before it: the change may be as old as that. `None` if
    /// it is unknown.
    #[serde(rename = "previous_unix_ns", with = "unix_nanos::option", default)]
    pub previous: Option<SystemTime>,
    /// How the change was found.
    #[serde(default)]
    pub source: ChangeSource,
    /// Who made it.
    #[serde(flatten)]
    pub attribution: Attribution,
}

impl ChangeRecord {
    /// Returns the beginning of the poll that saw the change. The change may be younger.
    pub fn began(&self) -> SystemTime {
        self.seen.checked_sub(self.took).unwrap_or(self.seen)
    }

    /// Returns whether its operator is being searched, and nothing was found yet.
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
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    VariantArray,
    IntoStaticStr,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChangeSource {
    /// A sweep of the operation records; no listing showed it.
    Operation,
    /// Two listings differ. Also a source that a later version wrote into a state file.
    #[default]
    #[serde(other)]
    Poll,
}

impl ChangeSource {
    /// Returns the value of `source` in the API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who made a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribution {
    /// What is known about it.
    pub result: AttributionResult,
    /// The operation if the result is certain, up to [`MAX_CANDIDATES`] if they are candidates, and
    /// otherwise none. Newest first.
    pub operations: Vec<Operation>,
}

impl Attribution {
    /// Creates an attribution without an operation.
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
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Enum,
    VariantArray,
    IntoStaticStr,
    EnumString,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case", from = "String")]
pub enum AttributionResult {
    /// Exactly one operation fits and names this track, and no other operation could be the cause.
    Certain,
    /// At least one operation fits, but it is not certain that it made the change.
    Candidate,
    /// The operation records are still being searched.
    Pending,
    /// No operation record fits.
    NotFound,
    /// CAM denies `cloudaudit:DescribeEvents`.
    Denied,
    /// The search failed for another reason.
    #[default]
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

/// A result that a later version wrote into a state file becomes the default.
impl From<String> for AttributionResult {
    fn from(text: String) -> Self {
        text.parse().unwrap_or_default()
    }
}

/// A recorded operation. Holds only named fields of the record: never the record itself, its session
/// context, or a whole access key id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// `eventName`, for example `ModifyAuditTrack`.
    #[serde(default)]
    pub event_name: String,
    /// `eventTime`.
    #[serde(
        rename = "at_unix_ns",
        with = "unix_nanos",
        default = "unix_nanos::missing"
    )]
    pub at: SystemTime,
    /// `requestID`.
    #[serde(default)]
    pub request_id: String,
    /// `userIdentity.userName`, or `Username` if the record could not be parsed.
    #[serde(default)]
    pub operator: String,
    /// `userIdentity.type`, for example `Root`, `CAMUser` or `AssumedRole`; empty if unknown.
    #[serde(default)]
    pub operator_type: String,
    /// `userIdentity.principalId`; empty if unknown.
    #[serde(default)]
    pub principal_id: String,
    /// The session name of an assumed role.
    #[serde(default)]
    pub role_session: Option<String>,
    /// `sourceIPAddress`; empty if unknown.
    #[serde(default)]
    pub source_ip: String,
    /// `eventType`: `ConsoleCall`, `ApiCall`; empty if unknown.
    #[serde(default)]
    pub call_type: String,
}
