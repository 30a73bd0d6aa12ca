//! The JSON API with the facts of the page: `/api/v1/targets`, `/api/v1/tracks`, `/api/v1/changes`
//! and `/api/v1/delivery`.
//!
//! `docs/openapi.json` describes the responses, and a test compares them with it. Within `v1`, keys
//! may be added but not removed.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::query::Query;
use super::view::{DeliveryRow, TargetRow, TrackEntry, TrackRow, View};
use crate::clock::unix_seconds;
use crate::snapshot::{AttributionResult, ChangeRecord, DeliveryReport, LastGood, Operation};

/// Returns the targets that match a query.
pub(super) fn targets(view: View<'_>, query: &Query) -> Value {
    let targets = view.matching_targets(query);
    page(view, query, targets.len(), |range| {
        targets[range].iter().map(|it| target(view, it)).collect()
    })
}

/// Returns the tracks that match a query.
pub(super) fn tracks(view: View<'_>, query: &Query) -> Value {
    let tracks = view.matching_tracks(query);
    page(view, query, tracks.len(), |range| {
        tracks[range].iter().map(track).collect()
    })
}

/// Returns the storage targets that match a query.
pub(super) fn deliveries(view: View<'_>, query: &Query) -> Value {
    let deliveries = view.matching_deliveries(query);
    page(view, query, deliveries.len(), |range| {
        let rows = deliveries[range].iter();
        rows.map(|row| delivery(view, row)).collect()
    })
}

/// Returns the changes that match a query.
pub(super) fn changes(view: View<'_>, query: &Query) -> Value {
    let changes = view.matching_changes(query);
    page(view, query, changes.len(), |range| {
        changes[range].iter().map(|it| change(it)).collect()
    })
}

fn page(
    view: View<'_>,
    query: &Query,
    count: usize,
    data: impl FnOnce(std::ops::Range<usize>) -> Vec<Value>,
) -> Value {
    json!({
        "data": data(query.row_range(count)),
        "total": count,
        "page": query.page,
        "pages": query.page_count(count),
        "at": unix_seconds(view.now.wall),
    })
}

fn target(view: View<'_>, it: &TargetRow<'_>) -> Value {
    let TargetRow {
        report,
        target,
        state,
    } = it;
    let failure = target.failure.as_ref().map(|failure| {
        json!({
            "reason": failure.reason.as_str(),
            "code": failure.code,
            "message": failure.message,
            "request_id": failure.request_id,
        })
    });
    let good = target.last_good.as_ref();
    let shown = view.shown(target);
    let mut value = account(report);
    value.extend(object(json!({
        "region": target.region,
        "state": state.as_str(),
        "failure": failure,
        "interval_seconds": target.interval.as_secs_f64(),
        "last_poll": time(target.last_poll.map(|poll| poll.at)),
        "last_success": time(good.and_then(LastGood::known_at)),
        "tracks": shown.map(<[_]>::len),
        "complete": shown.and(good).map(|good| good.is_complete),
        "reported_tracks": shown.and(good).map(|good| good.listing.reported),
    })));
    Value::Object(value)
}

fn track(row: &TrackRow<'_>) -> Value {
    let mut value = account(row.report);
    let good = row.target.last_good.as_ref();
    value.extend(object(json!({
        "region": row.target.region,
        "track_id": row.id,
        "track": row.name(),
        "status": row.status(),
        "as_of": time(good.map(|good| good.at)),
        "changed": changed(row),
    })));
    match row.track {
        TrackEntry::Vanished(tombstone) => {
            value.extend(object(json!({"vanished": time(Some(tombstone.at))})));
        }
        TrackEntry::Listed(track) => value.extend(object(json!({
            "action_type": track.action_type,
            "resource_type": track.resource_type,
            "event_names": track.event_names,
            "full_coverage": track.has_full_coverage(),
            "organization_wide": track.is_organization_wide(),
            "created": track.created,
            "storage": {
                "type": track.storage.kind,
                "region": track.storage.region,
                "name": track.storage.name,
                "prefix": track.storage.prefix,
                "account": track.storage.account,
                "foreign": row.report.account.is_foreign(&track.storage),
            },
        }))),
    }
    Value::Object(value)
}

