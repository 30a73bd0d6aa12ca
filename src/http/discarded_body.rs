//! Discards the body of a request.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

/// The most bytes of a request's body that are read and discarded; a longer body gets status 413.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Reads and discards a body, so that the client finishes sending and reads the response.
pub(super) async fn discard(body: Incoming, time: Duration) -> Result<(), StatusCode> {
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut body = Limited::new(body, MAX_BODY_BYTES);
    let read = async {
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    match timeout(time, read).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
