//! The change feed in the file.

use serde::{Deserialize, Serialize};

use super::time::UnixNanos;
use crate::snapshot::{
    Attribution, AttributionResult, ChangeRecord, ChangeSource, FieldChange, Operation,
};

/// A change, with words of closed sets as texts: a later version may know more of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedChange {
    id: u64,
    account: String,
    region: String,
    track_id: u64,
    track: String,
    change: String,
    fields: Vec<FieldChange>,
    seen_unix_ns: UnixNanos,
    previous_unix_ns: Option<UnixNanos>,
    source: String,
    result: String,
    operations: Vec<SavedOperation>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedOperation {
    event_name: String,
    at_unix_ns: UnixNanos,
    request_id: String,
    operator: String,
    operator_type: String,
    principal_id: String,
    role_session: Option<String>,
    source_ip: String,
    call_type: String,
}

impl From<&ChangeRecord> for SavedChange {
    fn from(record: &ChangeRecord) -> Self {
        // Every field is named, so that a new field must be persisted or skipped explicitly.
        let ChangeRecord {
            id,
            account,
            region,
            track_id,
            track,
            change,
            fields,
            seen,
            previous,
            source,
            attribution: Attribution { result, operations },
        } = record.clone();
        Self {
            id,
            account,
            region,
            track_id,
            track,
            change: change.as_str().to_owned(),
            fields,
            seen_unix_ns: seen.into(),
            previous_unix_ns: previous.map(Into::into),
            source: source.as_str().to_owned(),
            result: result.as_str().to_owned(),
            operations: operations.into_iter().map(Into::into).collect(),
        }
    }
}

impl SavedChange {
    /// Returns the record. `None` if its kind of change is unknown.
    pub(super) fn record(&self) -> Option<ChangeRecord> {
        let Self {
            id,
            account,
            region,
            track_id,
            track,
            change,
            fields,
            seen_unix_ns,
            previous_unix_ns,
            source,
            result,
            operations,
        } = self.clone();
        Some(ChangeRecord {
            id,
            account,
            region,
            track_id,
            track,
            change: change.parse().ok()?,
            fields,
            seen: seen_unix_ns.time(),
            previous: previous_unix_ns.map(UnixNanos::time),
            source: source.parse().unwrap_or(ChangeSource::Poll),
            attribution: Attribution {
                result: result.parse().unwrap_or(AttributionResult::Failed),
                operations: operations.into_iter().map(Into::into).collect(),
            },
        })
    }
}

impl From<Operation> for SavedOperation {
    fn from(operation: Operation) -> Self {
        let Operation {
            event_name,
            at,
            request_id,
            operator,
            operator_type,
            principal_id,
            role_session,
            source_ip,
            call_type,
        } = operation;
        Self {
            event_name,
            at_unix_ns: at.into(),
            request_id,
            operator,
            operator_type,
            principal_id,
            role_session,
            source_ip,
            call_type,
        }
    }
}

impl From<SavedOperation> for Operation {
    fn from(saved: SavedOperation) -> Self {
        let SavedOperation {
            event_name,
            at_unix_ns,
            request_id,
            operator,
            operator_type,
            principal_id,
            role_session,
            source_ip,
            call_type,
        } = saved;
        Self {
            event_name,
            at: at_unix_ns.time(),
            request_id,
            operator,
            operator_type,
            principal_id,
            role_session,
            source_ip,
            call_type,
        }
    }
}
