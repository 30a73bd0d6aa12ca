//! Query strings are read, written and refused.

use super::*;
use crate::http::filter_values::states;

#[test]
fn what_is_read_is_written_again() {
    for text in [
        "?",
        "?account=a%26b&account=%E6%94%AF&region=ap-guangzhou",
        "?status=disabled&sort=track&order=desc&rows=5&page.off=2&page=3",
    ] {
        let query = Query::parse(&text[1..]).unwrap();
        assert_eq!(query.with(|_| ()), text);
    }
    let query = Query::parse("account=&page=2&rows=10&status=enabled&status=unknown").unwrap();
    assert!(query.matches("account", "any") && query.matches("status", "unknown"));
    assert!(!query.matches("status", "disabled"));
    let by_track = Query::parse("track=7&track=audit").unwrap();
    assert!(by_track.matches_track(7, "other") && by_track.matches_track(1, "audit"));
    assert!(!by_track.matches_track(1, "other"));
    assert_eq!(
        (
            query.row_range(15),
            query.row_range(5),
            query.page_count(15)
        ),
        (10..15, 5..5, 2)
    );
}

#[test]
fn since_is_the_earliest_of_its_times() {
    let day = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    for text in [
        "since=1767225600",
        "since=1767225600.0&since=1767225601",
        "since=2026-01-01T00:00:00Z",
        "since=2026-01-01T08:00:00%2B08:00",
        "since=2026-01-01T08:00:00+08:00",
    ] {
        let query = Query::parse(text).unwrap();
        assert!(query.is_since(day(1_767_225_600)), "{text}");
        assert!(!query.is_since(day(1_767_225_599)), "{text}");
    }
    assert!(Query::default().is_since(UNIX_EPOCH));
}

#[test]
fn what_is_not_understood_is_said() {
    for (text, said) in [
        ("acount=a", "no such parameter; there are account, region,"),
        ("sort=age", "sort: allowed are account, region,"),
        ("order=up", "order: allowed are asc, desc"),
        ("page=0", "page: a number from 1 to 1000000 is allowed"),
        (
            "page=1000001",
            "page: a number from 1 to 1000000 is allowed",
        ),
        (
            "page.off=0",
            "page.off: a number from 1 to 1000000 is allowed",
        ),
        ("page.Off=1", "page of a section: allowed are off, deleted,"),
        (
            "state=off",
            "state: allowed are failing, stale, waiting, up",
        ),
        (
            "status=on",
            "status: allowed are enabled, disabled, unknown, vanished",
        ),
        (
            "change=off",
            "change: allowed are created, vanished, enabled,",
        ),
        (
            "result=sure",
            "result: allowed are certain, candidate, pending, not_found,",
        ),
        (
            "since=yesterday",
            "since: allowed are Unix seconds and a time of RFC 3339",
        ),
        ("since=-1", "since: allowed"),
        ("since=nan", "since: allowed"),
        ("since=1e300", "since: allowed"),
        ("since=2026-01-31", "since: allowed"),
        (
            "storage_type=tape",
            "storage_type: allowed are cos, cls, ckafka, other",
        ),
        ("rows=10001", "rows: a number from 1 to 10000 is allowed"),
        ("rows=-1", "rows: a number"),
    ] {
        let query = Query::parse(text);
        let query = query.and_then(|query| query.with_states(&states()));
        let why = query.unwrap_err();
        assert!(why.starts_with(said), "{why}");
    }
    assert!(Query::parse(&"account=a&".repeat(65)).is_err());
}
