//! The rule that matches operations to a change.

use std::slice;
use std::time::Duration;

use cloudaudit_exporter::attribution::attribute;
use cloudaudit_exporter::snapshot::AttributionResult::{Candidate, Certain, NotFound};
use cloudaudit_exporter::snapshot::{
    AttributionResult, ChangeKind, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
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
            let by = Duration::from_secs(u64::from(skew != 0) * 3_600);
            if skew > 0 { time - by } else { time + by }
        };
        let mut local = change.clone();
        local.seen = shift(local.seen);
        local.previous = local.previous.map(shift);
        let mut reversed = records.to_vec();
        reversed.reverse();
        for records in [records, &reversed] {
            let found = attribute(&local, &[], records, true, skew);
            assert_eq!(shown(&found), (expected, ids.to_vec()), "skew {skew}");
        }
    }
}

fn disabled() -> ChangeRecord {
    change(ChangeKind::Disabled, 1_000)
}

#[test]
fn a_successful_operation_with_the_id_and_the_effect_is_certain() {
    check(&disabled(), &[off("a", 970)], Certain, &["a"]);
    check(
        &change(ChangeKind::Enabled, 1_000),
        &[on("a", 970)],
        Certain,
        &["a"],
    );
    let deletion = operation("a", "DeleteAuditTrack", 970);
    check(
        &change(ChangeKind::Vanished, 1_000),
        &[deletion],
        Certain,
        &["a"],
    );
    for event in ["CreateAuditTrack", "CreateEventsAuditTrack"] {
        let creation = operation("a", event, 970);
        check(
            &change(ChangeKind::Created, 1_000),
            &[creation],
            Certain,
            &["a"],
        );
    }
}

#[test]
fn event_names_are_compared_case_insensitively() {
    for event in ["MODIFYAUDITTRACK", "modifyEventsAuditTrack"] {
        let mut record = off("a", 970);
        record.operation.event_name = event.to_owned();
        check(&disabled(), &[record], Certain, &["a"]);
    }
}

