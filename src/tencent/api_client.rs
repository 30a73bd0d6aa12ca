//! Calls an action of the API: a signed JSON request, and a JSON response.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::call::{Call, CallLimits};
use super::credential::Credential;
use super::dispatcher::Dispatcher;
pub use super::dispatcher::{ClientParts, MAX_IN_FLIGHT};
use super::envelope::WireError;
use super::observer::Observer;
use super::reasons::status_failure;
use super::redactor::Redactor;
use super::signer::{Service, Signer};
use super::skew::accepted_date;
use crate::failure::{Failure, Reason};

/// The most kinds of unreadable fields that one client reports.
const MAX_REPORTED: usize = 32;

/// Calls one product of the API with one identity.
pub struct ApiClient {
    signer: Signer,
    dispatcher: Dispatcher,
    /// The kinds of unreadable fields that were reported to the observer.
    reported: Mutex<BTreeSet<String>>,
}

impl ApiClient {
    /// Creates a client for one product.
    pub fn new(service: Service, parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            signer: Signer::new(parts.endpoint.clone(), service),
            dispatcher: Dispatcher::new(parts, limits),
            reported: Mutex::default(),
        }
    }

    /// Reports unreadable fields, each kind of field once in the life of the client.
    pub(super) fn report_unreadable(
        &self,
        action: &'static str,
        fields: Vec<String>,
        observer: &dyn Observer,
    ) {
        for field in fields {
            let kind = field.replace(|c: char| c.is_ascii_digit(), "");
            // The set only grows, so a poisoned lock holds a consistent set.
            let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
            if reported.len() < MAX_REPORTED && reported.insert(kind) {
                observer.unreadable(action, &field);
            }
        }
    }

    /// Returns the parts that the client is made of.
    pub fn parts(&self) -> &ClientParts {
        self.dispatcher.parts()
    }

    /// Returns the time of day, corrected as in signatures.
    pub(super) fn now(&self) -> SystemTime {
        self.dispatcher.now()
    }

    /// Sends requests until `parse` accepts a response, a retry cannot help, or no attempt is left.
    pub(super) async fn call<T>(
        &self,
        call: Call<'_>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8], &Redactor) -> Result<T, WireError>,
    ) -> Result<T, Failure> {
        self.call_dated(call, observer, parse)
            .await
            .map(|(parsed, _)| parsed)
    }

    /// Calls an action, and returns the time of the response by the server's clock, too.
    pub(super) async fn call_dated<T>(
        &self,
        call: Call<'_>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8], &Redactor) -> Result<T, WireError>,
    ) -> Result<(T, Option<SystemTime>), Failure> {
        let make = |credential: Option<&Arc<Credential>>, timestamp| {
            self.signer.request(call, credential, timestamp)
        };
        let read = |response: &Response<Bytes>, redactor: &Redactor| {
            let parsed = parse(readable_body(response)?, redactor)?;
            Ok((parsed, accepted_date(response.headers(), self.now())))
        };
        self.dispatcher.send(call, observer, make, read).await
    }
}

/// Returns the body of a response with status 200 that is not compressed.
fn readable_body(response: &Response<Bytes>) -> Result<&[u8], WireError> {
    if response.status() != StatusCode::OK {
        return Err(WireError::Api(status_failure(response.status())));
    }
    if is_encoded(response.headers()) {
        let message = "the response is compressed, although the request does not accept that; \
                       disable compression in the proxy or gateway";
        return Err(WireError::NotJson(Failure::new(Reason::Malformed, message)));
    }
    Ok(response.body())
}

/// Returns whether the body is compressed. The client decompresses nothing, because a few bytes can
/// expand to any size.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
