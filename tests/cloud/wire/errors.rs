//! Errors that the API returns: their reason, label and message.

use cloudaudit_exporter::failure::Reason;

use super::{parse, refused};

#[test]
fn an_api_error_is_classified() {
    let body = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure",
        "Message":"The provided credentials could not be validated."},"RequestId":"ed93f3cb"}}"#;
    let failure = refused(body);
    assert_eq!(failure.reason, Reason::Unauthenticated);
    assert_eq!(failure.code, "AuthFailure.SignatureFailure");
    assert_eq!(
        failure.message,
        "The provided credentials could not be validated."
    );
    assert_eq!(failure.request_id.as_deref(), Some("ed93f3cb"));
}

#[test]
fn an_unknown_error_has_a_bounded_label_and_its_full_message() {
    let body =
        r#"{"Response":{"Error":{"Code":"Novel.Thing","Message":"no idea"},"RequestId":"r"}}"#;
    let failure = refused(body);
    assert_eq!(failure.reason, Reason::Unavailable);
    assert_eq!(failure.code, "other");
    assert_eq!(failure.message, "Novel.Thing: no idea");
}

#[test]
fn an_error_overrides_all_other_fields() {
    let body = r#"{"Response":{"Error":{"Code":"UnauthorizedOperation","Message":"no"},
        "Tracks":[],"TotalCount":0,"RequestId":"r"}}"#;
    assert_eq!(refused(body).reason, Reason::Unauthorized);
    for bare in ["{}", r#"{"Code":null,"Message":null}"#] {
        let failure = refused(&format!(
            r#"{{"Response":{{"Error":{bare},"TotalCount":0}}}}"#
        ));
        assert_eq!(
            (failure.reason, &*failure.code),
            (Reason::Unavailable, "other")
        );
    }
    let no_error = r#"{"Response":{"Error":null,"TotalCount":0}}"#;
    assert_eq!(parse(no_error).unwrap().total, 0);
}

#[test]
fn an_error_is_one_line_of_bounded_length() {
    let body = r#"{"Response":{"Error":{"Code":"UnauthorizedOperation","Message":
        "you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)\nresource (*) has no permission\r\n\u001b[31mred\u2028next\n"},
        "RequestId":"a\nb"}}"#;
    let failure = refused(body);
    assert_eq!(
        failure.message,
        "you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)\\n\
         resource (*) has no permission\\r\\n\\u{1b}[31mred\\u{2028}next"
    );
    assert_eq!(failure.request_id.as_deref(), Some("a\\nb"));

    let long = format!(
        r#"{{"Response":{{"Error":{{"Code":"InternalError","Message":"{}"}}}}}}"#,
        "审".repeat(10_000)
    );
    assert_eq!(
        refused(&long).message.chars().count(),
        501,
        "500 and an ellipsis"
    );
}
