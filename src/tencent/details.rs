//! What only `DescribeAuditTrack` tells of a track: one call for each.

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::bounded::{List, Object, Text};
use super::caller::Call;
use super::client::Client;
use super::envelope::{Content, ErrorBody, Head, open};
use super::observer::Observer;
use super::wire::MAX_EVENT_NAMES;
use crate::failure::Failure;
use crate::snapshot::{DESCRIBE_AUDIT_TRACK, Details, Scope};

/// No track has more filters.
const MAX_FILTERS: usize = 1_000;

impl Client {
    /// What a listing leaves out of a track. No retry starts after `retry_until`.
    ///
    /// # Errors
    ///
    /// That of the call; `ResourceNotFound.AuditNotExist` where the track has gone meanwhile.
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
        let read = |answer: Answer| Ok(answer.into_details());
        let parse = |body: &[u8]| open(body, read);
        self.caller.call(call, observer, parse).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    track_for_all_members: Option<u64>,
    filters: Option<Object<Filters>>,
    request_id: Option<String>,
    error: Option<Object<ErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filters {
    resource_fields: Option<List<Object<Field>, MAX_FILTERS>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Field {
    resource_type: Option<Text>,
    action_type: Option<Text>,
    event_names: Option<List<Option<Text>, MAX_EVENT_NAMES>>,
}

impl Content for Answer {
    fn head(&mut self) -> Head {
        Head {
            request_id: self.request_id.take(),
            error: self.error.take(),
        }
    }
}

impl Answer {
    fn into_details(self) -> Details {
        let filters = self
            .filters
            .and_then(|Object(filters)| filters.resource_fields);
        let scopes = filters.map(|fields| {
            let fields = fields.kept.into_iter();
            fields.map(|Object(field)| field.into_scope()).collect()
        });
        Details {
            // Null and anything else than the two documented numbers is not known.
            for_all_members: match self.track_for_all_members {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            filters: scopes.unwrap_or_default(),
        }
    }
}

impl Field {
    fn into_scope(self) -> Scope {
        let text = |given: Option<Text>| given.map(|Text(text)| text).unwrap_or_default();
        let names = self.event_names.unwrap_or_default().kept.into_iter();
        Scope {
            action_type: text(self.action_type),
            resource_type: text(self.resource_type),
            event_names: names.flatten().map(|Text(name)| name).collect(),
        }
    }
}