fn delivery(view: View<'_>, row: &DeliveryRow<'_>) -> Value {
    let DeliveryReport {
        target,
        last_arrival,
        due,
        last_check,
        failures,
        ..
    } = row.delivery;
    let explanation = row.delivery.explanation_at(view.now);
    let failures = failures.iter().filter(|(_, count)| **count > 0);
    let failures: Map<String, Value> = failures
        .map(|(reason, count)| (reason.as_str().to_owned(), (*count).into()))
        .collect();
    let mut value = account(row.report);
    value.extend(object(json!({
        "storage_type": target.kind,
        "storage_region": target.region,
        "storage_name": target.name,
        "storage_prefix": target.prefix,
        "state": row.state.as_str(),
        "explanation": (!explanation.is_empty()).then_some(explanation),
        "last_arrival": time(*last_arrival),
        "due": time(*due),
        "last_check": time(*last_check),
        "check_failures": failures,
    })));
    Value::Object(value)
}

/// Returns when each kind of change of a track was last seen.
fn changed(row: &TrackRow<'_>) -> Value {
    let times = row.target.past.changes.get(&row.id);
    let times = times.into_iter().flat_map(|times| times.at);
    let seen = times.filter_map(|(change, at)| Some((change.as_str().to_owned(), time(Some(at?)))));
    Value::Object(seen.collect())
}

fn change(record: &ChangeRecord) -> Value {
    let fields = record.fields.iter();
    let fields: Value = fields
        .map(|it| json!({"field": it.field, "from": it.from, "to": it.to}))
        .collect();
    let attribution = &record.attribution;
    // With a certain result there is exactly one operation, whose values a script reads without the
    // list.
    let certain = attribution.operations.first();
    let certain = certain.filter(|_| attribution.result == AttributionResult::Certain);
    json!({
        "id": record.id,
        "seen": time(Some(record.seen)),
        "previous": time(record.previous),
        "account": record.account,
        "region": record.region,
        "track_id": record.track_id,
        "track": record.track,
        "change": record.change.as_str(),
        "fields": fields,
        "source": record.source.as_str(),
        "attribution": {
            "result": attribution.result.as_str(),
            "operator": certain.map(operator),
            "event_name": certain.map(|it| &it.event_name),
            "time": certain.map(|it| time(Some(it.at))),
            "source_ip": certain.map(|it| &it.source_ip),
            "request_id": certain.map(|it| &it.request_id),
            "call": certain.map(call),
            "operations": attribution.operations.iter().map(operation).collect::<Value>(),
        },
    })
}

fn operation(operation: &Operation) -> Value {
    json!({
        "operator": operator(operation),
        "event_name": operation.event_name,
        "time": time(Some(operation.at)),
        "source_ip": operation.source_ip,
        "request_id": operation.request_id,
        "call": call(operation),
    })
}

fn call(operation: &Operation) -> &str {
    match operation.call_type.as_str() {
        "ConsoleCall" => "console",
        "ApiCall" => "api",
        other => other,
    }
}

fn operator(operation: &Operation) -> Value {
    json!({
        "name": operation.operator,
        "type": operation.operator_type,
        "principal_id": operation.principal_id,
        "role_session": operation.role_session,
    })
}

fn account(report: &crate::snapshot::Report) -> Map<String, Value> {
    let account = &report.account;
    object(json!({
        "account": account.name,
        "labels": account.labels,
        "uin": account.uin,
        "organization": account.organization,
        "site": account.site,
        "provider": account.provider,
    }))
}

fn time(at: Option<SystemTime>) -> Value {
    at.map_or(Value::Null, |at| unix_seconds(at).into())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
