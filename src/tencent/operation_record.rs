//! Reads one record of `DescribeEvents`.
//!
//! The record proper is JSON in the text `CloudAuditEvent`, its parameters are JSON in a text of
//! that, and so on; other sources have objects in their place. The levels are types, so their depth
//! is fixed. A level that cannot be read counts as absent, and the fields around it are kept.
//!
//! Only the fields below are ever kept. The record also holds a session token and access key ids:
//! nothing reads the token, and a kept text that repeats a key id, or has the form of one, is masked.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;

use super::bounded::{Object, bounded_to};
use super::lenient::{Field, Readable, Text};
use super::nested::Nested;
use super::redactor::Redactor;
use super::request_parameters::{RequestParameters, request, track};
use crate::snapshot::{Operation, OperationRecord, Outcome, TrackEvent};

/// The longest text that is kept of a record, in bytes.
const MAX_RECORD_TEXT: usize = 256;

/// Shorter texts are no access key ids, and are not searched for.
const MIN_KEY_ID: usize = 8;

/// How every access key id begins.
const KEY_ID_PREFIX: &str = "AKID";

/// The fewest characters after [`KEY_ID_PREFIX`] that are masked.
const MIN_KEY_ID_REST: usize = 13;

/// The time zone of times as text. Every text of this product that can be checked has it.
const TIME_OFFSET: Offset = Offset::constant(8);

/// From this number on, an epoch is in milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Times before 2000 and after 4000 are zero values and mistakes.
const EARLIEST: u64 = 946_684_800;
const LATEST: u64 = 64_060_588_800;

/// An element of `Events`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct WireEvent {
    event_id: Field<Text>,
    #[serde(rename = "RequestID")]
    request_id: Field<Text>,
    event_name: Field<Text>,
    event_time: Field<Text>,
    username: Field<Text>,
    #[serde(rename = "SourceIPAddress")]
    source_ip: Field<Text>,
    secret_id: Field<Text>,
    resources: Field<Object<Resources>>,
    error_code: Field<Text>,
    cloud_audit_event: Field<Nested<WireRecord>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Resources {
    resource_type: Field<Text>,
}

