//! The one place that decides what a failed call means.

use std::borrow::Cow;

use http::StatusCode;

pub use super::escape::{escaped, visible};
use super::pacer::LimitScope;
use super::transport::{TransportError, TransportErrorKind};
use crate::failure::{Failure, Reason};

/// The code of a time limit that was reached.
const TIMEOUT: &str = "timeout";

/// The label for a code that the API does not document.
const OTHER: &str = "other";

/// What is taken for granted elsewhere in the cloud and does not hold for CloudAudit: it is offered
/// in a few regions only, and each of them very probably shows the same tracks. The documentation
/// names these.
const ABOUT_REGIONS: &str = "CloudAudit's API region is not the VM's region; known to work are ap-guangzhou, \
                             ap-singapore, ap-hongkong, ap-tokyo, ap-seoul and eu-frankfurt";

/// An error that the API answered with.
pub fn api_failure(code: &str, message: &str, request_id: Option<String>) -> Failure {
    api_failure_redacted(code, message, request_id, |text| Cow::Borrowed(text))
}

/// The same. The message goes through `redact` as a whole, before it is escaped and cut.
pub(super) fn api_failure_redacted(
    code: &str,
    message: &str,
    request_id: Option<String>,
    redact: impl Fn(&str) -> Cow<'_, str>,
) -> Failure {
    let label = KNOWN_CODES.iter().find(|known| **known == code);
    let message = match label {
        Some(_) => Cow::Borrowed(message),
        None => Cow::Owned(format!("{code}: {message}")),
    };
    let mut message = escaped(&redact(&message));
    if first_part(code) == "UnsupportedRegion" {
        message = format!("{message} ({ABOUT_REGIONS})");
    }
    Failure {
        request_id,
        ..Failure::with_code(api_reason(code), *label.unwrap_or(&OTHER), message)
    }
}

/// The reason behind a code. Sub-codes are open-ended, so the first part decides wherever it can.
fn api_reason(code: &str) -> Reason {
    match (first_part(code), code) {
        // STS has this one for throttling.
        ("RequestLimitExceeded", _) | (_, "InvalidParameter.OverLimit") => Reason::Throttled,
        // CAM's denials, and lists of addresses, which are permissions by another name.
        (_, "AuthFailure.UnauthorizedOperation")
        | ("UnauthorizedOperation" | "IpInBlacklist" | "IpNotInWhitelist", _) => {
            Reason::Unauthorized
        }
        ("AuthFailure", _) => Reason::Unauthenticated,
        // The server's faults, all of which may pass.
        (
            "InternalError"
            | "FailedOperation"
            | "ServiceUnavailable"
            | "ResourceUnavailable"
            | "ResourceInsufficient"
            | "ResourceInUse",
            _,
        ) => Reason::Unavailable,
        // The request's faults, which pass when somebody changes something.
        (
            "ActionOffline"
            | "DryRunOperation"
            | "InvalidAction"
            | "InvalidParameter"
            | "InvalidParameterValue"
            | "InvalidRequest"
            | "LimitExceeded"
            | "MissingParameter"
            | "NoSuchProduct"
            | "NoSuchVersion"
            | "RequestSizeLimitExceeded"
            | "ResourceNotFound"
            | "ResponseSizeLimitExceeded"
            | "UnknownParameter"
            | "UnsupportedOperation"
            | "UnsupportedProtocol"
            | "UnsupportedRegion",
            _,
        ) => Reason::Rejected,
        // Nobody knows it, so nobody knows that it lasts.
        _ => Reason::Unavailable,
    }
}

fn first_part(code: &str) -> &str {
    code.split('.').next().unwrap_or_default()
}

/// Which limit a throttled call has met.
pub fn limit(throttled: &Failure) -> LimitScope {
    match &*throttled.code {
        "RequestLimitExceeded.IPLimitExceeded" => LimitScope::SourceIp,
        _ => LimitScope::Identity,
    }
}

/// Whether a call was refused for the time it was signed for.
pub fn is_about_time(unauthenticated: &Failure) -> bool {
    unauthenticated.code == "AuthFailure.SignatureExpire"
}

/// Whether a call was refused for a key or token that is not, or no longer, one: another may be
/// had.
pub fn is_about_the_key(unauthenticated: &Failure) -> bool {
    matches!(
        &*unauthenticated.code,
        "AuthFailure.TokenFailure" | "AuthFailure.SecretIdNotFound"
    )
}

/// An answer whose status is not 200: it comes from a gateway or a proxy, for the API itself
/// answers its errors with 200.
pub fn status_failure(status: StatusCode) -> Failure {
    let reason = match status.as_u16() {
        429 => Reason::Throttled,
        500..=599 => Reason::Unavailable,
        // Redirects too: following one would carry a signed request to somebody else.
        _ => Reason::Rejected,
    };
    let code = format!("http_{}", status.as_u16());
    Failure::with_code(reason, code, format!("HTTP status {status}"))
}

