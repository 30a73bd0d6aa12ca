//! An operation record of the account, as far as it says what was done to a track.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::change_record::Operation;

/// A record of `DescribeEvents`. Holds only named fields, never the record itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    /// Who did what, and when.
    pub operation: Operation,
    /// Whether it had an effect.
    pub outcome: Outcome,
    /// `actionType`: `Read` or `Write`; empty if unknown.
    pub action_type: String,
    /// `resourceType`: a product's short name, such as `cloudaudit`; empty if unknown.
    pub resource_type: String,
    /// The track that it names. For a creation, the track that it returned.
    pub track: TrackRef,
    /// What it asked for.
    pub request: TrackRequest,
}

impl OperationRecord {
    /// Returns the kind of operation, by `eventName` in any case.
    pub fn event(&self) -> TrackEvent {
        self.operation
            .event_name
            .parse()
            .unwrap_or(TrackEvent::Other)
    }
}

/// How an operation ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr, EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Both error codes of the record are absent, empty or 0.
    Succeeded,
    /// CAM denied it: `errorCode` is another value.
    Denied,
    /// The API refused it: `apiErrorCode` is another value.
    Failed,
}

/// The track that an operation names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrackRef {
    /// `TrackId`.
    Id(u64),
    /// Only a name: `AuditName` of the legacy actions, or `Name` if the id is masked.
    Name(String),
    /// Nothing: the id is masked or missing, or the record could not be parsed.
    Unnamed,
}

/// The parameters of an operation that decide what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackRequest {
    /// `Status`.
    pub status: SentStatus,
    /// The settings that the request has. `None` if its parameters could not be read.
    pub settings: Option<Vec<SentSetting>>,
}

/// `Status` in the parameters of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentStatus {
    /// The request has no `Status`.
    Absent,
    /// 1.
    On,
    /// 0.
    Off,
    /// Masked or unreadable.
    Unknown,
}

/// A setting of a track in the parameters of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentSetting {
    /// The name that a change has for it: `Name`, `ActionType`, `ResourceType`, `EventNames`,
    /// `StorageType` and so on.
    pub field: &'static str,
    /// Its value if it is one text that can be compared.
    pub value: Option<String>,
}

/// The write operations on CloudAudit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr, EnumString,
)]
#[strum(ascii_case_insensitive)]
pub enum TrackEvent {
    /// Creates a track.
    CreateAuditTrack,
    /// Creates a track with filters.
    CreateEventsAuditTrack,
    /// Changes a track or its status.
    ModifyAuditTrack,
    /// Changes a track with filters, or its status.
    ModifyEventsAuditTrack,
    /// Deletes a track.
    DeleteAuditTrack,
    /// Legacy: creates a track.
    CreateAudit,
    /// Legacy: changes a track.
    UpdateAudit,
    /// Legacy: deletes a track.
    DeleteAudit,
    /// Legacy: enables a track.
    StartLogging,
    /// Legacy: disables a track.
    StopLogging,
    /// Creates a track of `EventBridge`, which stores nothing.
    CreateEventBridgeTrack,
    /// Any other write operation on CloudAudit.
    #[strum(serialize = "other")]
    Other,
}

impl TrackEvent {
    /// Every kind.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `event`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `outcome`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
