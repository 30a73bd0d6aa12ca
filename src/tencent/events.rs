//! Reads operation records of a period: all pages of `DescribeEvents`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::bounded::{List, Object};
use super::call::Call;
use super::client::Client;
use super::envelope::{Content, ErrorBody, WireError, parse_cloudaudit_response};
use super::lenient::{Field, Notes};
use super::observer::{Ended, Observer, Sent};
use super::operation_record::WireEvent;
use super::redactor::Redactor;
use crate::failure::{Failure, Reason};
use crate::snapshot::{DESCRIBE_EVENTS, OperationRecord};

/// The records on a page: the most that the API allows.
const PAGE_SIZE: u32 = 50;

/// The most records on a page that are read. A page with more is malformed.
const MAX_PAGE_EVENTS: usize = 500;

/// The most pages of one query, whatever the caller allows.
pub const MAX_EVENT_PAGES: u32 = 40;

/// The attribute that holds the product's short name, such as `cloudaudit`.
pub const ATTRIBUTE_RESOURCE_TYPE: &str = "ResourceType";

/// The attribute that holds `Read` or `Write`.
pub const ATTRIBUTE_ACTION_TYPE: &str = "ActionType";

/// Which operation records to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsQuery {
    /// The beginning of the period in Unix seconds of the cloud's clock: at most 90 days ago.
    pub from: u64,
    /// The end of the period, less than 30 days after the beginning.
    pub until: u64,
    /// Attributes and their values. A record must have all of them. Each attribute once: how to
    /// send several values is not documented.
    pub attributes: Vec<(&'static str, String)>,
    /// The most pages to request, at most [`MAX_EVENT_PAGES`].
    pub max_pages: u32,
}

/// Operation records of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Newest first, each once.
    pub records: Vec<OperationRecord>,
    /// Whether they are all. `false` if the limit of pages was reached before the end.
    pub is_complete: bool,
    /// The records that were skipped because they have no readable time.
    pub unreadable: usize,
    /// The requests that were sent, retries included.
    pub requests: u32,
}

/// One page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsPage {
    /// In the order of the API.
    pub records: Vec<OperationRecord>,
    /// The records that have no readable time.
    pub unreadable: usize,
    /// The token of the next page. `None` if this is the last one.
    pub next: Option<u64>,
    /// The unreadable fields of the page, each with its path.
    notes: Vec<String>,
}

impl Client {
    /// Reads the operation records of a period, page by page. No request is retried after
    /// `retry_until`; if it has passed, each page is one request.
    ///
    /// # Errors
    ///
    /// The failure of the first page that failed; `incomplete` if the API returns a token twice.
    pub async fn events(
        &self,
        region: &str,
        query: &EventsQuery,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<Events, Failure> {
        let counting = CountingObserver {
            inner: observer,
            sent: AtomicU32::new(0),
        };
        let mut events = Events::default();
        let mut known = BTreeSet::new();
        let mut tokens = BTreeSet::new();
        let mut token = None;
        for _ in 0..query.max_pages.min(MAX_EVENT_PAGES) {
            let page = self
                .events_page(region, query, token, retry_until, &counting)
                .await?;
            events.unreadable += page.unreadable;
            let records = page.records.into_iter();
            events.records.extend(records.filter(|record| {
                let operation = &record.operation;
                let key = (operation.request_id.clone(), operation.event_name.clone());
                operation.request_id.is_empty() || known.insert(key)
            }));
            let Some(next) = page.next else {
                events.is_complete = true;
                break;
            };
            if !tokens.insert(next) {
                let message = "the API returned the same NextToken for two pages";
                return Err(Failure::new(Reason::Incomplete, message));
            }
            token = Some(next);
        }
        let newest_first = |record: &OperationRecord| std::cmp::Reverse(record.operation.at);
        events.records.sort_by_key(newest_first);
        events.requests = counting.sent.into_inner();
        Ok(events)
    }

    async fn events_page(
        &self,
        region: &str,
        query: &EventsQuery,
        token: Option<u64>,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<EventsPage, Failure> {
        let body = body(query, token).to_string();
        let call = Call {
            action: DESCRIBE_EVENTS,
            region: Some(region),
            body: &body,
            signed: true,
            secrets: &[],
            retry_until,
        };
        let mut page = self.events_api.call(call, observer, read_page).await?;
        let notes = std::mem::take(&mut page.notes);
        self.events_api
            .report_unreadable(call.action, notes, observer);
        Ok(page)
    }
}

/// Counts the requests of one query.
struct CountingObserver<'a> {
    inner: &'a dyn Observer,
    sent: AtomicU32,
}

impl Observer for CountingObserver<'_> {
    fn sent(&self, call: &Sent) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.sent(call);
    }

    fn ended(&self, call: &Ended<'_>) {
        self.inner.ended(call);
    }

    fn unreadable(&self, action: &'static str, field: &str) {
        self.inner.unreadable(action, field);
    }

    fn clock_corrected(&self, seconds: i64) {
        self.inner.clock_corrected(seconds);
    }
}

fn body(query: &EventsQuery, token: Option<u64>) -> Value {
    let attributes = query.attributes.iter();
    let attributes =
        attributes.map(|(key, value)| json!({ "AttributeKey": key, "AttributeValue": value }));
    let mut body = json!({
        "StartTime": query.from,
        "EndTime": query.until,
        "MaxResults": PAGE_SIZE,
        // A place would be a geographic text in Chinese.
        "IsReturnLocation": 0,
        "LookupAttributes": attributes.collect::<Vec<_>>(),
    });
    if let Some(token) = token {
        body["NextToken"] = json!(token);
    }
    body
}

/// Parses a response of `DescribeEvents`.
///
/// # Errors
///
/// The API's own error, classified; otherwise `malformed`: not JSON, another format, more than 500
/// records, or records without a token for the next page although there are more.
pub fn parse_events(body: &[u8]) -> Result<EventsPage, WireError> {
    read_page(body, &Redactor::default())
}

fn read_page(body: &[u8], redactor: &Redactor) -> Result<EventsPage, WireError> {
    parse_cloudaudit_response(body, redactor, |response: EventsResponse| {
        response.into_page(redactor)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EventsResponse {
    events: Field<List<Field<Object<WireEvent>>, MAX_PAGE_EVENTS>>,
    list_over: Field<bool>,
    next_token: Field<u64>,
    error: Field<Object<ErrorBody>>,
}

impl Content for EventsResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl EventsResponse {
    fn into_page(self, redactor: &Redactor) -> Result<EventsPage, String> {
        let events = match self.events {
            // The API may return null for an empty list.
            Field::Absent => List::default(),
            events => events.required("Events")?,
        };
        if events.length > MAX_PAGE_EVENTS {
            let length = events.length;
            return Err(format!(
                "the page has {length} Events (limit {MAX_PAGE_EVENTS})"
            ));
        }
        let mut notes = Notes::default();
        let is_over = self.list_over.noted("ListOver", &mut notes);
        let is_last = is_over == Some(true) || events.length == 0;
        let next = match self.next_token.noted("NextToken", &mut notes) {
            _ if is_last => None,
            // 0 would be the first page again.
            None | Some(0) => {
                return Err("the page is not the last one, but has no NextToken".to_owned());
            }
            next => next,
        };
        let records = events.kept.into_iter().filter_map(|event| {
            let Object(event) = event.noted("Events[]", &mut notes)?;
            event.into_record(redactor)
        });
        let records: Vec<OperationRecord> = records.collect();
        Ok(EventsPage {
            unreadable: events.length - records.len(),
            records,
            next,
            notes: notes.into_lines(),
        })
    }
}
