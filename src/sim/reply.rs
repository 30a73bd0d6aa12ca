//! A response, its delay, and how it is delivered.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER};
use http::{HeaderValue, Response, StatusCode};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

use crate::sim::refusal::Refusal;

pub(super) struct Reply {
    pub(super) wait: Duration,
    pub(super) response: Response<Bytes>,
    pub(super) delivery: Delivery,
    /// The id of a response of COS, whose errors are XML. `None` for JSON.
    cos_request_id: Option<String>,
}

/// The decision on a request, before a fault changes it.
pub(super) enum Answer {
    /// A response of the API, which has the status 200 even for refusals.
    Api(Result<Value, Refusal>),
    /// A response of COS, which is XML.
    Cos(Result<String, Refusal>),
    /// Any other response.
    Page(StatusCode, &'static str, Bytes),
}

/// How the response is delivered.
#[derive(Clone, Copy)]
pub(super) enum Delivery {
    /// Completely, at once.
    Whole,
    /// In small pieces, spread over this time.
    Dripping { over: Duration },
    /// Half of the body, then the connection is closed.
    Truncated,
    /// Not at all: the connection is reset.
    Reset,
    /// Not at all: the connection stays open.
    Never,
}

impl Reply {
    pub(super) fn new(
        answer: Answer,
        request_id: &str,
        now: SystemTime,
        latency: Duration,
    ) -> Self {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static("nginx"));
        headers.extend(http_date(now).map(|date| (DATE, date)));
        let mut reply = Self {
            wait: latency,
            response,
            delivery: Delivery::Whole,
            cos_request_id: None,
        };
        match answer {
            Answer::Api(verdict) => {
                let mut inner = verdict.unwrap_or_else(|refusal| error(&refusal));
                inner["RequestId"] = json!(request_id);
                reply.set_json(&json!({ "Response": inner }));
            }
            Answer::Cos(verdict) => {
                reply.cos_request_id = Some(request_id.to_owned());
                match verdict {
                    Ok(xml) => reply.set_body(StatusCode::OK, XML, xml.into()),
                    Err(refusal) => reply.refuse(&refusal),
                }
            }
            Answer::Page(status, content_type, body) => {
                reply.set_body(status, content_type, body);
            }
        }
        reply
    }

    /// Waits for the delay. A delay of zero must not sleep: the timer would round it up to a
    /// millisecond.
    pub(super) async fn wait_until_due(&self) {
        if !self.wait.is_zero() {
            tokio::time::sleep(self.wait).await;
        }
    }

    /// Another body, `Content-Length` included.
    pub(super) fn set_body(&mut self, status: StatusCode, content_type: &'static str, body: Bytes) {
        *self.response.status_mut() = status;
        let headers = self.response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_LENGTH, body.len().into());
        *self.response.body_mut() = body;
    }

    /// Changes the JSON of an API response.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut json = serde_json::from_slice(self.response.body()).unwrap_or_default();
        change(&mut json);
        self.set_json(&json);
    }

    /// Turns the response into a refusal with the same `RequestId`.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        if let Some(request_id) = &self.cos_request_id {
            let xml = cos_error(refusal, request_id);
            return self.set_body(cos_status(&refusal.code), XML, xml.into());
        }
        self.edit(|json| {
            let mut inner = error(refusal);
            inner["RequestId"] = json["Response"]["RequestId"].take();
            *json = json!({ "Response": inner });
        });
    }

    /// Returns the part of the body that a truncated response has.
    pub(super) fn first_half(&self) -> Bytes {
        let body = self.response.body();
        body.slice(..body.len() / 2)
    }

    fn set_json(&mut self, json: &Value) {
        self.set_body(StatusCode::OK, "application/json", json.to_string().into());
    }
}

const XML: &str = "application/xml";

/// Returns the body of an error of COS.
fn cos_error(refusal: &Refusal, request_id: &str) -> String {
    let Refusal { code, message } = refusal;
    format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>{code}</Code>\n\t\
         <Message>{message}</Message>\n\t<Resource>/</Resource>\n\t\
         <RequestId>{request_id}</RequestId>\n\t<TraceId>{request_id}</TraceId>\n</Error>\n"
    )
}

/// Returns the status that COS has for an error.
fn cos_status(code: &str) -> StatusCode {
    match code {
        "NoSuchBucket" | "NoSuchKey" => StatusCode::NOT_FOUND,
        "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
        "ServiceUnavailable" | "SlowDown" => StatusCode::SERVICE_UNAVAILABLE,
        code if code.starts_with("Invalid") && code != "InvalidAccessKeyId" => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::FORBIDDEN,
    }
}

fn error(refusal: &Refusal) -> Value {
    json!({ "Error": { "Code": refusal.code, "Message": refusal.message } })
}

fn http_date(now: SystemTime) -> Option<HeaderValue> {
    let now = jiff::Timestamp::try_from(now).ok()?;
    let text = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&now)
        .ok()?;
    HeaderValue::try_from(text).ok()
}
