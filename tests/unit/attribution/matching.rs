//! The rule.

use std::slice;

use cloudaudit_exporter::attribution::attribute;
use cloudaudit_exporter::snapshot::AttributionResult::{Candidate, Certain, NotFound};
use cloudaudit_exporter::snapshot::{
    AttributionResult, Change, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
};

use super::{at, change, ended, field, modify, of, off, on, operation, shown, switch};

fn check(
    change: &ChangeRecord,
    records: &[OperationRecord],
    expected: AttributionResult,
    ids: &[&str],
) {
    for skew in [0, 3_600, -3_600] {
        let shift = |time: std::time::SystemTime| {
            let by = std::time::Duration::from_secs(u64::from(skew != 0) * 3_600);
            if skew > 0 { time - by } else { time + by }
        };
        let mut local = change.clone();
        local.seen = shift(local.seen);
        local.previous = local.previous.map(shift);
        let mut reversed = records.to_vec();
        reversed.reverse();
        for records in [records, &reversed] {
            let found = attribute(&local, records, true, skew);
            assert_eq!(shown(&found), (expected, ids.to_vec()), "skew {skew}");
        }
    }
}

fn disabled() -> ChangeRecord {
    change(Change::Disabled, 1_000)
}

#[test]
fn success_id_and_effect_are_certain() {
    check(&disabled(), &[off("a", 970)], Certain, &["a"]);
    check(
        &change(Change::Enabled, 1_000),
        &[on("a", 970)],
        Certain,
        &["a"],
    );
    let deletion = operation("a", "DeleteAuditTrack", 970);
    check(
        &change(Change::Vanished, 1_000),
        &[deletion],
        Certain,
        &["a"],
    );
    for event in ["CreateAuditTrack", "CreateEventsAuditTrack"] {
        let creation = operation("a", event, 970);
        check(
            &change(Change::Created, 1_000),
            &[creation],
            Certain,
            &["a"],
        );
    }
}

#[test]
fn names_are_compared_without_case() {
    for event in ["MODIFYAUDITTRACK", "modifyEventsAuditTrack"] {
        let mut record = off("a", 970);
        record.operation.event_name = event.to_owned();
        check(&disabled(), &[record], Certain, &["a"]);
    }
}

#[test]
fn an_attempt_without_success_is_never_the_cause() {
    for outcome in [Outcome::Denied, Outcome::Failed] {
        let attempt = ended(outcome, off("attempt", 965));
        check(&disabled(), slice::from_ref(&attempt), NotFound, &[]);
        check(
            &disabled(),
            &[attempt.clone(), off("a", 970)],
            Certain,
            &["a"],
        );
        let unnamed = of(TrackRef::Unnamed, attempt);
        check(&disabled(), &[unnamed], NotFound, &[]);
    }
}

#[test]
fn another_track_is_never_named() {
    for other in [TrackRef::Id(42), TrackRef::Name("audit-other".to_owned())] {
        check(
            &disabled(),
            &[of(other.clone(), off("b", 970))],
            NotFound,
            &[],
        );
        check(
            &disabled(),
            &[of(other, off("b", 980)), off("a", 970)],
            Certain,
            &["a"],
        );
    }
}

#[test]
fn another_effect_is_never_named() {
    for record in [
        on("b", 970),
        switch("b", SentStatus::Absent, 970),
        operation("b", "DeleteAuditTrack", 970),
        operation("b", "CreateAuditTrack", 970),
        operation("b", "StartLogging", 970),
        operation("b", "DescribeAuditTracks", 970),
    ] {
        check(&disabled(), &[record], NotFound, &[]);
    }
}

#[test]
fn without_an_id_it_is_a_candidate() {
    let name = TrackRef::Name("audit-all".to_owned());
    for track in [TrackRef::Unnamed, name.clone()] {
        check(&disabled(), &[of(track, off("b", 970))], Candidate, &["b"]);
    }
    // A legacy operation knows only the name, and names are not unique.
    let legacy = of(name, operation("b", "StopLogging", 970));
    check(&disabled(), &[legacy], Candidate, &["b"]);
    let unparsable = of(TrackRef::Unnamed, switch("b", SentStatus::Unknown, 970));
    check(&disabled(), slice::from_ref(&unparsable), Candidate, &["b"]);
    // The one that names the track outranks it.
    check(&disabled(), &[unparsable, off("a", 960)], Certain, &["a"]);
}

#[test]
fn an_unknown_status_of_the_right_track_is_a_candidate() {
    let masked = switch("b", SentStatus::Unknown, 970);
    check(&disabled(), slice::from_ref(&masked), Candidate, &["b"]);
    check(
        &disabled(),
        &[masked, off("a", 960)],
        Candidate,
        &["b", "a"],
    );
}

#[test]
fn several_are_candidates_newest_first() {
    let records = [off("a", 950), off("d", 985), off("b", 960), off("c", 980)];
    check(&disabled(), &records, Candidate, &["d", "c", "b"]);
}

