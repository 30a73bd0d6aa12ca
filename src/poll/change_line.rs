//! The log lines of a change: what differs, and later who made the change. Also the log line of a
//! write operation on CloudAudit that failed.

use jiff::Timestamp;
use tracing::{info, warn};

use crate::escape::{escaped, visible};
use crate::snapshot::{
    AttributionResult, ChangeKind, ChangeRecord, Operation, OperationRecord, TrackEvent, TrackRef,
};

/// Logs a change. A field of the track is a pair of fields of the line, `Status.from` and
/// `Status.to`; a field that does not differ has none. The format JSON lists the pairs in `fields`.
pub(super) fn log_change(record: &ChangeRecord) {
    // Names of fields are constants, so each field of a track is listed here.
    macro_rules! line {
        ($log:ident, $($field:literal)+) => {
            $log!(
                account = &*visible(&record.account),
                region = record.region,
                track_id = record.track_id,
                track = escaped(&record.track),
                change = record.change.as_str(),
                $(
                    { concat!($field, ".from") } = from(record, $field),
                    { concat!($field, ".to") } = to(record, $field),
                )+
                "track {}",
                record.change.as_str()
            )
        };
    }
    match record.change {
        ChangeKind::Created | ChangeKind::Enabled => line!(info,
            "Status" "Name" "ActionType" "ResourceType" "EventNames"
            "StorageType" "StorageRegion" "StorageName" "StoragePrefix" "StorageAccountId"
        ),
        ChangeKind::Disabled | ChangeKind::Modified | ChangeKind::Vanished => line!(warn,
            "Status" "Name" "ActionType" "ResourceType" "EventNames"
            "StorageType" "StorageRegion" "StorageName" "StoragePrefix" "StorageAccountId"
        ),
    }
}

/// Returns the old value of a field that differs. `None` for a created track, which had none.
fn from(record: &ChangeRecord, field: &str) -> Option<String> {
    let differs = record.fields.iter().find(|it| it.field == field)?;
    (record.change != ChangeKind::Created).then(|| visible(&differs.from).into_owned())
}

/// Returns the new value of a field that differs. `None` for a deleted track, which has none.
fn to(record: &ChangeRecord, field: &str) -> Option<String> {
    let differs = record.fields.iter().find(|it| it.field == field)?;
    (record.change != ChangeKind::Vanished).then(|| visible(&differs.to).into_owned())
}

/// Logs what is known of the operator of a change: the operation, or the newest candidate and how many
/// there are.
pub(super) fn log_operator(record: &ChangeRecord) {
    let attribution = &record.attribution;
    let operation = attribution.operations.first();
    let text = |value: fn(&Operation) -> &str| operation.map(|it| escaped(value(it)));
    let message = match attribution.result {
        AttributionResult::Certain => "operator found",
        AttributionResult::Candidate => "operator uncertain",
        _ => "operator not found",
    };
    info!(
        account = &*visible(&record.account),
        region = record.region,
        track_id = record.track_id,
        track = escaped(&record.track),
        change = record.change.as_str(),
        result = attribution.result.as_str(),
        candidates = (attribution.operations.len() > 1).then_some(attribution.operations.len()),
        operator = text(|it| &it.operator),
        operator_type = text(|it| &it.operator_type),
        principal_id = text(|it| &it.principal_id),
        role_session = text(|it| it.role_session.as_deref().unwrap_or_default()),
        source_ip = text(|it| &it.source_ip),
        event = text(|it| &it.event_name),
        call = text(|it| &it.call_type),
        time = operation.and_then(time),
        request_id = text(|it| &it.request_id),
        "{message}"
    );
}

/// Logs a write to CloudAudit that CAM denied or that failed.
pub(super) fn log_attempt(account: &str, attempt: &OperationRecord) {
    let operation = &attempt.operation;
    let (track_id, track) = match &attempt.track {
        TrackRef::Id(id) => (Some(*id), None),
        TrackRef::Name(name) => (None, Some(escaped(name))),
        TrackRef::Unnamed => (None, None),
    };
    let message = match attempt.event() {
        TrackEvent::Other => "attempt to write to CloudAudit",
        _ => "attempt to change a track",
    };
    warn!(
        account = &*visible(account),
        track_id,
        track,
        event = escaped(&operation.event_name),
        outcome = attempt.outcome.as_str(),
        operator = escaped(&operation.operator),
        operator_type = escaped(&operation.operator_type),
        principal_id = escaped(&operation.principal_id),
        role_session = operation.role_session.as_deref().map(escaped),
        source_ip = escaped(&operation.source_ip),
        call = escaped(&operation.call_type),
        time = time(operation),
        request_id = escaped(&operation.request_id),
        "{message}"
    );
}

fn time(operation: &Operation) -> Option<String> {
    Some(Timestamp::try_from(operation.at).ok()?.to_string())
}
