//! What sweeps keep of operations and of polls.

use std::time::{Duration, SystemTime};

use crate::snapshot::{
    ChangeKind, ChangeRecord, OperationRecord, Outcome, Remembered, SeenSwitch, SentStatus,
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

/// Returns what a poll saw, if the change is that a track was switched.
pub(super) fn seen_switch(change: &ChangeRecord) -> Option<SeenSwitch> {
    let on = match change.change {
        ChangeKind::Enabled => true,
        ChangeKind::Disabled => false,
        ChangeKind::Created | ChangeKind::Vanished | ChangeKind::Modified => return None,
    };
    Some(SeenSwitch {
        track_id: change.track_id,
        track: change.track.clone(),
        on,
        began: change.began(),
        ended: change.seen,
    })
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

/// Returns the key that identifies a record. Without a request id, it is the content.
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

/// Returns the track that an operation switched, and whether on.
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

/// Returns whether a record is of a write to tracks. The query asks for these only, so this matters if
/// the API ignores an attribute.
pub(super) fn is_write_to_tracks(record: &OperationRecord) -> bool {
    let is_or_unknown =
        |text: &str, wanted: &str| text.is_empty() || text.eq_ignore_ascii_case(wanted);
    is_or_unknown(&record.action_type, "Write")
        && is_or_unknown(&record.resource_type, "cloudaudit")
}
