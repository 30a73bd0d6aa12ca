//! What goes over the wire: the request's body, and the answer taken apart.
//!
//! Every field of an answer is optional in parsing, as the official SDKs have it, and unknown ones
//! are ignored; what must be there is checked here, by name, and nothing else is.

use std::fmt;
use std::marker::PhantomData;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::reasons::{api_failure, escaped};
use crate::failure::{Failure, Reason};
use crate::snapshot::{Status, Storage, Track};

/// How the API writes `CreateTime`; some answers leave the seconds out.
const CREATE_TIME_FORMATS: [&str; 2] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// A creation before this year is a zero value in disguise, such as `0001-01-01 00:00:00`.
const EARLIEST_YEAR: i16 = 2000;

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

/// Why an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The body is no JSON at all: something between us and the API answered.
    NotJson(Failure),
    /// The API answered, with an error or with something else than it promises.
    Answer(Failure),
}

/// Parses the answer of `DescribeAuditTracks`. `create_time_offset` is the time zone that
/// `CreateTime` is taken to be in; the documentation does not say.
///
/// # Errors
///
/// The API's own error, classified; else `malformed`: no JSON, another shape, no `TotalCount`, no
/// `Tracks` although `TotalCount` is above 0, a track without `TrackId`.
pub fn parse_page(body: &[u8], create_time_offset: Offset) -> Result<Page, WireError> {
    let Object(envelope): Object<Envelope> =
        serde_json::from_slice(body).map_err(|error| not_parsed(&error))?;
    let malformed = |request_id: &Option<String>, message: &str| {
        WireError::Answer(Failure {
            request_id: request_id.clone(),
            ..Failure::new(Reason::Malformed, message)
        })
    };
    let Some(Object(answer)) = envelope.response else {
        return Err(malformed(&None, "the answer has no Response"));
    };
    let request_id = answer.request_id.as_deref().map(escaped);
    if let Some(Object(error)) = answer.error {
        let code = error.code.unwrap_or_default();
        let message = error.message.unwrap_or_default();
        return Err(WireError::Answer(api_failure(&code, &message, request_id)));
    }
    let Some(total) = answer.total_count else {
        return Err(malformed(&request_id, "the answer has no TotalCount"));
    };
    let tracks = match answer.tracks {
        Some(tracks) => tracks,
        None if total == 0 => Vec::new(),
        None => {
            let message = format!("TotalCount is {total} and the answer has no Tracks");
            return Err(malformed(&request_id, &message));
        }
    };
    let tracks: Option<Vec<Track>> = tracks
        .into_iter()
        .map(|Object(track)| track.into_track(create_time_offset))
        .collect();
    match tracks {
        Some(tracks) => Ok(Page { tracks, total }),
        None => Err(malformed(&request_id, "a track has no TrackId")),
    }
}

fn not_parsed(error: &serde_json::Error) -> WireError {
    // The library's own message may quote the answer; its place is all that is needed.
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => WireError::Answer(Failure::new(
            Reason::Malformed,
            format!("the answer has another shape than documented, at {place}"),
        )),
        _ => WireError::NotJson(Failure::new(
            Reason::Malformed,
            format!("the answer is not JSON, at {place}"),
        )),
    }
}

/// A JSON object and nothing else. Derived code would take an array too, field by field, and
/// `[null,0,null,null]` would be an empty listing.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    response: Option<Object<Answer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    tracks: Option<Vec<Object<WireTrack>>>,
    total_count: Option<u64>,
    request_id: Option<String>,
    error: Option<Object<WireErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireErrorBody {
    code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireTrack {
    track_id: Option<u64>,
    name: Option<String>,
    action_type: Option<String>,
    resource_type: Option<String>,
    status: Option<Number>,
    event_names: Option<Vec<Option<String>>>,
    storage: Option<Object<WireStorage>>,
    create_time: Option<String>,
}

#[derive(Deserialize)]
struct WireStorage {
    #[serde(rename = "StorageType")]
    kind: Option<String>,
    #[serde(rename = "StorageRegion")]
    region: Option<String>,
    #[serde(rename = "StorageName")]
    name: Option<String>,
    #[serde(rename = "StoragePrefix")]
    prefix: Option<String>,
    #[serde(rename = "StorageAccountId")]
    account: Option<String>,
}

impl WireTrack {
    fn into_track(self, create_time_offset: Offset) -> Option<Track> {
        let storage = self.storage.map(|Object(storage)| storage.into_storage());
        let created = self.create_time.as_deref();
        Some(Track {
            id: self.track_id?,
            name: self.name.unwrap_or_default(),
            action_type: self.action_type.unwrap_or_default(),
            resource_type: self.resource_type.unwrap_or_default(),
            event_names: self.event_names.into_iter().flatten().flatten().collect(),
            status: match self.status.and_then(|status| status.as_u64()) {
                Some(1) => Status::Enabled,
                Some(0) => Status::Disabled,
                Some(_) | None => Status::Unknown,
            },
            storage: storage.unwrap_or_default(),
            created: created.and_then(|text| create_time(text, create_time_offset)),
        })
    }
}

impl WireStorage {
    fn into_storage(self) -> Storage {
        Storage {
            kind: self.kind.unwrap_or_default(),
            region: self.region.unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            prefix: self.prefix.unwrap_or_default(),
            account: self.account.unwrap_or_default(),
        }
    }
}

/// `CreateTime` in Unix seconds, or nothing where it cannot be read.
fn create_time(text: &str, offset: Offset) -> Option<i64> {
    let time = CREATE_TIME_FORMATS
        .iter()
        .find_map(|format| DateTime::strptime(format, text).ok())
        .filter(|time| time.year() >= EARLIEST_YEAR)?;
    Some(offset.to_timestamp(time).ok()?.as_second())
}
