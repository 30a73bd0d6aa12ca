//! What goes over the wire: the request's body, and the answer taken apart.
//!
//! Every field of an answer is optional in parsing, as the official SDKs have it, and unknown ones
//! are ignored; what must be there is checked here, by name, and nothing else is.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;
use serde_json::Value;

use super::bounded::{List, Object, Text};
pub use super::envelope::WireError;
use super::envelope::{Content, ErrorBody, Head, open};
use crate::snapshot::{Status, Storage, Track};

/// How the API writes `CreateTime`; some answers leave the seconds out.
const CREATE_TIME_FORMATS: [&str; 2] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// A creation before this year is a zero value in disguise, such as `0001-01-01 00:00:00`.
const EARLIEST_YEAR: i16 = 2000;

/// No page is read that holds more tracks: ten times as many as can be asked for. What is a little
/// longer than asked is no mistake of ours to punish.
pub const MAX_PAGE_TRACKS: usize = 1_000;

/// No track is read that holds more event names: ten times as many as are documented.
pub const MAX_EVENT_NAMES: usize = 100;

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
    open(body, |answer: Answer| answer.into_page(create_time_offset))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    tracks: Option<List<Object<WireTrack>, MAX_PAGE_TRACKS>>,
    total_count: Option<u64>,
    request_id: Option<String>,
    error: Option<Object<ErrorBody>>,
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
    fn into_page(self, create_time_offset: Offset) -> Result<Page, String> {
        let Some(total) = self.total_count else {
            return Err("the answer has no TotalCount".to_owned());
        };
        let tracks = match self.tracks {
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
        let tracks = tracks.into_iter();
        let tracks = tracks.map(|Object(track)| track.into_track(create_time_offset));
        Ok(Page {
            tracks: tracks.collect::<Result<_, String>>()?,
            total,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireTrack {
    track_id: Option<u64>,
    name: Option<Text>,
    action_type: Option<Text>,
    resource_type: Option<Text>,
    status: Option<Value>,
    event_names: Option<List<Option<Text>, MAX_EVENT_NAMES>>,
    storage: Option<Object<WireStorage>>,
    create_time: Option<Text>,
}

#[derive(Deserialize)]
struct WireStorage {
    #[serde(rename = "StorageType")]
    kind: Option<Text>,
    #[serde(rename = "StorageRegion")]
    region: Option<Text>,
    #[serde(rename = "StorageName")]
    name: Option<Text>,
    #[serde(rename = "StoragePrefix")]
    prefix: Option<Text>,
    #[serde(rename = "StorageAccountId")]
    account: Option<Text>,
}

impl WireTrack {
    fn into_track(self, create_time_offset: Offset) -> Result<Track, String> {
        let Some(id) = self.track_id else {
            return Err("a track has no TrackId".to_owned());
        };
        let events = self.event_names.unwrap_or_default();
        if events.length > MAX_EVENT_NAMES {
            let length = events.length;
            return Err(format!(
                "track {id} has {length} EventNames, and {MAX_EVENT_NAMES} are too many"
            ));
        }
        let storage = self.storage.map(|Object(storage)| storage.into_storage());
        Ok(Track {
            id,
            name: text(self.name),
            action_type: text(self.action_type),
            resource_type: text(self.resource_type),
            event_names: events
                .kept
                .into_iter()
                .flatten()
                .map(|Text(name)| name)
                .collect(),
            status: match self.status.and_then(|status| status.as_u64()) {
                Some(1) => Status::Enabled,
                Some(0) => Status::Disabled,
                Some(_) | None => Status::Unknown,
            },
            storage: storage.unwrap_or_default(),
            created: create_time(&text(self.create_time), create_time_offset),
            details: None,
        })
    }
}

impl WireStorage {
    fn into_storage(self) -> Storage {
        Storage {
            kind: text(self.kind),
            region: text(self.region),
            name: text(self.name),
            prefix: text(self.prefix),
            account: text(self.account),
        }
    }
}

/// What is absent or null is empty.
fn text(given: Option<Text>) -> String {
    given.map(|Text(text)| text).unwrap_or_default()
}

/// `CreateTime` in Unix seconds, or nothing where it cannot be read.
fn create_time(text: &str, offset: Offset) -> Option<i64> {
    let time = CREATE_TIME_FORMATS
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .filter(|time| time.year() >= EARLIEST_YEAR)?;
    Some(offset.to_timestamp(time).ok()?.as_second())
}