/// No answer at all.
pub fn transport_failure(error: &TransportError) -> Failure {
    let (reason, code) = match error.kind {
        TransportErrorKind::Timeout => (Reason::Unavailable, TIMEOUT),
        TransportErrorKind::Connect => (Reason::Unavailable, "connect"),
        TransportErrorKind::Tls => (Reason::Unavailable, "tls"),
        TransportErrorKind::TooLarge => (Reason::Malformed, Reason::Malformed.as_str()),
        // The next request goes over another connection, so it is worth a retry.
        TransportErrorKind::Repeated => (Reason::Unavailable, Reason::Malformed.as_str()),
    };
    Failure::with_code(reason, code, escaped(&error.message))
}

/// A time limit of ours was reached.
pub fn timeout_failure(message: impl Into<String>) -> Failure {
    Failure::with_code(Reason::Unavailable, TIMEOUT, message)
}

/// The codes that CloudAudit, STS and the common error list document.
const KNOWN_CODES: &[&str] = &[
    "ActionOffline",
    "AuthFailure.AccessKeyIllegal",
    "AuthFailure.InvalidAuthorization",
    "AuthFailure.InvalidSecretId",
    "AuthFailure.MFAFailure",
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "AuthFailure.SignatureFailure",
    "AuthFailure.TokenFailure",
    "AuthFailure.UnauthorizedOperation",
    "DryRunOperation",
    "FailedOperation",
    "FailedOperation.CheckClsTopicIsExistFailed",
    "FailedOperation.CheckCosBucketIsExistFailed",
    "FailedOperation.GetClsTopicFailed",
    "FailedOperation.GetCosBucketListFailed",
    "FailedOperation.MemberNotAuditRole",
    "FailedOperation.MemberNotInOrganization",
    "FailedOperation.TempKeyNotAllowed",
    "InternalError",
    "InternalError.CmqError",
    "InternalError.DescribeAuditError",
    "InternalError.InquireAuditCreditError",
    "InternalError.ListAuditsError",
    "InternalError.ListCmqEnableRegionError",
    "InternalError.ListCosEnableRegionError",
    "InternalError.ListKeyAliasByRegionError",
    "InternalError.SearchError",
    "InternalError.StartLoggingError",
    "InternalError.StopLoggingError",
    "InternalError.UpdateAuditError",
    "InvalidAction",
    "InvalidParameter",
    "InvalidParameter.AccessKeyNotSupport",
    "InvalidParameter.AccountNotAvaliable",
    "InvalidParameter.GrantOtherResource",
    "InvalidParameter.OverLimit",
    "InvalidParameter.OverTimeError",
    "InvalidParameter.ParamError",
    "InvalidParameter.PolicyTooLong",
    "InvalidParameter.ResouceError",
    "InvalidParameter.StrategyFormatError",
    "InvalidParameter.StrategyInvalid",
    "InvalidParameter.Time",
    "InvalidParameter.WebIdentityTokenError",
    "InvalidParameterValue",
    "InvalidParameterValue.AliasAlreadyExists",
    "InvalidParameterValue.AuditTrackNameNotSupportModify",
    "InvalidParameterValue.CmqRegionError",
    "InvalidParameterValue.CosNameError",
    "InvalidParameterValue.CosRegionError",
    "InvalidParameterValue.KmsRegionError",
    "InvalidParameterValue.LogFilePrefixError",
    "InvalidParameterValue.MaxResult",
    "InvalidParameterValue.QueueNameError",
    "InvalidParameterValue.ReadWriteAttributeError",
    "InvalidParameterValue.Time",
    "InvalidParameterValue.attributeKey",
    "InvalidRequest",
    "IpInBlacklist",
    "IpNotInWhitelist",
    "LimitExceeded",
    "LimitExceeded.OverAmount",
    "LimitExceeded.OverTime",
    "MissingParameter",
    "MissingParameter.cmq",
    "NoSuchProduct",
    "NoSuchVersion",
    "RequestLimitExceeded",
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
    "RequestLimitExceeded.IPLimitExceeded",
    "RequestLimitExceeded.UinLimitExceeded",
    "RequestSizeLimitExceeded",
    "ResourceInUse",
    "ResourceInUse.CosBucketExists",
    "ResourceInsufficient",
    "ResourceNotFound",
    "ResourceNotFound.AuditNotExist",
    "ResourceNotFound.CosNotExist",
    "ResourceNotFound.RoleNotExist",
    "ResourceNotFound.RoleNotFound",
    "ResourceUnavailable",
    "ResponseSizeLimitExceeded",
    "ServiceUnavailable",
    "UnauthorizedOperation",
    "UnknownParameter",
    "UnsupportedOperation",
    "UnsupportedProtocol",
    "UnsupportedRegion",
];
