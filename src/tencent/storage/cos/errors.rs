//! Classifies the errors of COS: by the code if it is documented, otherwise by the status.

use http::StatusCode;

use super::listing::{ErrorBody, parse_error};
use crate::escape::escaped;
use crate::failure::{Failure, Reason};
use crate::tencent::reasons::status_failure;
use crate::tencent::redactor::Redactor;

/// The bucket does not exist.
pub(super) const NO_SUCH_BUCKET: &str = "NoSuchBucket";

/// The signature is outside its validity. COS also reports this as `AccessDenied` with a message.
const TIME_TOO_SKEWED: &str = "RequestTimeTooSkewed";
const EXPIRED_MESSAGE: &str = "Request has expired";

/// The codes that appear as label values, and their reasons if the status alone is not enough.
const CODES: &[(&str, Option<Reason>)] = &[
    ("AccessDenied", Some(Reason::Unauthorized)),
    ("ExpiredToken", Some(Reason::Unauthenticated)),
    ("InternalError", Some(Reason::Unavailable)),
    ("InvalidAccessKeyId", Some(Reason::Unauthenticated)),
    ("InvalidArgument", None),
    ("InvalidBucketName", None),
    ("InvalidRequest", None),
    (NO_SUCH_BUCKET, None),
    ("RequestIsExpired", Some(Reason::Unauthenticated)),
    (TIME_TOO_SKEWED, Some(Reason::Unauthenticated)),
    ("ServiceUnavailable", Some(Reason::Unavailable)),
    ("SignatureDoesNotMatch", Some(Reason::Unauthenticated)),
    ("SlowDown", Some(Reason::Throttled)),
];

/// Classifies a response whose status is not 200.
pub(super) fn failure(status: StatusCode, body: &[u8], redactor: &Redactor) -> Failure {
    let ErrorBody {
        code,
        message,
        request_id,
    } = parse_error(body);
    let by_status = match status.as_u16() {
        401 | 403 => Reason::Unauthorized,
        _ => status_failure(status).reason,
    };
    let code = if message.starts_with(EXPIRED_MESSAGE) {
        TIME_TOO_SKEWED
    } else {
        &code
    };
    let known = CODES.iter().find(|(known, _)| *known == code);
    let Some((label, reason)) = known else {
        // The code of a gateway, or one that is not documented.
        let unknown = status_failure(status);
        let said = escaped(&redactor.redact(&format!("{code}: {message}")));
        let message = if code.is_empty() {
            unknown.message
        } else {
            format!("{} ({said})", unknown.message)
        };
        return Failure {
            reason: by_status,
            message,
            ..unknown
        };
    };
    // The reason of a code counts only with the status of an error.
    let reason = reason.filter(|_| status.is_client_error() || status.is_server_error());
    Failure {
        request_id: request_id.map(|id| escaped(&redactor.redact(&id))),
        ..Failure::with_code(
            reason.unwrap_or(by_status),
            *label,
            escaped(&redactor.redact(&message)),
        )
    }
}

/// Returns whether a failure says that the bucket does not exist.
pub(super) fn is_missing(failure: &Failure) -> bool {
    failure.reason == Reason::Rejected && failure.code == NO_SUCH_BUCKET
}