/// `CloudAuditEvent`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireRecord {
    event_name: Field<Text>,
    event_type: Field<Text>,
    action_type: Field<Text>,
    event_time: Field<Text>,
    #[serde(rename = "requestID")]
    request_id: Field<Text>,
    resource_type: Field<Text>,
    error_code: Field<Text>,
    api_error_code: Field<Text>,
    #[serde(rename = "sourceIPAddress")]
    source_ip: Field<Text>,
    request_parameters: Field<Nested<RequestParameters>>,
    response_elements: Field<Nested<ResponseElements>>,
    user_identity: Field<Nested<UserIdentity>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResponseElements {
    track_id: Field<Text>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UserIdentity {
    #[serde(rename = "type")]
    kind: Field<Text>,
    principal_id: Field<Text>,
    user_name: Field<Text>,
    secret_id: Field<Text>,
    session_context: Field<Nested<SessionContext>>,
}

/// The part of the session context that may be kept. Everything else in it is skipped.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SessionContext {
    role_session_name: Field<Text>,
    extra_info: Field<Nested<ExtraInfo>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExtraInfo {
    role_session_name: Field<Text>,
}

impl WireEvent {
    /// Returns the record. `None` if it has no readable time, because such a record is useless.
    pub(super) fn into_record(self, redactor: &Redactor) -> Option<OperationRecord> {
        let inner = self.cloud_audit_event.nested();
        let is_parsed = inner.is_some();
        let inner = inner.unwrap_or_default();
        let identity = inner.user_identity.nested().unwrap_or_default();
        let key_ids = [text(self.secret_id), text(identity.secret_id)];
        let keep = |field: Field<Text>| kept(&text(field), &key_ids, redactor);
        let either = |first: Field<Text>, second: Field<Text>| {
            let first = keep(first);
            if first.is_empty() {
                keep(second)
            } else {
                first
            }
        };

        let resources = self.resources.ok().map(|Object(resources)| resources);
        let outer_resource_type = resources.unwrap_or_default().resource_type;
        let at = time(&text(self.event_time)).or_else(|| time(&text(inner.event_time)))?;
        let event_name = either(self.event_name, inner.event_name);
        let outcome = outcome([self.error_code, inner.error_code], inner.api_error_code);
        let kind = keep(identity.kind);
        let session = identity.session_context.nested().unwrap_or_default();
        let extra = session.extra_info.nested().unwrap_or_default();
        let role_session = either(session.role_session_name, extra.role_session_name);
        let event = event_name.parse().unwrap_or(TrackEvent::Other);
        let parameters = inner.request_parameters;
        // A record without parameters has none, unlike a record that cannot be parsed.
        let parameters = match parameters {
            Field::Absent if is_parsed => Some(RequestParameters::default()),
            parameters => parameters.nested(),
        };
        let created = inner
            .response_elements
            .nested()
            .unwrap_or_default()
            .track_id;
        let track = track(event, parameters.as_ref(), &created, &keep);
        Some(OperationRecord {
            operation: Operation {
                event_name,
                at,
                request_id: first_of([self.request_id, self.event_id, inner.request_id], &keep),
                operator: either(identity.user_name, self.username),
                operator_type: kind,
                principal_id: keep(identity.principal_id),
                role_session: (!role_session.is_empty()).then_some(role_session),
                source_ip: either(self.source_ip, inner.source_ip),
                call_type: keep(inner.event_type),
            },
            outcome,
            action_type: keep(inner.action_type),
            resource_type: either(inner.resource_type, outer_resource_type),
            track,
            request: request(parameters, &keep),
        })
    }
}

/// Returns the first text that is not empty.
fn first_of<const N: usize>(
    fields: [Field<Text>; N],
    keep: &impl Fn(Field<Text>) -> String,
) -> String {
    let texts = fields.into_iter().map(keep);
    let mut texts = texts.filter(|text| !text.is_empty());
    texts.next().unwrap_or_default()
}

/// Returns the text of a field, or an empty one.
fn text(field: Field<Text>) -> String {
    field.ok().unwrap_or_default().0
}

/// Returns what is kept of a text: a bounded part, without the secrets of the request and without
/// the access key ids of the record.
fn kept(text: &str, key_ids: &[String], redactor: &Redactor) -> String {
    let mut kept = bounded_to(&without_key_ids(text.trim()), MAX_RECORD_TEXT);
    for id in key_ids {
        if id.len() >= MIN_KEY_ID && kept.contains(id.as_str()) {
            kept = kept.replace(id.as_str(), "***");
        }
    }
    redactor.redact_name(kept)
}

/// Masks what has the form of an access key id. The ids of temporary keys have `-` and `_` too.
fn without_key_ids(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(KEY_ID_PREFIX);
    let Some(mut masked) = parts.next().map(Cow::Borrowed) else {
        return Cow::Borrowed(text);
    };
    for part in parts {
        let is_of_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let end = part.find(|c| !is_of_id(c)).unwrap_or(part.len());
        let masked = masked.to_mut();
        if end >= MIN_KEY_ID_REST && part.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            masked.push_str("***");
            masked.push_str(&part[end..]);
        } else {
            masked.push_str(KEY_ID_PREFIX);
            masked.push_str(part);
        }
    }
    masked
}

/// Returns a time: an epoch, or a date and time in [`TIME_OFFSET`].
fn time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Some(epoch) = u64::from_text(text) {
        let since = if epoch >= MILLISECONDS_FROM {
            Duration::from_millis(epoch)
        } else {
            Duration::from_secs(epoch)
        };
        let is_plausible = (EARLIEST..=LATEST).contains(&since.as_secs());
        return is_plausible.then(|| UNIX_EPOCH + since);
    }
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    let epoch = u64::try_from(TIME_OFFSET.to_timestamp(local).ok()?.as_second()).ok()?;
    let is_plausible = (EARLIEST..=LATEST).contains(&epoch);
    is_plausible.then(|| UNIX_EPOCH + Duration::from_secs(epoch))
}

/// Returns how the operation ended. An error code that cannot be read is no success.
fn outcome(cam: [Field<Text>; 2], api: Field<Text>) -> Outcome {
    if cam.into_iter().any(is_error) {
        Outcome::Denied
    } else if is_error(api) {
        Outcome::Failed
    } else {
        Outcome::Succeeded
    }
}

fn is_error(code: Field<Text>) -> bool {
    match code {
        Field::Absent => false,
        Field::Given(Text(code)) => !(code.trim().is_empty() || u64::from_text(&code) == Some(0)),
        Field::Unreadable(_) => true,
    }
}