#[test]
fn of_off_on_off_the_last_one_is_the_cause() {
    let records = [off("a", 950), on("b", 960), off("c", 970)];
    check(&disabled(), &records, Certain, &["c"]);
    // In one second the order is unknown.
    let records = [off("a", 950), on("b", 970), off("c", 970)];
    check(&disabled(), &records, Certain, &["c"]);
    let records = [off("a", 970), on("b", 970), off("c", 970)];
    for (records, ids) in [(&records[..], vec!["a", "c"]), (&records[1..], vec!["c"])] {
        let found = attribute(&disabled(), records, true, 0);
        let expected = if ids.len() == 1 { Certain } else { Candidate };
        assert_eq!(shown(&found), (expected, ids));
    }
}

#[test]
fn what_comes_after_the_poll_undoes_nothing() {
    check(
        &disabled(),
        &[off("a", 970), on("b", 1_020)],
        Certain,
        &["a"],
    );
    // What was undone before the poll is not what the poll saw.
    check(&disabled(), &[off("a", 930), on("b", 950)], NotFound, &[]);
    // Unless the poll was under way.
    check(&disabled(), &[off("a", 970), on("b", 999)], Certain, &["a"]);
}

#[test]
fn the_period_ends_around_the_two_polls() {
    // The polls are at 940 and 1000.
    for (seconds, expected) in [
        (819, NotFound),
        (820, Certain),
        (939, Certain),
        (1_060, Certain),
        (1_061, NotFound),
    ] {
        let ids: &[&str] = if expected == Certain { &["a"] } else { &[] };
        check(&disabled(), &[off("a", seconds)], expected, ids);
    }
    // Without an id, only near the polls.
    for (seconds, expected) in [
        (929, NotFound),
        (930, Candidate),
        (1_010, Candidate),
        (1_011, NotFound),
    ] {
        let ids: &[&str] = if expected == Candidate { &["a"] } else { &[] };
        check(
            &disabled(),
            &[of(TrackRef::Unnamed, off("a", seconds))],
            expected,
            ids,
        );
    }
}

#[test]
fn an_operation_between_the_polls_outranks_one_far_before() {
    check(
        &disabled(),
        &[off("old", 850), off("a", 970)],
        Certain,
        &["a"],
    );
    check(
        &disabled(),
        &[off("old", 935), off("a", 970)],
        Candidate,
        &["a", "old"],
    );
}

#[test]
fn without_a_previous_poll_any_earlier_operation_fits() {
    let mut first = disabled();
    first.previous = None;
    check(&first, &[off("a", 10)], Certain, &["a"]);
}

#[test]
fn incomplete_records_prove_nothing() {
    let found = attribute(&disabled(), &[off("a", 970)], false, 0);
    assert_eq!(shown(&found), (Candidate, vec!["a"]));
}

#[test]
fn a_modification_needs_the_settings_that_differ() {
    let mut modified = change(Change::Modified, 1_000);
    modified.fields = vec![
        field("Name", "old", "audit-all"),
        field("StoragePrefix", "a", "b"),
    ];
    let both = [("Name", Some("audit-all")), ("StoragePrefix", Some("b"))];
    check(&modified, &[modify("a", &both, 970)], Certain, &["a"]);
    check(
        &modified,
        &[modify("a", &both[..1], 970)],
        Candidate,
        &["a"],
    );
    let uncompared = [("Name", None), ("StoragePrefix", None)];
    check(&modified, &[modify("a", &uncompared, 970)], Certain, &["a"]);
    // Only a status, or another value.
    check(&modified, &[off("a", 970)], NotFound, &[]);
    check(
        &modified,
        &[modify("a", &[("Name", Some("third"))], 970)],
        NotFound,
        &[],
    );
    // Two operations made it, a half each.
    let halves = [modify("a", &both[..1], 960), modify("b", &both[1..], 970)];
    check(&modified, &halves, Candidate, &["b", "a"]);
    // The first rename was replaced by the second one.
    let renames = [
        modify("a", &[("Name", Some("third"))], 960),
        modify("b", &both, 970),
    ];
    check(&modified, &renames, Certain, &["b"]);
    // The old name is one of the track.
    let legacy = of(
        TrackRef::Name("old".to_owned()),
        operation("c", "UpdateAudit", 970),
    );
    check(&modified, &[legacy], Candidate, &["c"]);
}

#[test]
fn the_owner_of_the_storage_comes_with_its_name() {
    let mut modified = change(Change::Modified, 1_000);
    modified.fields = vec![
        field("StorageName", "a", "b"),
        field("StorageAccountId", "1", "2"),
    ];
    let record = modify("a", &[("StorageName", Some("b"))], 970);
    check(&modified, &[record], Certain, &["a"]);
}

#[test]
fn nothing_is_nothing() {
    check(&disabled(), &[], NotFound, &[]);
    assert!(at(0) < at(1));
}
