//! Parsing of responses: documented ones, ones that real clients have received, and invalid ones.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{Status, Storage, Track};
use cloudaudit_exporter::tencent::wire::{Page, WireError, list_body, parse_page};
use jiff::tz::Offset;
use proptest::prelude::*;

mod errors;
mod tolerance;

const CHINA: Offset = Offset::constant(8);

/// The example from the API's documentation, verbatim.
const DOCUMENTED: &str = r#"{"Response": {"Tracks": [{"TrackId": 1, "Name": "audit", "ActionType": "Read", "ResourceType": "audit", "EventNames": ["LookUpEvents"],
 "Storage": {"StorageName": "audit-cos", "StoragePrefix": "test", "StorageRegion": "ap-guangzhou", "StorageType": "cos"},
 "Status": 1, "CreateTime": "2021-01-14 14:43:38"}], "TotalCount": 1, "RequestId": "2d4a7fba-bba8-452e-a99e-ccf11fdaa583"}}"#;

fn parse(body: &str) -> Result<Page, WireError> {
    parse_page(body.as_bytes(), CHINA)
}

/// Returns the failure of a JSON response that the API does not document.
fn refused(body: &str) -> Failure {
    match parse(body) {
        Err(WireError::Api(failure)) => failure,
        other => panic!("{body} became {other:?}"),
    }
}

/// Returns the failure of a response that is not JSON.
fn not_json(body: &[u8]) -> Failure {
    match parse_page(body, CHINA) {
        Err(WireError::NotJson(failure)) => failure,
        other => panic!("{} became {other:?}", String::from_utf8_lossy(body)),
    }
}

