//! The rule: which operation made a change.

use std::time::{Duration, SystemTime};

use super::query_period::in_the_cloud;
use crate::snapshot::{
    Attribution, AttributionResult, ChangeKind, ChangeRecord, FieldChange, MAX_CANDIDATES,
    OperationRecord, Outcome, SentStatus, TrackEvent, TrackRef, TrackRequest,
};

/// How long before the beginning of the previous poll an operation may lie, because two clocks differ.
pub(super) const BEFORE: Duration = Duration::from_mins(2);

/// How long after the end of the poll an operation may lie, because two clocks differ.
pub(super) const AFTER: Duration = Duration::from_mins(1);

/// The same limits for an operation that is certain, or that names no id. The difference of the two
/// clocks is known to the second.
const NEAR: Duration = Duration::from_secs(10);

/// How long before the beginning of a poll an operation must lie for the poll to have certainly seen
/// its effect. Times of records are whole seconds, and so is the known difference of the two clocks.
const SURELY_SEEN: Duration = Duration::from_secs(2);

/// Returns which operation made a change.
///
/// An operation *fits* if it succeeded, can make the change according to its name, and had this effect:
/// `Status` 0 for a disabled track, `Status` 1 for an enabled track, a deletion, or a creation. For a
/// modified track, it must send the new value of at least one setting that differs. It must lie between
/// two minutes before the previous poll began and one minute after the poll ended. A poll may have read
/// the track at any time between the beginning and the end of the poll.
///
/// An operation does not fit if a later operation that names the id undid it before the poll began.
/// After off, on, off, only the last operation can be the cause.
///
/// * **certain**: exactly one operation fits and names the id of the track. It has the whole effect,
///   and it lies between the two polls, with a tolerance of ten seconds. The records are complete. No
///   operation without an id could be the cause instead: none fits in that time, and none undoes the
///   change in the same second or later, before the poll began.
/// * **candidate**: several operations fit, the only one is further away or has an unknown or partial
///   effect, an operation without an id could be the cause, or the records are incomplete. An operation
///   names no id if the id is masked or missing, or if the record could not be parsed. A name is not
///   unique, so an operation that has only the name of the track names no id. There are at most
///   [`MAX_CANDIDATES`]: first the operations with the id, then the others, each group newest first.
/// * **not found**: no operation fits. An operation that names another track never fits, and neither
///   does an attempt that failed or was denied. They do not make another operation less certain.
///
/// The previous poll may be unknown. Then any operation before the poll may fit. `old_names` are names
/// that the track had before the poll, in addition to the names in the change.
pub fn attribute(
    change: &ChangeRecord,
    old_names: &[&str],
    records: &[OperationRecord],
    are_complete: bool,
    skew: i64,
) -> Attribution {
    let seen = in_the_cloud(change.seen, skew);
    let previous = change.previous.map(|time| in_the_cloud(time, skew));
    let mut operations: Vec<Fitting> = records
        .iter()
        .filter(|record| record.outcome == Outcome::Succeeded)
        .filter_map(|record| Fitting::of(change, old_names, record))
        .collect();
    operations.sort_by_key(|fitting| std::cmp::Reverse(fitting.at()));

    let (named, unnamed): (Vec<Fitting>, Vec<Fitting>) =
        operations.into_iter().partition(|fitting| fitting.is_named);
    let surely_seen = in_the_cloud(change.began(), skew) - SURELY_SEEN;
    let near = |fitting: &&Fitting| fitting.is_between(previous, NEAR, seen, NEAR);
    let far = |fitting: &&Fitting| fitting.is_between(previous, BEFORE, seen, AFTER);
    let undone = last_contrary(&named, surely_seen);
    let mut fitting: Vec<&Fitting> = lasted(&named, undone).filter(far).collect();
    let others: Vec<&Fitting> = lasted(&unnamed, undone).filter(near).collect();
    if let [only] = fitting[..]
        && near(&only)
        && only.effect == Effect::Whole
        && are_complete
        && others.is_empty()
        && last_contrary(&unnamed, surely_seen).is_none_or(|contrary| contrary < only.at())
    {
        return found(AttributionResult::Certain, &fitting);
    }
    fitting.extend(others);
    if fitting.is_empty() {
        return found(AttributionResult::NotFound, &[]);
    }
    found(AttributionResult::Candidate, &fitting)
}

fn found(result: AttributionResult, fitting: &[&Fitting]) -> Attribution {
    let fitting = fitting.iter().take(MAX_CANDIDATES);
    Attribution {
        result,
        operations: fitting
            .map(|fitting| fitting.record.operation.clone())
            .collect(),
    }
}

/// What an operation did, compared with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It makes the whole change.
    Whole,
    /// It makes a part of the change, or its effect is unknown.
    Partial,
    /// It undoes the change.
    Contrary,
}

/// An operation that makes or undoes a change.
#[derive(Clone, Copy)]
struct Fitting<'a> {
    record: &'a OperationRecord,
    effect: Effect,
    /// Whether it names the id of the track.
    is_named: bool,
}

