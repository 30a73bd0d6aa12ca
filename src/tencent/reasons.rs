//! Classifies failed requests to the API. `storage::cos::errors` does so for requests to buckets.

use std::borrow::Cow;

use http::StatusCode;

use super::pace::LimitScope;
use super::transport::{TransportError, TransportErrorKind};
use crate::escape::escaped;
use crate::failure::{Failure, Reason};

/// The code of a timeout.
const TIMEOUT: &str = "timeout";

/// The label for an undocumented code.
const OTHER: &str = "other";

const UNSUPPORTED_REGION: &str = "UnsupportedRegion";

/// The way out of [`UNSUPPORTED_REGION`]. Unlike other products, CloudAudit is available in a few API
/// regions only, and each of them probably shows the same tracks. The documentation names these.
const ABOUT_REGIONS: &str = "CloudAudit is available in a few API regions only; use ap-guangzhou, ap-singapore, \
                             ap-hongkong, ap-tokyo, ap-seoul or eu-frankfurt";

/// Classifies an error of the API. The whole message goes through `redact` before it is escaped and
/// cut.
pub(super) fn api_failure(
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
    let message = escaped(&redact(&message));
    Failure {
        request_id,
        ..Failure::with_code(api_reason(code), *label.unwrap_or(&OTHER), message)
    }
}

/// Adds the way out to a failure of CloudAudit if its code is `UnsupportedRegion`.
pub(super) fn with_regions(mut failure: Failure) -> Failure {
    if failure.code == UNSUPPORTED_REGION {
        failure.message = format!("{} ({ABOUT_REGIONS})", failure.message);
    }
    failure
}

/// Returns the reason of a code. Subcodes are open-ended, so the first part decides if it can.
fn api_reason(code: &str) -> Reason {
    match (first_part(code), code) {
        // STS returns the second code for throttling, CLS the others.
        ("RequestLimitExceeded", _)
        | (
            _,
            "InvalidParameter.OverLimit"
            | "FailedOperation.ReadQpsLimit"
            | "LimitExceeded.LogSearch",
        ) => Reason::Throttled,
        // Denials by CAM and by IP address lists.
        (_, "AuthFailure.UnauthorizedOperation")
        | ("UnauthorizedOperation" | "IpInBlacklist" | "IpNotInWhitelist", _) => {
            Reason::Unauthorized
        }
        ("AuthFailure", _) => Reason::Unauthenticated,
        // Faults of the server, which may pass.
        (
            "InternalError"
            | "FailedOperation"
            | "ServiceUnavailable"
            | "ResourceUnavailable"
            | "ResourceInsufficient"
            | "ResourceInUse",
            _,
        ) => Reason::Unavailable,
        // Faults of the request, which last until the configuration changes.
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
            | "OperationDenied"
            | "RequestSizeLimitExceeded"
            | "ResourceNotFound"
            | "ResponseSizeLimitExceeded"
            | "UnknownParameter"
            | "UnsupportedOperation"
            | "UnsupportedProtocol"
            | "UnsupportedRegion",
            _,
        ) => Reason::Rejected,
        // An unknown code may pass.
        _ => Reason::Unavailable,
    }
}

fn first_part(code: &str) -> &str {
    code.split('.').next().unwrap_or_default()
}

/// Returns the limit that a throttled request has hit.
pub(super) fn limit_scope(throttled: &Failure) -> LimitScope {
    match &*throttled.code {
        "RequestLimitExceeded.IPLimitExceeded" => LimitScope::SourceIp,
        _ => LimitScope::Identity,
    }
}

/// Returns whether the API rejected the time of a signature.
pub(super) fn is_about_time(unauthenticated: &Failure) -> bool {
    matches!(
        &*unauthenticated.code,
        "AuthFailure.SignatureExpire" | "RequestIsExpired" | "RequestTimeTooSkewed"
    )
}

/// Returns whether the API does not know the key or token, or no longer: the provider may have another
/// one.
pub(super) fn is_about_the_key(unauthenticated: &Failure) -> bool {
    matches!(
        &*unauthenticated.code,
        "AuthFailure.TokenFailure"
            | "AuthFailure.SecretIdNotFound"
            | "ExpiredToken"
            | "InvalidAccessKeyId"
    )
}

/// Classifies a response whose status is not 200. A gateway or proxy sent it, because the API returns
/// its own errors with status 200.
pub fn status_failure(status: StatusCode) -> Failure {
    let reason = match status.as_u16() {
        429 => Reason::Throttled,
        500..=599 => Reason::Unavailable,
        // Redirects too: following one would send a signed request to another host.
        _ => Reason::Rejected,
    };
    let code = format!("http_{}", status.as_u16());
    Failure::with_code(reason, code, format!("HTTP status {status}"))
}

/// Classifies a request without a response.
pub fn transport_failure(error: &TransportError) -> Failure {
    let (reason, code) = match error.kind {
        TransportErrorKind::Timeout => (Reason::Unavailable, TIMEOUT),
        TransportErrorKind::Connect => (Reason::Unavailable, "connect"),
        TransportErrorKind::Tls => (Reason::Unavailable, "tls"),
        TransportErrorKind::TooLarge => (Reason::Malformed, Reason::Malformed.as_str()),
        // The next request uses another connection, so a retry can help.
        TransportErrorKind::Repeated => (Reason::Unavailable, Reason::Malformed.as_str()),
    };
    Failure::with_code(reason, code, escaped(&error.message))
}

/// Returns the failure of a client-side timeout.
pub fn timeout_failure(message: impl Into<String>) -> Failure {
    Failure::with_code(Reason::Unavailable, TIMEOUT, message)
}

/// The codes in the documentation of CloudAudit and STS, in the list of common errors, and of the
/// requests to CLS, `CKafka` and CAM.
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
    "FailedOperation.InValidIndexRuleForSearchLow",
    "FailedOperation.MemberNotAuditRole",
    "FailedOperation.MemberNotInOrganization",
    "FailedOperation.ReadQpsLimit",
    "FailedOperation.SearchTimeout",
    "FailedOperation.TempKeyNotAllowed",
    "FailedOperation.TopicClosed",
    "FailedOperation.TopicIsolated",
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
    "InvalidParameter.InValidIndexRuleForSearchLow",
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
    "InvalidParameterValue.InstanceNotExist",
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
    "LimitExceeded.LogSearch",
    "LimitExceeded.OverAmount",
    "LimitExceeded.OverTime",
    "MissingParameter",
    "MissingParameter.cmq",
    "NoSuchProduct",
    "NoSuchVersion",
    "OperationDenied",
    "OperationDenied.OperationNotSupportInSearchLow",
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
    "ResourceNotFound.IndexNotExist",
    "ResourceNotFound.LogsetNotExist",
    "ResourceNotFound.RoleNotExist",
    "ResourceNotFound.RoleNotFound",
    "ResourceNotFound.TopicNotExist",
    "ResourceUnavailable",
    "ResponseSizeLimitExceeded",
    "ServiceUnavailable",
    "UnauthorizedOperation",
    "UnknownParameter",
    "UnsupportedOperation",
    "UnsupportedProtocol",
    "UnsupportedRegion",
];