/// Parses a page whose only track has `fields` in addition to its id.
fn track(fields: &str) -> Track {
    let body = format!(r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":7{fields}}}]}}}}"#);
    let mut page = parse(&body).unwrap();
    assert_eq!(page.tracks.len(), 1, "{body}");
    page.tracks.remove(0)
}

fn created(create_time: &str, offset: Offset) -> Option<i64> {
    let body = format!(
        r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":7,"CreateTime":"{create_time}"}}]}}}}"#
    );
    parse_page(body.as_bytes(), offset).unwrap().tracks[0].created
}

#[test]
fn the_request_body_equals_the_signed_body_of_the_vectors() {
    assert_eq!(list_body(1, 50), r#"{"PageNumber":1,"PageSize":50}"#);
    assert_eq!(list_body(200, 100), r#"{"PageNumber":200,"PageSize":100}"#);
}

#[test]
fn the_documented_example_is_parsed() {
    let expected = Track {
        id: 1,
        name: "audit".into(),
        action_type: "Read".into(),
        resource_type: "audit".into(),
        event_names: vec!["LookUpEvents".into()],
        status: Status::Enabled,
        storage: Storage {
            kind: "cos".into(),
            region: "ap-guangzhou".into(),
            name: "audit-cos".into(),
            prefix: "test".into(),
            account: String::new(),
            app_id: String::new(),
        },
        created: Some(1_610_606_618), // 2021-01-14 06:43:38 UTC
        is_partial: false,
        details: None,
    };
    let page = parse(DOCUMENTED).unwrap();
    assert_eq!(page.tracks, [expected]);
    assert_eq!(page.total, 1);
}

#[test]
fn absent_and_null_fields_are_empty() {
    let bare = Track {
        id: 7,
        name: String::new(),
        action_type: String::new(),
        resource_type: String::new(),
        event_names: Vec::new(),
        status: Status::Unknown,
        storage: Storage::default(),
        created: None,
        is_partial: false,
        details: None,
    };
    assert_eq!(track(""), bare, "absent");
    let nulls = r#","Name":null,"ActionType":null,"ResourceType":null,"Status":null,
        "EventNames":null,"Storage":null,"CreateTime":null"#;
    assert_eq!(track(nulls), bare, "null");
    let inner = r#","EventNames":[null],"Storage":{"StorageType":null,"StorageRegion":null,
        "StorageName":null,"StoragePrefix":null,"StorageAccountId":null}"#;
    assert_eq!(track(inner), bare, "null inside");
    assert_eq!(track(r#","Storage":{}"#), bare, "an empty object");
}

#[test]
fn unknown_fields_are_ignored_at_every_level() {
    let body = r#"{"Extra":[{}],"Response":{"DeprecatedWarning":"old","TotalCount":1,"Tracks":[
        {"TrackId":7,"Filters":{"ResourceFields":[{"ResourceType":"cos"}]},"TrackForAllMembers":1,
         "Storage":{"StorageType":"cos","StorageAppId":"1250000000","Compress":1}}]},"code":0}"#;
    let page = parse(body).unwrap();
    assert_eq!(page.tracks[0].id, 7);
    assert_eq!(page.tracks[0].storage.kind, "cos");
}

#[test]
fn status_is_one_of_three() {
    for (number, expected) in [
        ("1", Status::Enabled),
        ("0", Status::Disabled),
        ("2", Status::Unknown),
        ("null", Status::Unknown),
        ("true", Status::Unknown),
        ("{}", Status::Unknown),
        ("-1", Status::Unknown),
        ("18446744073709551615", Status::Unknown),
    ] {
        assert_eq!(track(&format!(r#","Status":{number}"#)).status, expected);
    }
}

#[test]
fn text_is_kept_verbatim() {
    let odd = track(r#","Name":" a\"b\\c\nd\u5ba1\ud83d\ude00 ","Storage":{"StorageType":"COS"}"#);
    assert_eq!(odd.name, " a\"b\\c\nd审😀 ");
    assert_eq!(odd.storage.kind, "COS");
    let cross = track(r#","Storage":{"StorageAccountId":"100000000009"}"#);
    assert_eq!(cross.storage.account, "100000000009");
}

#[test]
fn an_absent_list_is_valid_only_if_the_total_is_zero() {
    for empty in ["", r#""Tracks":null,"#, r#""Tracks":[],"#] {
        let page = parse(&format!(r#"{{"Response":{{{empty}"TotalCount":0}}}}"#)).unwrap();
        assert_eq!((page.tracks.len(), page.total), (0, 0), "{empty}");
    }
    for absent in ["", r#""Tracks":null,"#] {
        let body = format!(r#"{{"Response":{{{absent}"TotalCount":3,"RequestId":"r-3"}}}}"#);
        let failure = refused(&body);
        assert_eq!(failure.reason, Reason::Malformed);
        assert!(failure.message.contains("TotalCount is 3"), "{failure}");
        assert_eq!(failure.request_id.as_deref(), Some("r-3"));
    }
    // The API may return this past the last page; the walk decides whether it is complete.
    let past = parse(r#"{"Response":{"Tracks":[],"TotalCount":3}}"#).unwrap();
    assert_eq!((past.tracks.len(), past.total), (0, 3));
}

#[test]
fn a_missing_required_field_is_malformed() {
    for (body, missing) in [
        (r"{}", "Response"),
        (r#"{"Response":null}"#, "Response"),
        (r#"{"response":{"TotalCount":0}}"#, "Response"),
        (r#"{"Response":{}}"#, "TotalCount"),
        (r#"{"Response":{"Tracks":[]}}"#, "TotalCount"),
        (
            r#"{"Response":{"Tracks":[],"TotalCount":null}}"#,
            "TotalCount",
        ),
        (
            r#"{"Response":{"Tracks":[{"TrackId":1},{}],"TotalCount":2}}"#,
            "TrackId",
        ),
        (
            r#"{"Response":{"Tracks":[{"TrackId":null}],"TotalCount":1}}"#,
            "TrackId",
        ),
    ] {
        let failure = refused(body);
        assert_eq!(failure.reason, Reason::Malformed, "{body}");
        assert_eq!(failure.code, "malformed", "{body}");
        assert!(failure.message.contains(missing), "{body}: {failure}");
    }
}

#[test]
fn unexpected_json_is_malformed_and_names_the_place() {
    for body in [
        "[]",
        "null",
        "0",
        r#""a string""#,
        r#"{"Response":[]}"#,
        r#"{"Response":"no"}"#,
        r#"{"Response":{"TotalCount":"none"}}"#,
        r#"{"Response":{"TotalCount":true}}"#,
        r#"{"Response":{"TotalCount":-1}}"#,
        r#"{"Response":{"TotalCount":0.5}}"#,
        r#"{"Response":{"TotalCount":0,"Tracks":{}}}"#,
        r#"{"Response":{"TotalCount":1,"Tracks":[null]}}"#,
        r#"{"Response":{"TotalCount":1,"Tracks":["audit"]}}"#,
        r#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":"one"}]}}"#,
        r#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":-1}]}}"#,
        r#"{"Response":{"TotalCount":0},"Response":{"TotalCount":0}}"#,
    ] {
        let failure = refused(body);
        assert_eq!(failure.reason, Reason::Malformed, "{body}");
        let message = failure.message;
        assert!(
            message.contains("unexpected response format") || message.contains("no Response"),
            "{body}: {message}"
        );
    }
    let failure = refused("{\"Response\":\n {\"TotalCount\":\"secret-looking\"}}");
    assert!(failure.message.contains("TotalCount"), "{failure}");
    assert!(!failure.message.contains("secret"), "{failure}");
}

/// Derived deserializers accept an array for a struct, field by field, which would make up an empty
/// listing.
#[test]
fn an_array_is_not_an_object() {
    for body in [
        r#"[{"TotalCount":0}]"#,
        r#"{"Response":[null,0,null,null]}"#,
        r#"{"Response":[[],0,"r-1",null]}"#,
        r#"{"Response":{"Error":["InternalError","no"]}}"#,
        r#"{"Response":{"TotalCount":1,"Tracks":[[1,null,null,null,null,null,null,null]]}}"#,
    ] {
        let failure = refused(body);
        assert_eq!(failure.reason, Reason::Malformed, "{body}");
    }
}

#[test]
fn a_body_that_is_not_json_is_distinguished() {
    for body in [
        &b""[..],
        b"   ",
        b"<html><body>502 Bad Gateway</body></html>",
        b"{\"Response\":{\"TotalCount\":0",
        b"{\"Response\":{\"TotalCount\":0}} trailing",
        b"{'Response':{}}",
        b"{\"Response\":{\"TotalCount\":0}}\xff",
        b"{\"Response\":{\"TotalCount\":01}}",
        b"{\"Response\":{\"TotalCount\":NaN}}",
        b"{\"Response\":{\"TotalCount\":0,\"RequestId\":\"\\ud800",
        b"\x1f\x8b\x08\x00\x00",
    ] {
        let failure = not_json(body);
        assert_eq!(failure.reason, Reason::Malformed);
        assert_eq!(failure.code, "malformed");
        assert!(failure.message.contains("not JSON"), "{failure}");
    }
}

#[test]
fn creation_times_are_parsed() {
    for (text, offset, expected) in [
        ("2021-01-14 14:43:38", CHINA, Some(1_610_606_618)),
        ("2021-01-14 14:43:38", Offset::UTC, Some(1_610_635_418)),
        ("2021-02-01 18:03", CHINA, Some(1_612_173_780)),
        ("2021-01-01 07:59:59", CHINA, Some(1_609_459_199)), // still the year before in UTC
        ("0001-01-01 00:00:00", CHINA, None),
        ("0000-00-00 00:00:00", CHINA, None),
        ("1970-01-01 08:00:00", CHINA, None),
        ("2021-02-30 00:00:00", CHINA, None),
        ("2021-01-14", CHINA, None),
        ("2021-01-14 14:43:38 and more", CHINA, None),
        ("1610606618", CHINA, None),
        ("yesterday", CHINA, None),
        ("", CHINA, None),
        ("9999-12-31 23:59:59", Offset::constant(-12), None),
    ] {
        assert_eq!(created(text, offset), expected, "{text} at {offset}");
    }
}

/// Deep nesting anywhere must cause a failure, not a stack overflow.
#[test]
fn deep_nesting_is_malformed() {
    const DEPTH: usize = 1_000_000;
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = r#"{"a":"#.repeat(DEPTH);
    for bomb in [
        open.clone(),
        format!("{open}{close}"),
        objects.clone(),
        format!(r#"{{"Response":{open}"#),
        format!(r#"{{"Response":{{"Tracks":{open}{close},"TotalCount":1}}}}"#),
        format!(r#"{{"Response":{{"Error":{objects}"#),
    ] {
        let failed = parse(&bomb).expect_err("a bomb");
        let (WireError::NotJson(failure) | WireError::Api(failure)) = failed;
        assert_eq!(failure.reason, Reason::Malformed);
        assert!(failure.message.len() < 200, "{failure}");
    }
    // In an unknown field, it is skipped like any other value, or refused.
    let ignored = format!(r#"{{"Response":{{"Later":{open}{close},"TotalCount":0}}}}"#);
    match parse(&ignored) {
        Ok(page) => assert_eq!(page.total, 0),
        Err(error) => assert!(matches!(error, WireError::NotJson(_)), "{error:?}"),
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_page(&bytes, CHINA);
    }

    /// A real response with a range of bytes overwritten. If it still parses, it has gained no
    /// track.
    #[test]
    fn damaged_responses_cause_no_panic(
        at in 0..DOCUMENTED.len(),
        damage in prop::collection::vec(any::<u8>(), 1..6),
    ) {
        let mut body = DOCUMENTED.as_bytes().to_vec();
        let end = (at + damage.len()).min(body.len());
        body.splice(at..end, damage);
        if let Ok(page) = parse_page(&body, CHINA) {
            prop_assert!(page.total == 0 || page.tracks.len() <= 1);
        }
    }
}
