//! What goes over the wire: the request's body, and the answer taken apart.
//!
//! Every field of an answer is optional in parsing, as the official SDKs have it, and unknown ones
//! are ignored; what must be there is checked here, by name, and nothing else is. A field that only
//! describes never fails a page: if it cannot be read, it is absent and the page notes it.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;

use super::bounded::{List, Object};
use super::echo::Echo;
pub use super::envelope::WireError;
use super::envelope::{Content, ErrorBody, open};
use super::event_names::EventNames;
pub use super::event_names::{MAX_EVENT_NAMES, MAX_KEPT_EVENT_NAMES};
use super::lenient::{Field, Notes, Text};
use crate::snapshot::{Status, Storage, Track};

/// How the API writes `CreateTime`; some answers leave the seconds out.
const CREATE_TIME_FORMATS: [&str; 2] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// A creation before this year is a zero value in disguise, such as `0001-01-01 00:00:00`.
const EARLIEST_YEAR: i16 = 2000;

/// No page is read that holds more tracks: ten times as many as can be asked for. What is a little
/// longer than asked is no mistake of ours to punish.
pub const MAX_PAGE_TRACKS: usize = 1_000;

/// The body of a `DescribeAuditTracks` call; pages count from 1.
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
    /// The fields that could not be read and are absent here, each with its path.
    pub unreadable: Vec<String>,
}

/// Parses the answer of `DescribeAuditTracks`. `create_time_offset` is the time zone that
/// `CreateTime` is taken to be in; the documentation does not say.
///
/// # Errors
///
/// The API's own error, classified; else `malformed`: no JSON, another shape, no `TotalCount`, no
/// `Tracks` although `TotalCount` is above 0, a track without `TrackId`, or more of anything than
/// there can be.
pub fn parse_page(body: &[u8], create_time_offset: Offset) -> Result<Page, WireError> {
    read_page(body, create_time_offset, &Echo::default())
}

/// The same without what `echo` hides.
pub(super) fn read_page(
    body: &[u8],
    create_time_offset: Offset,
    echo: &Echo,
) -> Result<Page, WireError> {
    let reader = Reader {
        create_time_offset,
        echo,
        notes: Notes::default(),
        is_partial: false,
    };
    open(body, echo, |answer: Answer| reader.page(answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    tracks: Option<List<Object<WireTrack>, MAX_PAGE_TRACKS>>,
    #[serde(default)]
    total_count: Field<u64>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

impl Content for Answer {
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireStorage {
    #[serde(rename = "StorageType")]
    kind: Field<Text>,
    #[serde(rename = "StorageRegion")]
    region: Field<Text>,
    #[serde(rename = "StorageName")]
    name: Field<Text>,
    #[serde(rename = "StoragePrefix")]
    prefix: Field<Text>,
    #[serde(rename = "StorageAccountId")]
    account: Field<Text>,
}

/// Reads one page.
struct Reader<'a> {
    create_time_offset: Offset,
    echo: &'a Echo,
    notes: Notes,
    /// Whether a text field of the present track could not be read.
    is_partial: bool,
}

impl Reader<'_> {
    fn page(mut self, answer: Answer) -> Result<Page, String> {
        let total = answer.total_count.required("TotalCount")?;
        let tracks = match answer.tracks {
            Some(tracks) if tracks.length > MAX_PAGE_TRACKS => {
                let length = tracks.length;
                return Err(format!(
                    "{length} tracks on a page, and {MAX_PAGE_TRACKS} are too many"
                ));
            }
            Some(tracks) => tracks.kept,
            None if total == 0 => Vec::new(),
            None => {
                return Err(format!(
                    "TotalCount is {total} and the answer has no Tracks"
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
        let at = |field: &'static str| Place { index, field };
        let id = track.track_id.required(at("TrackId"))?;
        let events = track.event_names.noted(at("EventNames"), &mut self.notes);
        let events = events.unwrap_or_default();
        if events.length > MAX_EVENT_NAMES {
            let length = events.length;
            return Err(format!(
                "track {id} has {length} EventNames, and {MAX_EVENT_NAMES} are too many"
            ));
        }
        let status = track.status.noted(at("Status"), &mut self.notes);
        self.is_partial = matches!(track.storage, Field::Unreadable(_));
        let storage = track.storage.noted(at("Storage"), &mut self.notes);
        let create_time = track.create_time.noted(at("CreateTime"), &mut self.notes);
        let create_time = create_time.map(|Text(text)| text).unwrap_or_default();
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
            }),
            created: created(&create_time, self.create_time_offset),
            is_partial: self.is_partial,
            details: None,
        })
    }

    /// A field that only describes. Empty if it is absent, null or unreadable.
    fn text(&mut self, place: Place, field: Field<Text>) -> String {
        self.is_partial |= matches!(field, Field::Unreadable(_));
        let text = field.noted(place, &mut self.notes);
        let text = text.map(|Text(text)| text).unwrap_or_default();
        self.echo.hide_in_name(text)
    }
}

/// A field of a track on a page.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    field: &'static str,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tracks[{}].{}", self.index, self.field)
    }
}

/// `CreateTime` in Unix seconds, or nothing where it cannot be read.
fn created(text: &str, offset: Offset) -> Option<i64> {
    let time = CREATE_TIME_FORMATS
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .filter(|time| time.year() >= EARLIEST_YEAR)?;
    Some(offset.to_timestamp(time).ok()?.as_second())
}
