//! Operations and switches that sweeps remember.

use std::time::{Duration, SystemTime};

use crate::snapshot::{
    ChangeKind, ChangeRecord, OperationRecord, Outcome, Remembered, SeenSwitch, SentStatus, Status,
    TrackEvent, TrackRef,
};

/// How far a poll may be from an operation and still have seen its effect, because two clocks differ.
pub(super) const TOLERANCE: Duration = Duration::from_secs(2);

impl Remembered {
    pub(super) fn of(record: &OperationRecord) -> Self {
        Self {
            at: record.operation.at,
            key: key_of(record),
            switched: switched(record),
            is_counted: false,
        }
    }
}

/// Returns what a poll saw, if the change shows whether the track was on at the previous poll. A
/// created track was not on; a deleted track may have been on.
pub(super) fn seen_switch(change: &ChangeRecord) -> Option<SeenSwitch> {
    let on = match change.change {
        ChangeKind::Created | ChangeKind::Enabled => true,
        ChangeKind::Disabled => false,
        ChangeKind::Vanished if was_on(change) => false,
        ChangeKind::Vanished | ChangeKind::Modified => return None,
    };
    Some(SeenSwitch {
        track_id: change.track_id,
        track: change.track.clone(),
        on,
        began: change.began(),
        ended: change.seen,
    })
}

/// Returns whether a track was enabled before it was deleted.
fn was_on(change: &ChangeRecord) -> bool {
    let mut fields = change.fields.iter();
    fields.any(|field| field.field == "Status" && field.from == Status::Enabled.as_str())
}

impl SeenSwitch {
    pub(super) fn is_of(&self, track: &TrackRef) -> bool {
        match track {
            TrackRef::Id(id) => self.track_id == *id,
            TrackRef::Name(name) => self.track == *name,
            TrackRef::Unnamed => false,
        }
    }

    /// Returns whether the poll ended at this time or later.
    pub(super) fn is_after(&self, at: SystemTime) -> bool {
        at <= self.ended + TOLERANCE
    }
}

/// Returns the key that identifies a record. Without a request id, the key is the content.
pub(super) fn key_of(record: &OperationRecord) -> String {
    let operation = &record.operation;
    let name = operation.event_name.to_ascii_lowercase();
    if operation.request_id.is_empty() {
        let at = operation.at.duration_since(SystemTime::UNIX_EPOCH);
        let at = at.unwrap_or_default().as_secs();
        return format!("{name} {at} {} {:?}", operation.operator, record.track);
    }
    format!("{name} {}", operation.request_id)
}

/// Returns the track that an operation switched, and whether the operation switched it on.
fn switched(record: &OperationRecord) -> Option<(TrackRef, bool)> {
    if record.outcome != Outcome::Succeeded || record.track == TrackRef::Unnamed {
        return None;
    }
    let on = match (record.event(), record.request.status) {
        (TrackEvent::StartLogging, _) => true,
        (TrackEvent::StopLogging, _) => false,
        (TrackEvent::ModifyAuditTrack | TrackEvent::ModifyEventsAuditTrack, SentStatus::On) => true,
        (TrackEvent::ModifyAuditTrack | TrackEvent::ModifyEventsAuditTrack, SentStatus::Off) => {
            false
        }
        _ => return None,
    };
    Some((record.track.clone(), on))
}

/// Returns whether an operation succeeded that may have switched a track.
pub(super) fn may_switch(record: &OperationRecord) -> bool {
    let can_switch = match record.event() {
        TrackEvent::StartLogging | TrackEvent::StopLogging => true,
        TrackEvent::ModifyAuditTrack | TrackEvent::ModifyEventsAuditTrack => {
            record.request.status != SentStatus::Absent
        }
        _ => false,
    };
    can_switch && record.outcome == Outcome::Succeeded
}

/// Returns whether an operation modifies a track, and may have switched it on or off.
pub(super) fn has_unknown_status(record: &OperationRecord) -> bool {
    let event = record.event();
    record.request.status == SentStatus::Unknown
        && !matches!(event, TrackEvent::StartLogging | TrackEvent::StopLogging)
}

/// Returns whether a record is about a write operation on CloudAudit. The query requests only such
/// records, so this matters only if the API ignores an attribute.
pub(super) fn is_write(record: &OperationRecord) -> bool {
    let is_or_unknown =
        |text: &str, wanted: &str| text.is_empty() || text.eq_ignore_ascii_case(wanted);
    is_or_unknown(&record.action_type, "Write")
        && is_or_unknown(&record.resource_type, "cloudaudit")
}
