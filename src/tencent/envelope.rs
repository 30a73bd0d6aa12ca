//! What all answers of the API have in common: `{"Response": {…, "RequestId": …}}`, with an `Error`
//! in it where the call was refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bounded::Object;
use super::reasons::{api_failure, escaped};
use crate::failure::{Failure, Reason};

/// Why an answer is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The body is no JSON at all: something between us and the API answered.
    NotJson(Failure),
    /// The API answered, with an error or with something else than it promises.
    Answer(Failure),
}

/// The content of `Response`, for one action.
pub(super) trait Content: DeserializeOwned {
    /// The two fields that every action has.
    fn head(&mut self) -> Head;
}

/// The fields `RequestId` and `Error`.
pub(super) struct Head {
    pub(super) request_id: Option<String>,
    pub(super) error: Option<Object<ErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<T> {
    response: Option<Object<T>>,
}

/// Takes the answer of a call that was granted out of its envelope, and `read`s it.
///
/// # Errors
///
/// The API's own error, classified; else `malformed`: no JSON, another shape, or what `read`
/// misses.
pub(super) fn open<T: Content, U>(
    body: &[u8],
    read: impl FnOnce(T) -> Result<U, String>,
) -> Result<U, WireError> {
    let Object(envelope): Object<Envelope<T>> =
        serde_json::from_slice(body).map_err(|error| not_parsed(&error))?;
    let malformed = |request_id: Option<String>, message: &str| {
        WireError::Answer(Failure {
            request_id,
            ..Failure::new(Reason::Malformed, message)
        })
    };
    let Some(Object(mut content)) = envelope.response else {
        return Err(malformed(None, "the answer has no Response"));
    };
    let Head { request_id, error } = content.head();
    let request_id = request_id.as_deref().map(escaped);
    if let Some(Object(error)) = error {
        let code = error.code.unwrap_or_default();
        let message = error.message.unwrap_or_default();
        return Err(WireError::Answer(api_failure(&code, &message, request_id)));
    }
    read(content).map_err(|message| malformed(request_id, &message))
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
