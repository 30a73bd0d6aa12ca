//! Finding the operation behind a change: the rule, the search, the sweep, and their properties.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

mod exactly_once;
mod interleavings;
mod lookup;
mod matching;
mod sweep;
mod unseen;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::snapshot::{
    Attribution, AttributionResult, ChangeKind, ChangeRecord, ChangeSource, FieldChange, Operation,
    OperationRecord, Outcome, SentSetting, SentStatus, TrackRef, TrackRequest,
};

/// Time zero of every test, on both clocks.
const EPOCH: u64 = 1_764_320_400;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(EPOCH + seconds)
}

/// A change of track 41 that a poll saw at `seen`, one minute after the previous poll.
fn change(kind: ChangeKind, seen: u64) -> ChangeRecord {
    ChangeRecord {
        id: 1,
        account: "prod".to_owned(),
        region: "ap-guangzhou".to_owned(),
        track_id: 41,
        track: "audit-all".to_owned(),
        change: kind,
        fields: Vec::new(),
        seen: at(seen),
        took: Duration::ZERO,
        previous: Some(at(seen) - Duration::from_mins(1)),
        source: ChangeSource::Poll,
        attribution: pending(),
    }
}

fn pending() -> Attribution {
    Attribution {
        result: AttributionResult::Pending,
        operations: Vec::new(),
    }
}

fn field(field: &str, from: &str, to: &str) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

/// An operation on track 41 that succeeded.
fn operation(id: &str, event: &str, seconds: u64) -> OperationRecord {
    OperationRecord {
        operation: Operation {
            event_name: event.to_owned(),
            at: at(seconds),
            request_id: id.to_owned(),
            operator: "alice".to_owned(),
            operator_type: "CAMUser".to_owned(),
            principal_id: "100000000011".to_owned(),
            role_session: None,
            source_ip: "203.0.113.7".to_owned(),
            call_type: "ConsoleCall".to_owned(),
        },
        outcome: Outcome::Succeeded,
        action_type: "Write".to_owned(),
        resource_type: "cloudaudit".to_owned(),
        track: TrackRef::Id(41),
        request: TrackRequest {
            status: SentStatus::Absent,
            settings: Some(Vec::new()),
        },
    }
}

/// A `ModifyAuditTrack` that switches track 41.
fn switch(id: &str, status: SentStatus, seconds: u64) -> OperationRecord {
    let mut record = operation(id, "ModifyAuditTrack", seconds);
    record.request.status = status;
    record
}

fn off(id: &str, seconds: u64) -> OperationRecord {
    switch(id, SentStatus::Off, seconds)
}

fn on(id: &str, seconds: u64) -> OperationRecord {
    switch(id, SentStatus::On, seconds)
}

/// A `ModifyAuditTrack` that sends these settings; `None` is a value that cannot be compared.
fn modify(id: &str, settings: &[(&'static str, Option<&str>)], seconds: u64) -> OperationRecord {
    let mut record = operation(id, "ModifyAuditTrack", seconds);
    let settings = settings.iter().map(|(field, value)| SentSetting {
        field,
        value: value.map(str::to_owned),
    });
    record.request.settings = Some(settings.collect());
    record
}

fn of(track: TrackRef, mut record: OperationRecord) -> OperationRecord {
    record.track = track;
    record
}

fn ended(outcome: Outcome, mut record: OperationRecord) -> OperationRecord {
    record.outcome = outcome;
    record
}

/// The result and the request ids of its operations.
fn shown(attribution: &Attribution) -> (AttributionResult, Vec<&str>) {
    let ids = attribution.operations.iter();
    let ids = ids.map(|operation| &*operation.request_id);
    (attribution.result, ids.collect())
}