#[test]
fn a_failed_operation_is_never_the_cause() {
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
fn an_operation_on_another_track_is_never_named() {
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
fn an_operation_with_another_effect_is_never_named() {
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
fn an_operation_without_a_track_id_is_a_candidate() {
    let name = TrackRef::Name("audit-all".to_owned());
    for track in [TrackRef::Unnamed, name.clone()] {
        check(&disabled(), &[of(track, off("b", 970))], Candidate, &["b"]);
    }
    // A legacy operation contains only the name, and names are not unique.
    let legacy = of(name, operation("b", "StopLogging", 970));
    check(&disabled(), &[legacy], Candidate, &["b"]);
    let unparsable = of(TrackRef::Unnamed, switch("b", SentStatus::Unknown, 970));
    check(&disabled(), slice::from_ref(&unparsable), Candidate, &["b"]);
    // An operation with the track's id comes first.
    let both = [unparsable, off("a", 960)];
    check(&disabled(), &both, Candidate, &["a", "b"]);
}

fn legacy(id: &str, event: &str, track: TrackRef, seconds: u64) -> OperationRecord {
    of(track, operation(id, event, seconds))
}

/// A certain operator is a lie if another operation may have made the change: bob may have undone what
/// alice did, and mallory may have switched the track off again.
#[test]
fn an_operation_without_an_id_takes_certainty_away_if_it_may_be_the_cause() {
    let name = TrackRef::Name("audit-all".to_owned());
    for track in [name, TrackRef::Unnamed] {
        let stop = |seconds| legacy("mallory", "StopLogging", track.clone(), seconds);
        let start = |seconds| legacy("bob", "StartLogging", track.clone(), seconds);
        let alice = || off("alice", 950);
        let all = [alice(), start(960), stop(970)];
        check(&disabled(), &all, Candidate, &["alice", "mallory"]);
        for seconds in [930, 949, 950, 951, 1_010] {
            let both = [alice(), stop(seconds)];
            check(&disabled(), &both, Candidate, &["alice", "mallory"]);
        }
        // Undone, so an operation without a record must have made the change.
        for seconds in [950, 951, 998] {
            check(
                &disabled(),
                &[alice(), start(seconds)],
                Candidate,
                &["alice"],
            );
        }
        // Before the operation, after the poll began, or too far away.
        for seconds in [949, 999] {
            check(&disabled(), &[alice(), start(seconds)], Certain, &["alice"]);
        }
        for seconds in [929, 1_011] {
            check(&disabled(), &[alice(), stop(seconds)], Certain, &["alice"]);
        }
        // A later operation that names the id undid it.
        let undone = [stop(940), on("b", 945), alice()];
        check(&disabled(), &undone, Certain, &["alice"]);
        check(&disabled(), &undone[..2], NotFound, &[]);
    }
}

/// The records of other tracks and failed attempts say nothing of this track.
#[test]
fn an_operation_that_cannot_be_the_cause_takes_no_certainty_away() {
    for other in [TrackRef::Id(42), TrackRef::Name("audit-other".to_owned())] {
        let others = [
            off("a", 950),
            legacy("b", "StartLogging", other.clone(), 960),
            legacy("c", "StopLogging", other, 970),
        ];
        check(&disabled(), &others, Certain, &["a"]);
    }
    let attempt = legacy("b", "StopLogging", TrackRef::Unnamed, 970);
    let attempt = ended(Outcome::Denied, attempt);
    check(&disabled(), &[off("a", 950), attempt], Certain, &["a"]);
    let elsewhere = legacy("b", "CreateAudit", TrackRef::Unnamed, 970);
    check(&disabled(), &[off("a", 950), elsewhere], Certain, &["a"]);
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
fn several_matching_operations_are_candidates_newest_first() {
    let records = [off("a", 950), off("d", 985), off("b", 960), off("c", 980)];
    check(&disabled(), &records, Candidate, &["d", "c", "b"]);
}

#[test]
fn after_off_on_off_the_last_operation_is_the_cause() {
    let records = [off("a", 950), on("b", 960), off("c", 970)];
    check(&disabled(), &records, Certain, &["c"]);
    // The order within one second is unknown.
    let records = [off("a", 950), on("b", 970), off("c", 970)];
    check(&disabled(), &records, Certain, &["c"]);
    let records = [off("a", 970), on("b", 970), off("c", 970)];
    for (records, ids) in [(&records[..], vec!["a", "c"]), (&records[1..], vec!["c"])] {
        let found = attribute(&disabled(), &[], records, true, 0);
        let expected = if ids.len() == 1 { Certain } else { Candidate };
        assert_eq!(shown(&found), (expected, ids));
    }
}

#[test]
fn an_operation_after_the_poll_does_not_undo_the_cause() {
    check(
        &disabled(),
        &[off("a", 970), on("b", 1_020)],
        Certain,
        &["a"],
    );
    // An operation that was undone before the poll is not the cause.
    check(&disabled(), &[off("a", 930), on("b", 950)], NotFound, &[]);
    // It may be the cause if it was undone while the poll was running.
    check(&disabled(), &[off("a", 970), on("b", 999)], Certain, &["a"]);
}

#[test]
fn only_operations_near_the_two_polls_match() {
    // The polls are at 940 and 1000. An operation before or after both is the cause only if the clocks
    // differ.
    for (seconds, expected) in [
        (819, NotFound),
        (820, Candidate),
        (929, Candidate),
        (930, Certain),
        (1_010, Certain),
        (1_011, Candidate),
        (1_060, Candidate),
        (1_061, NotFound),
    ] {
        let ids: &[&str] = if expected == NotFound { &[] } else { &["a"] };
        check(&disabled(), &[off("a", seconds)], expected, ids);
    }
    // Without an id, the tolerance is ten seconds.
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
fn several_that_fit_are_candidates_however_far_from_the_polls() {
    for old in [850, 929] {
        let records = [off("old", old), off("a", 970)];
        check(&disabled(), &records, Candidate, &["a", "old"]);
    }
    let records = [off("a", 970), off("later", 1_050)];
    check(&disabled(), &records, Candidate, &["later", "a"]);
    check(
        &disabled(),
        &[off("old", 935), off("a", 970)],
        Candidate,
        &["a", "old"],
    );
}

/// The poll of 1000 began at 985, and may have read the track at any time since.
#[test]
fn a_poll_that_takes_long_reads_at_an_unknown_time() {
    let mut slow = disabled();
    slow.took = Duration::from_secs(15);
    let again = [off("a", 970), on("b", 988)];
    check(&slow, &again, Certain, &["a"]);
    let twice = [off("a", 970), on("b", 988), off("c", 995)];
    check(&slow, &twice, Candidate, &["c", "a"]);
    let undone = [off("a", 970), on("b", 980), off("c", 995)];
    check(&slow, &undone, Certain, &["c"]);
    check(&slow, &undone[..2], NotFound, &[]);
}

#[test]
fn without_a_previous_poll_any_earlier_operation_matches() {
    let mut first = disabled();
    first.previous = None;
    check(&first, &[off("a", 10)], Certain, &["a"]);
}

#[test]
fn incomplete_records_yield_only_candidates() {
    let found = attribute(&disabled(), &[], &[off("a", 970)], false, 0);
    assert_eq!(shown(&found), (Candidate, vec!["a"]));
}

#[test]
fn a_modification_must_send_the_settings_that_differ() {
    let mut modified = change(ChangeKind::Modified, 1_000);
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
    // An operation that sends only a status, or another value, does not match.
    check(&modified, &[off("a", 970)], NotFound, &[]);
    check(
        &modified,
        &[modify("a", &[("Name", Some("third"))], 970)],
        NotFound,
        &[],
    );
    // Two operations made half of the change each.
    let halves = [modify("a", &both[..1], 960), modify("b", &both[1..], 970)];
    check(&modified, &halves, Candidate, &["b", "a"]);
    // The second rename replaced the first one.
    let renames = [
        modify("a", &[("Name", Some("third"))], 960),
        modify("b", &both, 970),
    ];
    check(&modified, &renames, Certain, &["b"]);
    // The old name identifies the track, too.
    let legacy = of(
        TrackRef::Name("old".to_owned()),
        operation("c", "UpdateAudit", 970),
    );
    check(&modified, &[legacy], Candidate, &["c"]);
}

#[test]
fn a_new_storage_name_explains_a_new_storage_owner() {
    let mut modified = change(ChangeKind::Modified, 1_000);
    modified.fields = vec![
        field("StorageName", "a", "b"),
        field("StorageAccountId", "1", "2"),
    ];
    let record = modify("a", &[("StorageName", Some("b"))], 970);
    check(&modified, &[record], Certain, &["a"]);
}

#[test]
fn without_records_no_operation_is_found() {
    check(&disabled(), &[], NotFound, &[]);
    assert!(at(0) < at(1));
}
