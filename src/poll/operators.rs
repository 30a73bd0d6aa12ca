//! What searches for operators change in the feed and in the history of targets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::attribution::{ListedTrack, UnseenSwitchOff};
use crate::history::TargetHistory;
use crate::snapshot::{
    Attribution, AttributionResult, ChangeKind, ChangeOperator, ChangeRecord, ChangeSource,
    FieldChange, OperationRecord, Status, TrackEvent, TrackRef,
};

/// Shows the operator of the last change of each kind, if it is certain. `changes` are the changes of
/// the account, newest first; `None` hides every operator.
pub(super) fn show_operators(histories: &mut [TargetHistory], changes: Option<&[&ChangeRecord]>) {
    let mut operators: BTreeMap<(&str, u64, ChangeKind), Option<ChangeOperator>> = BTreeMap::new();
    let of_polls = changes.into_iter().flatten();
    for record in of_polls.filter(|record| record.source == ChangeSource::Poll) {
        let key = (record.region.as_str(), record.track_id, record.change);
        operators.entry(key).or_insert_with(|| operator(record));
    }
    for history in histories {
        let region = history.report().region.clone();
        history.set_operators(|id, change| {
            let known = operators.get(&(region.as_str(), id, change));
            known.cloned().flatten()
        });
    }
}

fn operator(record: &ChangeRecord) -> Option<ChangeOperator> {
    let attribution = &record.attribution;
    let operation = attribution.operations.first()?;
    (attribution.result == AttributionResult::Certain).then(|| ChangeOperator {
        name: operation.operator.clone(),
        kind: operation.operator_type.clone(),
        event: operation.event_name.parse().unwrap_or(TrackEvent::Other),
    })
}

/// Returns the records of a track that was switched off and on again between two polls.
pub(super) fn unseen_records(
    account: &str,
    histories: &[TargetHistory],
    unseen: UnseenSwitchOff,
) -> [ChangeRecord; 2] {
    let UnseenSwitchOff {
        track,
        off_at,
        on_at,
        is_off_certain,
        is_on_certain,
        off,
        on,
    } = unseen;
    let region = histories.first();
    let region = region.map_or("", |history| &history.report().region);
    let (track_id, name) = known_track(histories, &track);
    let record = |change, (operation, result), seen, [from, to]: [Status; 2]| {
        let operation: Option<OperationRecord> = operation;
        ChangeRecord {
            // The feed numbers its records.
            id: 0,
            account: account.to_owned(),
            region: region.to_owned(),
            track_id,
            track: name.clone(),
            change,
            fields: vec![FieldChange {
                field: "Status".to_owned(),
                from: from.as_str().to_owned(),
                to: to.as_str().to_owned(),
            }],
            seen,
            took: Duration::ZERO,
            previous: None,
            source: ChangeSource::Operation,
            attribution: Attribution {
                result,
                operations: operation.into_iter().map(|it| it.operation).collect(),
            },
        }
    };
    let (enabled, disabled) = (Status::Enabled, Status::Disabled);
    [
        record(
            ChangeKind::Disabled,
            with_result(off, is_off_certain),
            off_at,
            [enabled, disabled],
        ),
        record(
            ChangeKind::Enabled,
            with_result(on, is_on_certain),
            on_at,
            [disabled, enabled],
        ),
    ]
}

fn with_result(
    operation: Option<OperationRecord>,
    is_certain: bool,
) -> (Option<OperationRecord>, AttributionResult) {
    let result = match &operation {
        None => AttributionResult::NotFound,
        Some(_) if is_certain => AttributionResult::Certain,
        Some(_) => AttributionResult::Candidate,
    };
    (operation, result)
}

/// Returns what the latest listing shows of the track that an operation names. `None` if no listing has
/// it, if several tracks have its name, or if its status is unknown.
pub(super) fn listed_track(histories: &[TargetHistory], named: &TrackRef) -> Option<ListedTrack> {
    let in_listing = |history: &TargetHistory| {
        let good = history.report().last_good.as_ref()?;
        let track = match named {
            TrackRef::Id(id) => good.listing.track(*id)?,
            TrackRef::Name(name) => {
                let mut of_name = good.listing.tracks.iter().filter(|it| it.name == *name);
                let first = of_name.next()?;
                of_name.next().is_none().then_some(first)?
            }
            TrackRef::Unnamed => return None,
        };
        let began = good.known_beginning().unwrap_or(SystemTime::UNIX_EPOCH);
        let (id, on) = (track.id, track.status == Status::Enabled);
        (track.status != Status::Unknown).then_some(ListedTrack { id, on, began })
    };
    let listed = histories.iter().filter_map(in_listing);
    listed.max_by_key(|listed| listed.began)
}

/// Returns the id and the name of a track that an operation names, as far as listings show it. The id
/// is 0 if no track has the name, or several do.
fn known_track(histories: &[TargetHistory], named: &TrackRef) -> (u64, String) {
    let listings = histories.iter().filter_map(|history| {
        let good = history.report().last_good.as_ref()?;
        Some(Arc::clone(&good.listing))
    });
    let mut found: BTreeMap<u64, String> = BTreeMap::new();
    for listing in listings {
        let named = listing.tracks.iter().filter(|track| match named {
            TrackRef::Id(id) => *id == track.id,
            TrackRef::Name(name) => *name == track.name,
            TrackRef::Unnamed => false,
        });
        found.extend(named.map(|track| (track.id, track.name.clone())));
    }
    let only = found.pop_first().filter(|_| found.is_empty());
    only.unwrap_or_else(|| match named {
        TrackRef::Id(id) => (*id, String::new()),
        TrackRef::Name(name) => (0, name.clone()),
        TrackRef::Unnamed => (0, String::new()),
    })
}
