//! The common part of all API responses: `{"Response": {…, "RequestId": …}}`, with an `Error` in it if
//! the API refused the request.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::bounded::Object;
use super::lenient::{Field, mismatch, missing, unexpected_format};
use super::reasons::{api_failure, with_regions};
use super::redactor::Redactor;
use super::repair::repaired;
use crate::escape::escaped;
use crate::failure::{Failure, Reason};

/// Why a response is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The body is not JSON: a proxy or gateway sent it.
    NotJson(Failure),
    /// The API returned an error, or a response of another format than documented.
    Api(Failure),
}

/// Why a text is not the expected JSON. It quotes nothing of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JsonError {
    /// The text is not JSON; holds the position of the error.
    Syntax(String),
    /// A field has an unexpected type; holds its name and path.
    Shape(String),
}

/// The content of `Response` for one action.
pub(super) trait Content: DeserializeOwned {
    /// Takes `Error`, which every action has.
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

/// The fields of a failure. No other field of the response can make them unreadable. The last one of
/// a repeated field counts.
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

/// Parses a response of CloudAudit, as [`parse_response`] does.
pub(super) fn parse_cloudaudit_response<T: Content, U>(
    body: &[u8],
    redactor: &Redactor,
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<U, WireError> {
    parse_response(body, redactor, read).map_err(|error| match error {
        WireError::Api(failure) => WireError::Api(with_regions(failure)),
        error @ WireError::NotJson(_) => error,
    })
}

/// Parses the content of a response and passes it to `read`.
///
/// # Errors
///
/// The API's own error, classified; otherwise `malformed`, if the body is not JSON, has another
/// format than documented, or `read` fails. `redactor` removes its secrets from the messages.
pub(super) fn parse_response<T: Content, U>(
    body: &[u8],
    redactor: &Redactor,
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<U, WireError> {
    let why = match read_json::<Object<Envelope<T>>>(body) {
        Ok(Object(Envelope { response: None })) => missing("Response"),
        Ok(Object(Envelope {
            response: Some(Object(mut content)),
        })) => match content.error() {
            Field::Absent => match read(content) {
                Ok(read) => return Ok(read),
                Err(why) => why,
            },
            Field::Given(_) => String::new(),
            Field::Unreadable(found) => unexpected_format(&mismatch("Error", "an object", found)),
        },
        Err(JsonError::Shape(what)) => unexpected_format(&what),
        Err(JsonError::Syntax(place)) => {
            let message = format!("the response is not JSON, at {place}");
            return Err(WireError::NotJson(Failure::new(Reason::Malformed, message)));
        }
    };
    Err(WireError::Api(failure(body, redactor, why)))
}

/// Returns the API's own error if there is one, otherwise a `malformed` failure.
fn failure(body: &[u8], redactor: &Redactor, why: String) -> Failure {
    let head = read_json::<Object<Envelope<Head>>>(body).ok();
    let head = head.and_then(|Object(envelope)| envelope.response);
    let Head { request_id, error } = head.map(|Object(head)| head).unwrap_or_default();
    let request_id = request_id.ok().map(|id| escaped(&redactor.redact(&id)));
    if let Field::Given(Object(error)) = error {
        let code = error.code.ok().unwrap_or_default();
        let message = error.message.ok().unwrap_or_default();
        // Classify before redaction: a short secret may be part of a code.
        return api_failure(&code, &message, request_id, |text| redactor.redact(text));
    }
    Failure {
        request_id,
        ..Failure::new(Reason::Malformed, why)
    }
}

/// Parses JSON. If that fails, parses the [`repaired`] text.
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
        // The library's message may quote the response, so only the position is kept.
        _ => JsonError::Syntax(format!("line {} column {}", error.line(), error.column())),
    })
}

/// Describes a field that has an unexpected type or is repeated.
fn shape(path: &str, message: &str) -> String {
    let path = match path.strip_prefix("Response.").unwrap_or(path) {
        "." => "the response",
        path => path,
    };
    // Example of the library: invalid type: integer `5`, expected a list at line 1 column 2.
    let found = match message.strip_prefix("invalid type: ") {
        Some(found) if found.starts_with("string") => "text",
        Some(found) if found.starts_with("boolean") => "true or false",
        Some(found) if found.starts_with("map") => "an object",
        Some(found) if found.starts_with("sequence") => "a list",
        Some(found) if found.starts_with("null") => "null",
        Some(_) => "a number",
        None => {
            // Such a message names only fields of the type.
            let twice = message.strip_prefix("duplicate field `");
            let field = twice.and_then(|rest| rest.split('`').next());
            return match field {
                Some(field) => format!("{path}: duplicate field {field}"),
                None => format!("{path}: unreadable"),
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
