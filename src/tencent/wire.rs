//! The body of `DescribeAuditTracks`: the request, and the parsed response.
//!
//! Parsing treats every field as optional and ignores unknown ones, as the official SDKs do. This
//! module then checks the required fields by name. A field that only describes a track never fails a
//! page: if it is unreadable, it counts as absent and the page reports it.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;

use super::bounded::{List, Object};
pub use super::envelope::WireError;
use super::envelope::{Content, ErrorBody, parse_cloudaudit_response};
use super::event_names::EventNames;
pub use super::event_names::{MAX_EVENT_NAMES, MAX_KEPT_EVENT_NAMES};
use super::lenient::{Field, Notes, Text};
use super::redactor::Redactor;
use super::wire_storage::WireStorage;
use crate::snapshot::{Status, Storage, Track};

/// The formats of `CreateTime`; some responses omit the seconds.
const CREATE_TIME_FORMATS: [&str; 2] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// An earlier `CreateTime` is a zero value, such as `0001-01-01 00:00:00`.
const EARLIEST_YEAR: i16 = 2000;

/// The most tracks on a page: ten times the largest page size. Pages a little longer than requested
/// are accepted.
pub const MAX_PAGE_TRACKS: usize = 1_000;

/// Returns the body of a `DescribeAuditTracks` request. Pages count from 1.
pub fn list_body(page: u32, page_size: u32) -> String {
    format!(r#"{{"PageNumber":{page},"PageSize":{page_size}}}"#)
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of the API.
    pub tracks: Vec<Track>,
    /// `TotalCount`.
    pub total: u64,
    /// The unreadable fields, which are absent here, each with its path.
    pub unreadable: Vec<String>,
}

/// Parses a response of `DescribeAuditTracks`. `create_time_offset` is the time zone of `CreateTime`,
/// which the documentation does not give.
///
/// # Errors
///
/// The API's own error, classified; otherwise `malformed`: not JSON, another format, no `TotalCount`,
/// no `Tracks` although `TotalCount` is above 0, a track without `TrackId`, or a limit exceeded.
pub fn parse_page(body: &[u8], create_time_offset: Offset) -> Result<Page, WireError> {
    read_page(body, create_time_offset, &Redactor::default())
}

/// Parses a response and removes the secrets of `redactor` from its texts.
pub(super) fn read_page(
    body: &[u8],
    create_time_offset: Offset,
    redactor: &Redactor,
) -> Result<Page, WireError> {
    let reader = Reader {
        create_time_offset,
        redactor,
        notes: Notes::default(),
        is_partial: false,
    };
    parse_cloudaudit_response(body, redactor, |response: ListResponse| {
        reader.page(response)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListResponse {
    tracks: Option<List<Object<WireTrack>, MAX_PAGE_TRACKS>>,
    #[serde(default)]
    total_count: Field<u64>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

impl Content for ListResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WireTrack {
    track_id: Field<u64>,
    name: Field<Text>,
    action_type: Field<Text>,
    resource_type: Field<Text>,
    status: Field<u64>,
    event_names: Field<EventNames>,
    storage: Field<Object<WireStorage>>,
    create_time: Field<Text>,
}

/// Converts one parsed page.
struct Reader<'a> {
    create_time_offset: Offset,
    redactor: &'a Redactor,
    notes: Notes,
    /// Whether a text field of the present track could not be read.
    is_partial: bool,
}

impl Reader<'_> {
    fn page(mut self, response: ListResponse) -> Result<Page, String> {
        let total = response.total_count.required("TotalCount")?;
        let tracks = match response.tracks {
            Some(tracks) if tracks.length > MAX_PAGE_TRACKS => {
                let length = tracks.length;
                return Err(format!(
                    "the page has {length} tracks (limit {MAX_PAGE_TRACKS})"
                ));
            }
            Some(tracks) => tracks.kept,
            None if total == 0 => Vec::new(),
            None => {
                return Err(format!(
                    "TotalCount is {total}, but the response has no Tracks"
                ));
            }
        };
        let tracks = tracks.into_iter().enumerate();
        let tracks = tracks.map(|(index, Object(track))| self.track(index, track));
        Ok(Page {
            tracks: tracks.collect::<Result<_, String>>()?,
            total,
            unreadable: self.notes.into_lines(),
        })
    }

    fn track(&mut self, index: usize, track: WireTrack) -> Result<Track, String> {
        let at = |field: &'static str| FieldPath { index, field };
        let id = track.track_id.required(at("TrackId"))?;
        let events = track.event_names.noted(at("EventNames"), &mut self.notes);
        let events = events.unwrap_or_default();
        if events.length > MAX_EVENT_NAMES {
            let length = events.length;
            return Err(format!(
                "track {id} has {length} EventNames (limit {MAX_EVENT_NAMES})"
            ));
        }
        let status = track.status.noted(at("Status"), &mut self.notes);
        self.is_partial = matches!(track.storage, Field::Unreadable(_));
        let storage = track.storage.noted(at("Storage"), &mut self.notes);
        let create_time = track.create_time.noted(at("CreateTime"), &mut self.notes);
        Ok(Track {
            id,
            name: self.text(at("Name"), track.name),
            action_type: self.text(at("ActionType"), track.action_type),
            resource_type: self.text(at("ResourceType"), track.resource_type),
            event_names: events.names,
            status: match status {
                Some(1) => Status::Enabled,
                Some(0) => Status::Disabled,
                Some(_) | None => Status::Unknown,
            },
            storage: storage.map_or_else(Storage::default, |Object(storage)| Storage {
                kind: self.text(at("Storage.StorageType"), storage.kind),
                region: self.text(at("Storage.StorageRegion"), storage.region),
                name: self.text(at("Storage.StorageName"), storage.name),
                prefix: self.text(at("Storage.StoragePrefix"), storage.prefix),
                account: self.text(at("Storage.StorageAccountId"), storage.account),
                app_id: self.app_id(at("Storage.StorageAppId"), storage.app_id),
            }),
            created: create_time.and_then(|Text(text)| created(&text, self.create_time_offset)),
            is_partial: self.is_partial,
            details: None,
        })
    }

    /// Returns the APPID, which is not a setting: a track without a readable one is not partial.
    fn app_id(&mut self, path: FieldPath, field: Field<Text>) -> String {
        let text = field.noted(path, &mut self.notes).unwrap_or_default();
        self.redactor.redact_name(text.0)
    }

    /// Returns a text that only describes the track. Empty if it is absent, null or unreadable.
    fn text(&mut self, path: FieldPath, field: Field<Text>) -> String {
        self.is_partial |= matches!(field, Field::Unreadable(_));
        let text = field.noted(path, &mut self.notes).unwrap_or_default();
        self.redactor.redact_name(text.0)
    }
}

/// A field of a track on a page.
#[derive(Clone, Copy)]
struct FieldPath {
    index: usize,
    field: &'static str,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tracks[{}].{}", self.index, self.field)
    }
}

/// Returns `CreateTime` in Unix seconds, or `None` if it is unreadable.
fn created(text: &str, offset: Offset) -> Option<i64> {
    let time = CREATE_TIME_FORMATS
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .filter(|time| time.year() >= EARLIEST_YEAR)?;
    Some(offset.to_timestamp(time).ok()?.as_second())
}
