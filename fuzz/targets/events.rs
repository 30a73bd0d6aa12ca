//! A page of operation records, with JSON in the texts of JSON.

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Operation, OperationRecord, TrackRef};
use cloudaudit_exporter::tencent::parse_events;
use cloudaudit_exporter::tencent::wire::WireError;
use serde_json::Value;

/// The longest text that is kept of a record, in bytes, and what masks it.
const LONGEST: usize = 256 + "***".len();

/// The seeds have this as the session token. It is no text of a seed otherwise.
const TOKEN: &str = "MUST-NEVER-APPEAR";

/// Whatever a page holds: what is kept of it is bounded, its times can be computed with, and nothing
/// of the session context is in it.
pub fn events(input: &[u8]) {
    match parse_events(input) {
        Ok(page) => {
            for record in &page.records {
                is_bounded(record);
            }
            // A mutation may have put the token into a field that is kept.
            if token_is_only_in_the_context(input) {
                assert!(!format!("{page:?}").contains(TOKEN), "the token is kept");
            }
        }
        Err(WireError::NotJson(failure)) => {
            assert_eq!(failure.reason, Reason::Malformed);
            is_silent(&failure, input);
        }
        Err(WireError::Api(failure)) => is_silent(&failure, input),
    }
}

fn is_bounded(record: &OperationRecord) {
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
    } = &record.operation;
    let day = std::time::Duration::from_hours(24);
    assert!(at.checked_add(day * 365).is_some() && at.checked_sub(day * 365).is_some());
    let name = match &record.track {
        TrackRef::Name(name) => name,
        TrackRef::Id(_) | TrackRef::Unnamed => "",
    };
    let texts = [
        event_name,
        request_id,
        operator,
        operator_type,
        principal_id,
        role_session.as_deref().unwrap_or_default(),
        source_ip,
        call_type,
        &record.action_type,
        &record.resource_type,
        name,
    ];
    for text in texts {
        assert!(text.len() <= LONGEST, "{} bytes", text.len());
    }
    let settings = record.request.settings.iter().flatten();
    let values: Vec<&String> = settings
        .filter_map(|setting| setting.value.as_ref())
        .collect();
    assert!(values.len() <= 8 && values.iter().all(|value| value.len() <= LONGEST));
}

/// The fields that hold JSON as a text, which is never kept.
const NESTED: [&str; 5] = [
    "CloudAuditEvent",
    "requestParameters",
    "responseElements",
    "sessionContext",
    "extraInfo",
];

/// Whether the token is nowhere but in its own field. A mutation may move it elsewhere.
fn token_is_only_in_the_context(input: &[u8]) -> bool {
    serde_json::from_slice(input).is_ok_and(|value| is_only_token("", &value))
}

fn is_only_token(key: &str, value: &Value) -> bool {
    match value {
        Value::String(text) if text.contains(TOKEN) && key != "token" => {
            let nested = serde_json::from_str(text).unwrap_or_default();
            NESTED.contains(&key) && is_only_token(key, &nested)
        }
        Value::Array(list) => list.iter().all(|value| is_only_token(key, value)),
        Value::Object(fields) => fields.iter().all(|(key, value)| is_only_token(key, value)),
        _ => true,
    }
}

/// A failure of the format quotes nothing of the body.
fn is_silent(failure: &Failure, input: &[u8]) {
    if failure.reason == Reason::Malformed && token_is_only_in_the_context(input) {
        assert!(!failure.to_string().contains(TOKEN), "{failure}");
    }
}