impl<'a> Fitting<'a> {
    fn of(change: &ChangeRecord, old_names: &[&str], record: &'a OperationRecord) -> Option<Self> {
        let has_name = |name: &str| has_name(change, name) || old_names.contains(&name);
        let is_named = match &record.track {
            TrackRef::Id(id) if *id == change.track_id => true,
            TrackRef::Id(_) => return None,
            TrackRef::Name(name) if !has_name(name) => return None,
            TrackRef::Name(_) | TrackRef::Unnamed => false,
        };
        Some(Self {
            record,
            effect: effect(change, record)?,
            is_named,
        })
    }

    fn at(&self) -> SystemTime {
        self.record.operation.at
    }

    fn is_between(
        &self,
        previous: Option<SystemTime>,
        before: Duration,
        seen: SystemTime,
        after: Duration,
    ) -> bool {
        let at = self.at();
        previous.is_none_or(|previous| previous <= at + before) && at <= seen + after
    }
}

/// Returns whether a track has or had this name.
fn has_name(change: &ChangeRecord, name: &str) -> bool {
    let renamed = change.fields.iter().find(|field| field.field == "Name");
    change.track == name || renamed.is_some_and(|field| field.from == name)
}

/// Returns the names that the track of a change had before the same poll.
pub(super) fn old_names<'a>(change: &ChangeRecord, all: &[&'a ChangeRecord]) -> Vec<&'a str> {
    let of_poll = all.iter().filter(|other| {
        (other.track_id, other.seen) == (change.track_id, change.seen)
            && other.change == ChangeKind::Modified
    });
    let fields = of_poll.flat_map(|other| &other.fields);
    let names = fields.filter(|field| field.field == "Name");
    names.map(|field| &*field.from).collect()
}

/// Returns when the last operation until a time undid the change. A later operation undoes nothing that
/// the poll saw.
fn last_contrary(operations: &[Fitting], until: SystemTime) -> Option<SystemTime> {
    let contrary = operations
        .iter()
        .filter(|fitting| fitting.effect == Effect::Contrary && fitting.at() <= until);
    contrary.map(Fitting::at).max()
}

/// Returns the operations that make the change and were not undone. The order of two operations in the
/// same second is unknown.
fn lasted<'a, 'b>(
    operations: &'b [Fitting<'a>],
    undone: Option<SystemTime>,
) -> impl Iterator<Item = &'b Fitting<'a>> {
    operations.iter().filter(move |fitting| {
        fitting.effect != Effect::Contrary && undone.is_none_or(|undone| fitting.at() >= undone)
    })
}

/// Returns the effect of an operation, or `None` if it neither makes nor undoes this kind of change.
fn effect(change: &ChangeRecord, record: &OperationRecord) -> Option<Effect> {
    use TrackEvent as Event;
    let event = record.event();
    match (change.change, event) {
        (
            ChangeKind::Created,
            Event::CreateAuditTrack | Event::CreateEventsAuditTrack | Event::CreateAudit,
        )
        | (ChangeKind::Vanished, Event::DeleteAuditTrack | Event::DeleteAudit)
        | (ChangeKind::Disabled, Event::StopLogging)
        | (ChangeKind::Enabled, Event::StartLogging) => Some(Effect::Whole),
        (ChangeKind::Disabled, Event::StartLogging) | (ChangeKind::Enabled, Event::StopLogging) => {
            Some(Effect::Contrary)
        }
        (ChangeKind::Disabled, Event::ModifyAuditTrack | Event::ModifyEventsAuditTrack) => {
            of_status(record.request.status, SentStatus::Off)
        }
        (ChangeKind::Enabled, Event::ModifyAuditTrack | Event::ModifyEventsAuditTrack) => {
            of_status(record.request.status, SentStatus::On)
        }
        (ChangeKind::Modified, Event::ModifyAuditTrack | Event::ModifyEventsAuditTrack) => {
            of_settings(&change.fields, &record.request)
        }
        (ChangeKind::Modified, Event::UpdateAudit) => Some(Effect::Partial),
        _ => None,
    }
}

fn of_status(sent: SentStatus, wanted: SentStatus) -> Option<Effect> {
    match sent {
        SentStatus::Absent => None,
        SentStatus::Unknown => Some(Effect::Partial),
        sent if sent == wanted => Some(Effect::Whole),
        SentStatus::On | SentStatus::Off => Some(Effect::Contrary),
    }
}

/// Compares the settings that a request has with the fields that differ.
fn of_settings(fields: &[FieldChange], request: &TrackRequest) -> Option<Effect> {
    let Some(sent) = &request.settings else {
        return Some(Effect::Partial);
    };
    let is_sent = |field: &FieldChange| sent.iter().any(|setting| setting.field == field.field);
    let is_other = |field: &FieldChange| {
        sent.iter().any(|setting| {
            let value = setting.value.as_ref();
            setting.field == field.field && value.is_some_and(|value| *value != field.to)
        })
    };
    // The API derives the owner of the storage from its name if the request does not have it.
    let is_derived = |field: &FieldChange| {
        let sends_storage = sent.iter().any(|setting| setting.field == "StorageName");
        field.field == "StorageAccountId" && sends_storage
    };
    if fields.iter().any(is_other) {
        return Some(Effect::Contrary);
    }
    if !fields.iter().any(is_sent) {
        return None;
    }
    let is_made = |field: &FieldChange| is_sent(field) || is_derived(field);
    Some(if fields.iter().all(is_made) {
        Effect::Whole
    } else {
        Effect::Partial
    })
}
