//! The details of a track that only `DescribeAuditTrack` returns: one request per track.

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::bounded::{List, Object};
use super::call::Call;
use super::client::Client;
use super::envelope::{Content, ErrorBody, parse_cloudaudit_response};
use super::event_names::EventNames;
use super::lenient::{Field, Notes, Text};
use super::observer::Observer;
use super::redactor::Redactor;
use crate::failure::Failure;
use crate::snapshot::{DESCRIBE_AUDIT_TRACK, Details, Scope};

/// The most filters of a track that are read.
const MAX_FILTERS: usize = 1_000;

/// The most filters that are kept of one track.
const MAX_KEPT_FILTERS: usize = 20;

/// The most bytes of filters that are kept of one track.
const MAX_KEPT_BYTES: usize = 4_096;

impl Client {
    /// Returns the details of a track that a listing lacks. No request is retried after
    /// `retry_until`.
    ///
    /// # Errors
    ///
    /// The failure of the call; `ResourceNotFound.AuditNotExist` if the track was deleted meanwhile.
    pub async fn describe(
        &self,
        region: &str,
        track_id: u64,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Details, Failure> {
        let body = json!({ "TrackId": track_id }).to_string();
        let call = Call {
            action: DESCRIBE_AUDIT_TRACK,
            region: Some(region),
            body: &body,
            signed: true,
            secrets: &[],
            retry_until,
        };
        let parse = |body: &[u8], redactor: &Redactor| {
            let read = |response: DetailsResponse| Ok(response.into_details());
            parse_cloudaudit_response(body, redactor, read)
        };
        let (details, unreadable) = self.api.call(call, observer, parse).await?;
        self.api
            .report_unreadable(call.action, unreadable, observer);
        Ok(details)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DetailsResponse {
    track_for_all_members: Field<bool>,
    filters: Field<Object<Filters>>,
    error: Field<Object<ErrorBody>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Filters {
    resource_fields: Field<List<Field<Object<ResourceField>>, MAX_FILTERS>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResourceField {
    resource_type: Field<Text>,
    action_type: Field<Text>,
    event_names: Field<EventNames>,
}

impl Content for DetailsResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl DetailsResponse {
    fn into_details(self) -> (Details, Vec<String>) {
        let mut notes = Notes::default();
        let for_all_members = self.track_for_all_members;
        let for_all_members = for_all_members.noted("TrackForAllMembers", &mut notes);
        let filters = scopes(self.filters, &mut notes);
        let details = Details {
            for_all_members,
            filters,
        };
        (details, notes.into_lines())
    }
}

/// Returns the filters of a track. An unreadable filter may record anything, so it counts as an
/// unknown filter and not as an absent one.
fn scopes(filters: Field<Object<Filters>>, notes: &mut Notes) -> Vec<Scope> {
    let unknown = || vec![Scope::default()];
    let fields = match filters {
        Field::Absent => return Vec::new(),
        filters => match filters.noted("Filters", notes) {
            Some(Object(filters)) => filters.resource_fields,
            None => return unknown(),
        },
    };
    let fields = match fields {
        Field::Absent => return Vec::new(),
        fields => match fields.noted("Filters.ResourceFields", notes) {
            Some(fields) => fields,
            None => return unknown(),
        },
    };
    let is_cut = fields.length > fields.kept.len();
    let fields = fields.kept.into_iter();
    let scopes = fields.map(|field| {
        let field = field.noted("Filters.ResourceFields[]", notes);
        field.map_or_else(Scope::default, |Object(field)| field.into_scope())
    });
    let mut scopes: Vec<Scope> = scopes.collect();
    scopes.extend(is_cut.then(Scope::default));
    keep_deciding(scopes)
}

/// Returns the filters, or if there are too many, those that decide what the track records: for each
/// kind of action a filter that covers it, otherwise one that may.
fn keep_deciding(scopes: Vec<Scope>) -> Vec<Scope> {
    let texts = scopes.iter().flat_map(|scope| {
        let own = [&scope.action_type, &scope.resource_type];
        own.into_iter().chain(&scope.event_names)
    });
    let bytes: usize = texts.map(String::len).sum();
    if scopes.len() <= MAX_KEPT_FILTERS && bytes <= MAX_KEPT_BYTES {
        return scopes;
    }
    let mut kept = Vec::new();
    for action_type in ["Read", "Write"] {
        let rank = |scope: &&Scope| match scope.covers(action_type) {
            Some(true) => 2,
            None => 1,
            Some(false) => 0,
        };
        kept.extend(scopes.iter().max_by_key(rank).cloned());
    }
    kept
}

impl ResourceField {
    fn into_scope(self) -> Scope {
        // An unreadable field becomes empty, and an empty one may mean anything.
        let text = |field: Field<Text>| field.ok().unwrap_or_default().0;
        Scope {
            action_type: text(self.action_type),
            resource_type: text(self.resource_type),
            event_names: self.event_names.ok().unwrap_or_default().names,
        }
    }
}
