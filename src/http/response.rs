//! Builds responses.

use bytes::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HeaderValue, REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::response_body::Pieces;
use crate::web_config::Denied;

/// Returns an exposition in the text format. Prometheus 3 rejects an exposition without a content
/// type.
pub(super) fn exposition(pieces: Vec<Bytes>, gzip: bool) -> Response<Pieces> {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    let mut response = with_content(StatusCode::OK, content_type, pieces.into());
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Returns an HTML page with its content security policy.
pub(super) fn page(html: String, policy: &'static str) -> Response<Pieces> {
    let mut response = with_content(StatusCode::OK, "text/html; charset=utf-8", html.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// JSON.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Pieces> {
    let mut text = value.to_string();
    text.push('\n');
    with_content(status, "application/json", text.into())
}

/// One or more lines of text.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Response<Pieces> {
    let mut text = text.into();
    text.push('\n');
    with_content(status, "text/plain; charset=utf-8", text.into())
}

/// Returns an empty response with status 204.
pub(super) fn nothing() -> Response<Pieces> {
    empty(StatusCode::NO_CONTENT)
}

/// Returns the response to `OPTIONS`.
pub(super) fn options(allow: &'static str) -> Response<Pieces> {
    let mut response = empty(StatusCode::NO_CONTENT);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// Returns the response to a method that the path does not support.
pub(super) fn method_not_allowed(allow: &'static str) -> Response<Pieces> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("this path takes {allow}"),
    );
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// Returns the response if too many requests for pages are waiting.
pub(super) fn too_many_pages() -> Response<Pieces> {
    let message = "too many requests for pages are waiting; try again";
    text(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Returns the response to a request that the web configuration does not allow.
pub(super) fn denied(why: Denied) -> Response<Pieces> {
    match why {
        Denied::Broken => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the web configuration is invalid; the log has the reason",
        ),
        Denied::TooMany => text(StatusCode::TOO_MANY_REQUESTS, "too many requests"),
        Denied::Busy => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many passwords are being checked; try again",
        ),
        Denied::Unauthorized => {
            let mut response = text(StatusCode::UNAUTHORIZED, "authentication required");
            let basic = HeaderValue::from_static("Basic");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
            response
        }
    }
}

/// Returns the response to `HEAD`: it declares its length and has no content. Hyper drops the content
/// over HTTP/1 only.
pub(super) fn without_content(mut response: Response<Pieces>) -> Response<Pieces> {
    let length = std::mem::take(response.body_mut()).left();
    if response.status() != StatusCode::NO_CONTENT {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Makes a response the last one on its connection.
pub(super) fn and_close(mut response: Response<Pieces>) -> Response<Pieces> {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn with_content(
    status: StatusCode,
    content_type: &'static str,
    pieces: Pieces,
) -> Response<Pieces> {
    let mut response = empty(status).map(|_| pieces);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn empty(status: StatusCode) -> Response<Pieces> {
    let mut response = Response::new(Pieces::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
