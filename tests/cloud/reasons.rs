//! The table of reasons, row by row, and every code that the API documents.

use cloudaudit_exporter::escape::escaped;
use cloudaudit_exporter::failure::Reason::{
    Malformed, Rejected, Throttled, Unauthenticated, Unauthorized, Unavailable,
};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::tencent::reasons::{status_failure, timeout_failure, transport_failure};
use cloudaudit_exporter::tencent::wire::{WireError, parse_page};
use cloudaudit_exporter::tencent::{TransportError, TransportErrorKind};
use http::StatusCode;
use jiff::tz::Offset;
use serde_json::json;

/// Returns the failure for a response with this code.
fn failure(code: &str) -> Failure {
    let error = json!({ "Code": code, "Message": "the message" });
    let body = json!({ "Response": { "Error": error, "RequestId": "r-1" } }).to_string();
    match parse_page(body.as_bytes(), Offset::UTC) {
        Err(WireError::Api(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// Every documented code with its reason, so that a code that moves to another row fails the test.
const DOCUMENTED: &[(Reason, &[&str])] = &[
    (
        Throttled,
        &[
            "RequestLimitExceeded",
            "RequestLimitExceeded.UinLimitExceeded",
            "RequestLimitExceeded.IPLimitExceeded",
            "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
            "InvalidParameter.OverLimit",
        ],
    ),
    (
        Unavailable,
        &[
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
            "FailedOperation",
            "FailedOperation.CheckClsTopicIsExistFailed",
            "FailedOperation.CheckCosBucketIsExistFailed",
            "FailedOperation.GetClsTopicFailed",
            "FailedOperation.GetCosBucketListFailed",
            "FailedOperation.MemberNotAuditRole",
            "FailedOperation.MemberNotInOrganization",
            "FailedOperation.TempKeyNotAllowed",
            "ServiceUnavailable",
            "ResourceUnavailable",
            "ResourceInsufficient",
            "ResourceInUse",
            "ResourceInUse.CosBucketExists",
        ],
    ),
    (
        Unauthorized,
        &[
            "UnauthorizedOperation",
            "AuthFailure.UnauthorizedOperation",
            "IpInBlacklist",
            "IpNotInWhitelist",
        ],
    ),
    (
        Unauthenticated,
        &[
            "AuthFailure.SignatureExpire",
            "AuthFailure.SecretIdNotFound",
            "AuthFailure.SignatureFailure",
            "AuthFailure.TokenFailure",
            "AuthFailure.InvalidSecretId",
            "AuthFailure.InvalidAuthorization",
            "AuthFailure.MFAFailure",
            "AuthFailure.AccessKeyIllegal",
        ],
    ),
    (
        Rejected,
        &[
            "LimitExceeded",
            "LimitExceeded.OverAmount",
            "LimitExceeded.OverTime",
            "UnsupportedRegion",
            "InvalidParameter",
            "InvalidParameter.Time",
            "InvalidParameter.AccessKeyNotSupport",
            "InvalidParameter.AccountNotAvaliable",
            "InvalidParameter.GrantOtherResource",
            "InvalidParameter.OverTimeError",
            "InvalidParameter.ParamError",
            "InvalidParameter.PolicyTooLong",
            "InvalidParameter.ResouceError",
            "InvalidParameter.StrategyFormatError",
            "InvalidParameter.StrategyInvalid",
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
            "MissingParameter",
            "MissingParameter.cmq",
            "UnknownParameter",
            "InvalidRequest",
            "InvalidAction",
            "NoSuchVersion",
            "NoSuchProduct",
            "ActionOffline",
            "UnsupportedOperation",
            "UnsupportedProtocol",
            "DryRunOperation",
            "RequestSizeLimitExceeded",
            "ResponseSizeLimitExceeded",
            "ResourceNotFound",
            "ResourceNotFound.AuditNotExist",
            "ResourceNotFound.CosNotExist",
            "ResourceNotFound.RoleNotExist",
            "ResourceNotFound.RoleNotFound",
        ],
    ),
];

#[test]
fn every_documented_code_has_its_reason_and_its_own_label() {
    for (reason, codes) in DOCUMENTED {
        for code in *codes {
            let failure = failure(code);
            assert_eq!(failure.reason, *reason, "{code}");
            assert_eq!(failure.code, *code);
            if *code != "UnsupportedRegion" {
                assert_eq!(failure.message, "the message", "{code}");
            }
            assert_eq!(failure.request_id.as_deref(), Some("r-1"), "{code}");
        }
    }
}

/// Sub-codes are open-ended: the part before the first dot decides the reason, and the label stays
/// bounded.
#[test]
fn a_new_sub_code_follows_its_family() {
    for (code, reason) in [
        ("RequestLimitExceeded.Novel", Throttled),
        ("InternalError.Novel.Deeper", Unavailable),
        ("FailedOperation.Novel", Unavailable),
        ("ResourceInUse.Novel", Unavailable),
        ("UnauthorizedOperation.CamNoAuth", Unauthorized),
        ("AuthFailure.Novel", Unauthenticated),
        ("AuthFailure", Unauthenticated),
        ("InvalidParameterValue.Novel", Rejected),
        ("UnsupportedRegion.Novel", Rejected),
        ("ResourceNotFound.Novel", Rejected),
        ("LimitExceeded.Novel", Rejected),
    ] {
        let failure = failure(code);
        assert_eq!(failure.reason, reason, "{code}");
        assert_eq!(failure.code, "other", "{code}");
        let message = format!("{code}: the message");
        assert!(failure.message.starts_with(&message), "{failure}");
    }
}

/// The mistake is common, and the API's own message does not name the supported regions.
#[test]
fn an_unsupported_region_names_the_supported_ones() {
    let expected = "the message (CloudAudit is available in a few API regions only; use ap-guangzhou, ap-singapore, \
                    ap-hongkong, ap-tokyo, ap-seoul or eu-frankfurt)";
    assert_eq!(failure("UnsupportedRegion").message, expected);
}

/// A family is a whole word, not a prefix. An unknown error may be transient.
#[test]
fn an_unknown_code_is_unavailable() {
    for code in [
        "",
        ".",
        "Novel",
        "Novel.InternalError",
        "internalerror",
        "RequestLimitExceededSomehow",
        "AuthFailureOfAnotherKind",
        "InvalidParameters.OverLimit",
        " UnauthorizedOperation",
    ] {
        let failure = failure(code);
        assert_eq!(failure.reason, Unavailable, "{code:?}");
        assert_eq!(failure.code, "other", "{code:?}");
    }
}

#[test]
fn http_statuses_have_their_reasons() {
    for (status, reason) in [
        (201, Rejected),
        (204, Rejected),
        (301, Rejected),
        (302, Rejected),
        (307, Rejected),
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (407, Rejected),
        (408, Rejected),
        (413, Rejected),
        (429, Throttled),
        (499, Rejected),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (599, Unavailable),
        (600, Rejected),
    ] {
        let failure = status_failure(StatusCode::from_u16(status).unwrap());
        assert_eq!(failure.reason, reason, "{status}");
        assert_eq!(failure.code, format!("http_{status}"));
        assert!(failure.message.contains(&status.to_string()), "{failure}");
    }
}

#[test]
fn transport_errors_have_their_reasons() {
    for (kind, reason, code) in [
        (TransportErrorKind::Timeout, Unavailable, "timeout"),
        (TransportErrorKind::Connect, Unavailable, "connect"),
        (TransportErrorKind::Tls, Unavailable, "tls"),
        (TransportErrorKind::TooLarge, Malformed, "malformed"),
        (TransportErrorKind::Repeated, Unavailable, "malformed"),
    ] {
        let message = "what\nhappened".to_owned();
        let failure = transport_failure(&TransportError { kind, message });
        assert_eq!(failure.reason, reason, "{kind:?}");
        assert_eq!(failure.code, code, "{kind:?}");
        assert_eq!(failure.message, "what\\nhappened");
    }
    let failure = timeout_failure("too late");
    assert_eq!((failure.reason, &*failure.code), (Unavailable, "timeout"));
}

#[test]
fn a_message_is_one_line() {
    assert_eq!(escaped("  a\tb\nc\r\nd\0 "), "a\\tb\\nc\\r\\nd\\u{0}");
    assert_eq!(
        escaped("\u{85}x\u{2028}y\u{2029}z"),
        "x\\u{2028}y\\u{2029}z"
    );
    assert_eq!(escaped("a\u{85}b"), "a\\u{85}b");
    assert_eq!(escaped("中文 \"quoted\" ünï"), "中文 \"quoted\" ünï");
    assert_eq!(escaped(""), "");
    let (exact, longer) = ("x".repeat(500), "x".repeat(501));
    assert_eq!(escaped(&exact), exact);
    assert_eq!(escaped(&longer), format!("{exact}…"));
}
