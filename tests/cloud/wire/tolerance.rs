//! Slightly malformed responses: other types of a value are converted, unreadable descriptive
//! fields never fail a page, and unreadable fields claim nothing.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::Status;
use cloudaudit_exporter::tencent::wire::{MAX_KEPT_EVENT_NAMES, Page, WireError, parse_page};
use proptest::prelude::*;

use super::{CHINA, parse, refused, track};

/// Parses a page of one track that has these fields in addition to its id.
fn page_of(fields: &[u8]) -> Page {
    let body = [
        br#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":7,"#,
        fields,
        b"}]}}",
    ]
    .concat();
    match parse_page(&body, CHINA) {
        Ok(page) => page,
        Err(error) => panic!("{}: {error:?}", String::from_utf8_lossy(&body)),
    }
}

#[test]
fn integers_may_be_text_or_have_an_empty_fraction() {
    for (one, zero) in [
        ("1", "0"),
        (r#""1""#, r#""0""#),
        ("1.0", "0.0"),
        (r#""1.0""#, r#""0.0""#),
        ("1e0", "0e0"),
        (r#"" 1 ""#, r#""-0""#),
        (r#""1E0""#, "-0"),
        ("10e-1", "-0.0"),
    ] {
        assert_eq!(
            track(&format!(r#","Status":{one}"#)).status,
            Status::Enabled,
            "{one}"
        );
        assert_eq!(
            track(&format!(r#","Status":{zero}"#)).status,
            Status::Disabled,
            "{zero}"
        );
        let page = parse(&format!(
            r#"{{"Response":{{"TotalCount":{one},"Tracks":[{{"TrackId":{zero}}}]}}}}"#
        ));
        let page = page.unwrap();
        assert_eq!((page.total, page.tracks[0].id), (1, 0), "{one} {zero}");
        assert_eq!(page.unreadable, [""; 0]);
    }
    let large = parse(r#"{"Response":{"TotalCount":"18446744073709551615","Tracks":[]}}"#);
    assert_eq!(large.unwrap().total, u64::MAX);
}

#[test]
fn a_status_that_is_not_an_integer_is_unknown_and_noted() {
    for (status, found) in [
        ("true", "true or false"),
        ("-1", "a negative number"),
        ("1.5", "a number that is not whole or too large"),
        ("1e400", "text"),
        (
            "99999999999999999999999999",
            "a number that is not whole or too large",
        ),
        (r#""on""#, "text"),
        (r#""""#, "text"),
        (r#""0x1""#, "text"),
        (r#""inf""#, "text"),
        (r#""NaN""#, "text"),
        ("[1]", "a list"),
        (r#"{"Status":1}"#, "an object"),
    ] {
        let page = page_of(format!(r#""Status":{status}"#).as_bytes());
        assert_eq!(page.tracks[0].status, Status::Unknown, "{status}");
        let note = format!("Tracks[0].Status: expected a whole number, found {found}");
        assert_eq!(page.unreadable, [note], "{status}");
    }
    let null = page_of(br#""Status":null"#);
    assert_eq!(
        (null.tracks[0].status, null.unreadable.len()),
        (Status::Unknown, 0)
    );
}

#[test]
fn an_id_or_a_total_that_is_not_an_integer_is_malformed_and_names_the_place() {
    for (body, message) in [
        (
            r#"{"TotalCount":2,"Tracks":[{"TrackId":1},{"TrackId":[]}]}"#,
            "Tracks[1].TrackId: expected a whole number, found a list",
        ),
        (
            r#"{"TotalCount":2,"Tracks":[{"TrackId":1},{"TrackId":"secret"}]}"#,
            "Tracks[1].TrackId: expected a whole number, found text",
        ),
        (
            r#"{"TotalCount":-3,"Tracks":[]}"#,
            "TotalCount: expected a whole number, found a negative number",
        ),
        (
            r#"{"TotalCount":1e400,"Tracks":[]}"#,
            "TotalCount: expected a whole number, found text",
        ),
        (
            r#"{"TotalCount":2,"Tracks":[{"TrackId":1},"secret"]}"#,
            "Tracks[1]: expected an object, found text",
        ),
        (
            r#"{"TotalCount":1,"Tracks":7}"#,
            "Tracks: expected a list, found a number",
        ),
        ("7", "Response: expected an object, found a number"),
    ] {
        let failure = refused(&format!(r#"{{"Response":{body}}}"#));
        assert_eq!(failure.reason, Reason::Malformed, "{body}");
        let expected = format!("unexpected response format: {message}");
        assert_eq!(failure.message, expected, "{body}");
    }
}

#[test]
fn descriptive_fields_are_read_as_text_if_possible() {
    for (number, text) in [
        ("100000000009", "100000000009"),
        ("-7", "-7"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("99999999999999999999999999", "99999999999999999999999999"),
        ("1e400", "1e400"),
    ] {
        let odd = track(&format!(
            r#","Name":{number},"ActionType":{number},"ResourceType":{number},"EventNames":{number},"CreateTime":{number},
            "Storage":{{"StorageType":{number},"StorageRegion":{number},"StorageName":{number},"StoragePrefix":{number},
            "StorageAccountId":{number}}}"#
        ));
        let storage = &odd.storage;
        for read in [
            &odd.name,
            &odd.action_type,
            &odd.resource_type,
            &odd.event_names[0],
            &storage.kind,
            &storage.region,
            &storage.name,
            &storage.prefix,
            &storage.account,
        ] {
            assert_eq!(read, text);
        }
        assert_eq!((odd.created, odd.event_names.len()), (None, 1));
    }
    assert_eq!(track(r#","EventNames":"*""#).event_names, ["*"]);
    assert_eq!(track(r#","EventNames":["a",7]"#).event_names, ["a", "7"]);
}

#[test]
fn unreadable_descriptive_fields_are_absent_and_noted() {
    let page = page_of(
        br#""Name":{},"ActionType":true,"ResourceType":[],"EventNames":{},"CreateTime":[],
            "Storage":{"StorageName":[],"StorageAccountId":{"a":[1]}},"Status":1"#,
    );
    let track = &page.tracks[0];
    assert_eq!(track.status, Status::Enabled, "the track is kept");
    assert_eq!((&*track.name, &*track.storage.account), ("", ""));
    assert_eq!(page.unreadable.len(), 7);
    let note = "Tracks[0].Storage.StorageAccountId: expected text, found an object";
    assert!(
        page.unreadable.contains(&note.to_owned()),
        "{:?}",
        page.unreadable
    );
    for storage in ["7", r#""cos""#, r#"["cos","","","",""]"#, "true"] {
        let page = page_of(format!(r#""Storage":{storage}"#).as_bytes());
        assert_eq!(
            page.tracks[0].storage,
            super::Storage::default(),
            "{storage}"
        );
        assert_eq!(page.unreadable.len(), 1, "{storage}");
    }
}

/// Claiming full coverage and claiming a gap could both be wrong.
#[test]
fn unreadable_fields_leave_the_coverage_unknown() {
    const ALL: &str = r#","ActionType":"*","ResourceType":"*","EventNames":["*"]"#;
    assert_eq!(track(ALL).has_full_coverage(), Some(true));
    for (field, broken) in [
        (r#""ActionType":"*""#, r#""ActionType":{}"#),
        (r#""ResourceType":"*""#, r#""ResourceType":[]"#),
        (r#""EventNames":["*"]"#, r#""EventNames":{}"#),
        (r#""EventNames":["*"]"#, r#""EventNames":["a",{}]"#),
        (r#""EventNames":["*"]"#, r#""EventNames":["a",null]"#),
    ] {
        let track = track(&ALL.replace(field, broken));
        assert_eq!(track.has_full_coverage(), None, "{broken}");
    }
    let gap = track(&ALL.replace(r#"["*"]"#, r#"[{},"*"]"#));
    assert_eq!(
        gap.has_full_coverage(),
        Some(true),
        "`*` covers every event"
    );
}

#[test]
fn unneeded_fields_never_fail_a_response() {
    for request_id in [
        "7",
        "7.5",
        "[]",
        "{}",
        "true",
        "null",
        r#""\ud800""#,
        r#""a","RequestId":"b""#,
    ] {
        let body = format!(r#"{{"Response":{{"TotalCount":0,"RequestId":{request_id}}}}}"#);
        assert_eq!(parse(&body).unwrap().total, 0, "{request_id}");
        let body = format!(
            r#"{{"Response":{{"RequestId":{request_id},"Error":{{"Code":"UnauthorizedOperation","Message":"no"}}}}}}"#
        );
        assert_eq!(refused(&body).code, "UnauthorizedOperation", "{request_id}");
    }
    let body =
        r#"{"Response":{"RequestId":7,"Error":{"Code":"UnauthorizedOperation","Message":{}}}}"#;
    let failure = refused(body);
    assert_eq!(
        (&*failure.code, failure.request_id.as_deref()),
        ("UnauthorizedOperation", Some("7"))
    );
    // The error counts, regardless of other fields.
    let body =
        r#"{"Response":{"Tracks":7,"TotalCount":{},"Error":{"Code":"UnauthorizedOperation"}}}"#;
    assert_eq!(refused(body).code, "UnauthorizedOperation");
}

/// A response with a duplicate field is ambiguous, so it is rejected.
#[test]
fn a_duplicate_field_is_malformed() {
    for (fields, twice) in [
        (
            r#""Status":0,"Status":1"#,
            "Tracks[0]: duplicate field Status",
        ),
        (r#""TrackId":8"#, "Tracks[0]: duplicate field TrackId"),
        (
            r#""Storage":{"StorageName":"a","StorageName":"b"}"#,
            "Tracks[0].Storage: duplicate field StorageName",
        ),
    ] {
        let body =
            format!(r#"{{"Response":{{"TotalCount":1,"Tracks":[{{"TrackId":7,{fields}}}]}}}}"#);
        let failure = refused(&body);
        assert_eq!(failure.reason, Reason::Malformed);
        assert!(failure.message.ends_with(twice), "{failure}");
    }
    let body = r#"{"Response":{"TotalCount":0,"Error":{"Code":"InternalError"},"Error":{"Code":"UnauthorizedOperation"}}}"#;
    assert_eq!(
        refused(body).code,
        "UnauthorizedOperation",
        "no error is lost"
    );
}

#[test]
fn broken_text_affects_only_its_own_field() {
    for (broken, read) in [
        (&br"a\ud800b"[..], "a\u{fffd}b"),
        (br"a\udc00b", "a\u{fffd}b"),
        (br"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (br"\ud83d\ude00", "\u{1f600}"),
        (b"caf\xe9", "caf\u{fffd}"),
        (b"\xe5\xae", "\u{fffd}"),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"a\x00b\x1fc", "a\u{fffd}b\u{fffd}c"),
        (b"a\nb", "a\u{fffd}b"),
        (br"a\qb", "a\u{fffd}qb"),
        (br"a\u12", "a\u{fffd}u12"),
        (br#"\\\"\ud800"#, "\\\"\u{fffd}"),
    ] {
        let field = |name: &str| [b"\"", name.as_bytes(), b"\":\"", broken, b"\""].concat();
        let fields = [
            &field("Name")[..],
            b",",
            br#""Status":1,"ResourceType":"*""#,
        ]
        .concat();
        let track = &page_of(&fields).tracks[0];
        assert_eq!(track.name, read);
        assert_eq!(
            (track.status, &*track.resource_type),
            (Status::Enabled, "*")
        );

        let error = [
            br#"{"Response":{"Error":{"Code":"UnauthorizedOperation","#,
            &field("Message")[..],
            br#"},"RequestId":"r"}}"#,
        ]
        .concat();
        match parse_page(&error, CHINA) {
            Err(WireError::Api(failure)) => {
                assert_eq!(failure.code, "UnauthorizedOperation");
                assert_eq!(failure.request_id.as_deref(), Some("r"));
            }
            other => panic!("{other:?}"),
        }
    }
    let mark = b"\xef\xbb\xbf{\"Response\":{\"TotalCount\":0}}";
    assert_eq!(parse_page(mark, CHINA).unwrap().total, 0);
}

#[test]
fn many_event_names_are_kept_small_and_still_differ() {
    let names = |count: usize, last: &str| {
        let mut names: Vec<String> = (1..count).map(|n| format!(r#""Event{n:03}""#)).collect();
        names.push(format!("{last:?}"));
        track(&format!(r#","EventNames":[{}]"#, names.join(",")))
    };
    let few = names(MAX_KEPT_EVENT_NAMES, "last");
    assert_eq!(few.event_names.len(), MAX_KEPT_EVENT_NAMES);
    assert_eq!(few.event_names[0], "Event001");
    let many = names(100, "last");
    assert_eq!(many.event_names.len(), MAX_KEPT_EVENT_NAMES + 1);
    let rest = many.event_names.last().unwrap();
    assert!(rest.starts_with("…and 80 more ("), "{rest}");
    assert_ne!(many, names(100, "other"), "different lists differ");
    assert_eq!(many, names(100, "last"), "equal lists are equal");
    let all = names(100, "*");
    assert_eq!(all.event_names[0], "*");
    let text = |length: usize| format!(r#","EventNames":["{}","b"]"#, "a".repeat(length));
    assert_eq!(track(&text(1_000)).event_names.len(), 2);
    let long = track(&text(1_024)).event_names;
    assert!(long[1].starts_with("…and 1 more ("), "{long:?}");
}

/// Generates responses that are full of what the repair of JSON has to handle.
fn odd_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"\""[..],
        b"\\",
        b"\\u",
        b"d800",
        b"\\ud83d",
        b"\\ude00",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"1",
        b"1.5",
        b"-",
        b"1e999",
        b"\xff",
        b"\xe5",
        b"\x00",
        b"a",
        b"\xef\xbb\xbf",
        b"Response",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn odd_bytes_cause_no_panic(inside in odd_bytes()) {
        let _ = parse_page(&inside, CHINA);
        let body = [&br#"{"Response":{"TotalCount":1,"Tracks":[{"TrackId":1,"Name":"#[..], &inside, b"}]}}"].concat();
        let _ = parse_page(&body, CHINA);
    }

    /// Text of any bytes, except quotes and backslashes, affects only its own field.
    #[test]
    fn any_bytes_in_a_text_leave_other_fields_intact(
        bytes in prop::collection::vec(any::<u8>().prop_filter("plain", |b| !b"\"\\".contains(b)), 0..60),
    ) {
        let fields = [&b"\"Name\":\""[..], &bytes, b"\",\"Status\":1"].concat();
        let page = page_of(&fields);
        prop_assert_eq!(page.tracks[0].status, Status::Enabled);
        let expected: String = String::from_utf8_lossy(&bytes)
            .chars()
            .map(|c| if c < ' ' { '\u{fffd}' } else { c })
            .collect();
        prop_assert_eq!(&page.tracks[0].name, &expected);
    }
}
