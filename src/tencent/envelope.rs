//! What all answers of the API have in common: `{"Response": {…, "RequestId": …}}`, with an `Error`
//! in it where the call was refused.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::bounded::Object;
use super::lenient::{Field, another_shape, mismatch};
use super::reasons::{api_failure_redacted, escaped};
use super::redactor::Redactor;
use super::repair::repaired;
use crate::failure::{Failure, Reason};

/// Why an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The body is no JSON at all: something between us and the API answered.
    NotJson(Failure),
    /// The API answered, with an error or with something else than it promises.
    Answer(Failure),
}

/// Why a text is not the expected JSON. Quotes nothing of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JsonError {
    /// The text is not JSON; holds the position of the error.
    Syntax(String),
    /// A field has an unexpected type; holds its name and path.
    Shape(String),
}

/// The content of `Response`, for one action.
pub(super) trait Content: DeserializeOwned {
    /// `Error`, which every action has.
    fn error(&mut self) -> Field<Object<ErrorBody>>;
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorBody {
    #[serde(default)]
    code: Field<String>,
    #[serde(default)]
    message: Field<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<T> {
    response: Option<Object<T>>,
}

/// The fields that a failure is made of. Nothing else in the answer can make them unreadable. Of a
/// repeated field the last one counts.
#[derive(Default)]
struct Head {
    request_id: Field<String>,
    error: Field<Object<ErrorBody>>,
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadVisitor;

        impl<'de> Visitor<'de> for HeadVisitor {
            type Value = Head;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
                let mut head = Head::default();
                while let Some(key) = map.next_key::<String>()? {
                    match &*key {
                        "RequestId" => head.request_id = map.next_value()?,
                        "Error" => head.error = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(head)
            }
        }

        deserializer.deserialize_map(HeadVisitor)
    }
}

/// Takes the answer of a call that was granted out of its envelope, and `read`s it.
///
/// # Errors
///
/// The API's own error, classified; else `malformed`: no JSON, another shape, or what `read`
/// misses. No message holds what `redactor` hides.
pub(super) fn open<T: Content, U>(
    body: &[u8],
    redactor: &Redactor,
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<U, WireError> {
    let why = match read_json::<Object<Envelope<T>>>(body) {
        Ok(Object(Envelope { response: None })) => "the answer has no Response".to_owned(),
        Ok(Object(Envelope {
            response: Some(Object(mut content)),
        })) => match content.error() {
            Field::Absent => match read(content) {
                Ok(read) => return Ok(read),
                Err(why) => why,
            },
            Field::Given(_) => String::new(),
            Field::Unreadable(found) => another_shape(&mismatch("Error", "an object", found)),
        },
        Err(JsonError::Shape(what)) => another_shape(&what),
        Err(JsonError::Syntax(place)) => {
            let message = format!("the answer is not JSON, at {place}");
            return Err(WireError::NotJson(Failure::new(Reason::Malformed, message)));
        }
    };
    Err(WireError::Answer(failure(body, redactor, why)))
}

/// The API's own error, else that the answer is malformed.
fn failure(body: &[u8], redactor: &Redactor, why: String) -> Failure {
    let head = read_json::<Object<Envelope<Head>>>(body).ok();
    let head = head.and_then(|Object(envelope)| envelope.response);
    let Head { request_id, error } = head.map(|Object(head)| head).unwrap_or_default();
    let request_id = text(request_id).map(|id| escaped(&redactor.redact(&id)));
    if let Field::Given(Object(error)) = error {
        let code = text(error.code).unwrap_or_default();
        let message = text(error.message).unwrap_or_default();
        // Classified first: a short secret may be a part of a code.
        return api_failure_redacted(&code, &message, request_id, |text| redactor.redact(text));
    }
    Failure {
        request_id,
        ..Failure::new(Reason::Malformed, why)
    }
}

fn text(field: Field<String>) -> Option<String> {
    match field {
        Field::Given(text) => Some(text),
        Field::Absent | Field::Unreadable(_) => None,
    }
}

/// Reads JSON. If that fails, reads it once more with what is broken [`repaired`].
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    if let Ok(read) = serde_json::from_slice(body) {
        return Ok(read);
    }
    let text = repaired(body);
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = serde_path_to_error::deserialize(&mut json);
    let read = read.map_err(|error| (error.path().to_string(), error.into_inner()));
    let read = read.and_then(|read| match json.end() {
        Ok(()) => Ok(read),
        Err(error) => Err((String::new(), error)),
    });
    read.map_err(|(path, error)| match error.classify() {
        Category::Data => JsonError::Shape(shape(&path, &error.to_string())),
        // The library's own message may quote the answer; its place is all that is needed.
        _ => JsonError::Syntax(format!("line {} column {}", error.line(), error.column())),
    })
}

/// A field that has an unexpected type or is repeated.
fn shape(path: &str, message: &str) -> String {
    let path = match path.strip_prefix("Response.").unwrap_or(path) {
        "." => "the answer",
        path => path,
    };
    // The library says: invalid type: integer `5`, expected a list at line 1 column 2.
    let found = match message.strip_prefix("invalid type: ") {
        Some(found) if found.starts_with("string") => "text",
        Some(found) if found.starts_with("boolean") => "true or false",
        Some(found) if found.starts_with("map") => "an object",
        Some(found) if found.starts_with("sequence") => "a list",
        Some(found) if found.starts_with("null") => "null",
        Some(_) => "a number",
        None => {
            // Only the names of fields that are read are in such a message.
            let twice = message.strip_prefix("duplicate field `");
            let field = twice.and_then(|rest| rest.split('`').next());
            return match field {
                Some(field) => format!("{path}: it has {field} twice"),
                None => format!("{path}: it cannot be read"),
            };
        }
    };
    let expected = message
        .rsplit_once(", expected ")
        .map_or("", |(_, expected)| expected);
    let expected = match expected.split_once(" at line") {
        Some(("a string", _)) => "text",
        Some((expected, _)) => expected,
        None => "another type",
    };
    mismatch(path, expected, found)
}
