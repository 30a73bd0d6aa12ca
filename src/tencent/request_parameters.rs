//! The parameters of an operation on a track: which track it names, and which settings it asks for.

use serde::Deserialize;

use super::lenient::{Field, Readable, Text};
use super::nested::{Nested, Present};
use super::wire_storage::WireStorage;
use crate::snapshot::{SentSetting, SentStatus, TrackEvent, TrackRef, TrackRequest};

/// `requestParameters`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RequestParameters {
    track_id: Field<Text>,
    audit_name: Field<Text>,
    name: Field<Text>,
    status: Field<Text>,
    action_type: Field<Text>,
    resource_type: Field<Text>,
    event_names: Field<Present>,
    storage: Field<Nested<WireStorage>>,
    filters: Field<Present>,
}

/// Returns the track that an operation names.
pub(super) fn track(
    event: TrackEvent,
    parameters: Option<&RequestParameters>,
    created: &Field<Text>,
    keep: &impl Fn(Field<Text>) -> String,
) -> TrackRef {
    let id = |field: &Field<Text>| match field {
        Field::Given(Text(text)) => u64::from_text(text),
        Field::Absent | Field::Unreadable(_) => None,
    };
    let is_creation = matches!(
        event,
        TrackEvent::CreateAuditTrack | TrackEvent::CreateEventsAuditTrack | TrackEvent::CreateAudit
    );
    let track_id = if is_creation {
        id(created)
    } else {
        parameters.and_then(|parameters| id(&parameters.track_id))
    };
    if let Some(id) = track_id {
        return TrackRef::Id(id);
    }
    let Some(parameters) = parameters else {
        return TrackRef::Unnamed;
    };
    let name = |field: &Field<Text>| match field {
        Field::Given(Text(text)) => keep(Field::Given(Text(text.clone()))),
        Field::Absent | Field::Unreadable(_) => String::new(),
    };
    let names = [name(&parameters.audit_name), name(&parameters.name)];
    let name = names.into_iter().find(|name| !is_masked(name));
    name.map_or(TrackRef::Unnamed, TrackRef::Name)
}

/// Returns whether a text is empty, or CloudAudit replaced it.
fn is_masked(text: &str) -> bool {
    text.chars().all(|c| c == '*')
}

/// Returns what an operation asked for.
pub(super) fn request(
    parameters: Option<RequestParameters>,
    keep: &impl Fn(Field<Text>) -> String,
) -> TrackRequest {
    let Some(parameters) = parameters else {
        return TrackRequest {
            status: SentStatus::Unknown,
            settings: None,
        };
    };
    let mut settings = Vec::new();
    let mut add = |field: &'static str, value: Field<Text>| match value {
        Field::Absent => {}
        value => {
            let value = keep(value);
            let value = Some(value).filter(|value| !is_masked(value));
            settings.push(SentSetting { field, value });
        }
    };
    add("Name", parameters.name);
    add("ActionType", parameters.action_type);
    add("ResourceType", parameters.resource_type);
    match parameters.storage {
        Field::Absent => {}
        Field::Given(Nested(storage)) => {
            add("StorageType", storage.kind);
            add("StorageRegion", storage.region);
            add("StorageName", storage.name);
            add("StoragePrefix", storage.prefix);
            add("StorageAccountId", storage.account);
        }
        Field::Unreadable(_) => add("StorageName", Field::Given(Text::default())),
    }
    let mut uncompared = |field| settings.push(SentSetting { field, value: None });
    if !matches!(parameters.event_names, Field::Absent) {
        uncompared("EventNames");
    }
    if !matches!(parameters.filters, Field::Absent) {
        for field in ["ActionType", "ResourceType", "EventNames"] {
            uncompared(field);
        }
    }
    TrackRequest {
        status: status(parameters.status),
        settings: Some(settings),
    }
}

fn status(field: Field<Text>) -> SentStatus {
    match field {
        Field::Absent => SentStatus::Absent,
        Field::Unreadable(_) => SentStatus::Unknown,
        Field::Given(Text(text)) => match u64::from_text(&text) {
            Some(0) => SentStatus::Off,
            Some(1) => SentStatus::On,
            _ => SentStatus::Unknown,
        },
    }
}
