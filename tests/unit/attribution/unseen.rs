//! The sweep: switch-offs that no poll saw.

use std::time::Duration;

use cloudaudit_exporter::attribution::{ListedTrack, Polls, Sweep, Swept};
use cloudaudit_exporter::snapshot::{
    ChangeKind, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
};

use super::sweep::{listing, sweep, sweep_after, sweep_since};
use super::{at, change, ended, field, of, off, on, operation, switch};

/// A change seen by one of the polls, which run at each full minute.
fn seen_by_poll(kind: ChangeKind, seen: u64) -> ChangeRecord {
    change(kind, seen)
}

fn unseen(records: &[OperationRecord], changes: &[ChangeRecord]) -> Vec<(TrackRef, u64, u64)> {
    unseen_after(&listing(true, 9_960), records, changes)
}

fn unseen_after(
    listed: &dyn Fn(&TrackRef) -> Option<ListedTrack>,
    records: &[OperationRecord],
    changes: &[ChangeRecord],
) -> Vec<(TrackRef, u64, u64)> {
    let mut sweeps = sweep_since(9_000);
    let swept = sweep_after(listed, &mut sweeps, 10_000, records, changes);
    let seconds = |time: std::time::SystemTime| time.duration_since(at(0)).unwrap().as_secs();
    swept
        .unseen
        .into_iter()
        .map(|pair| (pair.track, seconds(pair.off_at), seconds(pair.on_at)))
        .collect()
}

#[test]
fn off_and_on_between_two_polls_is_found() {
    let track = TrackRef::Id(41);
    let pair = [off("a", 9_610), on("b", 9_640)];
    assert_eq!(unseen(&pair, &[]), [(track.clone(), 9_610, 9_640)]);
    // In the same second, in either order of the records.
    let mut at_once = [off("a", 9_610), on("b", 9_610)];
    assert_eq!(unseen(&at_once, &[]), [(track.clone(), 9_610, 9_610)]);
    at_once.reverse();
    assert_eq!(unseen(&at_once, &[]), [(track.clone(), 9_610, 9_610)]);
    // Twice.
    let twice = [
        off("a", 9_610),
        on("b", 9_620),
        off("c", 9_630),
        on("d", 9_640),
    ];
    let expected = [(track.clone(), 9_610, 9_620), (track.clone(), 9_630, 9_640)];
    assert_eq!(unseen(&twice, &[]), expected);
    // The track is off again, which the poll saw.
    let thrice = [off("a", 9_610), on("b", 9_620), off("c", 9_630)];
    let seen = seen_by_poll(ChangeKind::Disabled, 9_660);
    assert_eq!(unseen(&thrice, &[seen]), [(track.clone(), 9_610, 9_620)]);
    // The second one changes nothing.
    let again = [off("a", 9_610), off("b", 9_620), on("c", 9_640)];
    assert_eq!(unseen(&again, &[]), [(track.clone(), 9_610, 9_640)]);
    // Legacy operations contain the name instead of the id.
    let name = TrackRef::Name("audit-all".to_owned());
    let legacy = [
        of(name.clone(), operation("a", "StopLogging", 9_610)),
        of(name, operation("b", "StartLogging", 9_640)),
    ];
    for pair in [legacy.clone(), [legacy[0].clone(), on("b", 9_640)]] {
        assert_eq!(unseen(&pair, &[]), [(track.clone(), 9_610, 9_640)]);
    }
}

/// Without proof that the track was on before, no poll missed that it was off.
#[test]
fn a_track_that_was_off_before_was_not_switched_off_unseen() {
    let is_off = listing(false, 9_960);
    // The first operation changes nothing: the track is off at every poll.
    let all = [off("a", 9_610), on("b", 9_620), off("c", 9_630)];
    assert_eq!(unseen_after(&is_off, &all, &[]), []);
    assert_eq!(unseen_after(&is_off, &all[..2], &[]), []);
    // A later poll sees the track on, because of an operation without a record.
    let enabled = seen_by_poll(ChangeKind::Enabled, 9_720);
    assert_eq!(unseen(&all, &[enabled]), []);
    // Between the two, because the record of what enabled it is late.
    let enabled = seen_by_poll(ChangeKind::Enabled, 9_660);
    assert_eq!(unseen(&[off("a", 9_610), on("b", 9_700)], &[enabled]), []);
    // No listing has the track.
    assert_eq!(unseen_after(&|_| None, &all, &[]), []);
    // A later poll sees it off, so it was on before.
    let disabled = seen_by_poll(ChangeKind::Disabled, 9_720);
    let found = [(TrackRef::Id(41), 9_610, 9_620)];
    assert_eq!(unseen_after(&is_off, &all, &[disabled]), found);
}

/// The order of the records of one second is unknown: on and then off is no switch-off that ended.
#[test]
fn off_and_on_in_one_second_needs_a_later_poll_that_sees_it_on() {
    let pair = [on("b", 9_610), off("a", 9_610)];
    assert_eq!(unseen(&pair, &[]).len(), 1);
    assert_eq!(unseen_after(&listing(false, 9_960), &pair, &[]), []);
    let seen = seen_by_poll(ChangeKind::Disabled, 9_660);
    assert_eq!(unseen(&pair, &[seen]), []);
    assert_eq!(unseen_after(&listing(true, 9_600), &pair, &[]), []);
    // The next one may be the effective switch-off.
    let [first, second] = pair;
    assert_eq!(unseen(&[first, second, off("c", 9_620)], &[]), []);
}

/// An earlier sweep could not know it.
#[test]
fn a_pair_whose_proof_comes_later_is_found_then() {
    let mut sweeps = sweep_since(9_000);
    let pair = [on("b", 9_610), off("a", 9_610)];
    let old = listing(true, 9_600);
    let mut count = |listed: &dyn Fn(&TrackRef) -> Option<ListedTrack>, now| {
        let swept = sweep_after(listed, &mut sweeps, now, &pair, &[]);
        swept.unseen.len()
    };
    assert_eq!(count(&old, 9_620), 0);
    assert_eq!(count(&listing(true, 9_660), 9_700), 1);
    assert_eq!(count(&listing(true, 9_720), 9_800), 0, "once");
}

#[test]
fn a_change_that_a_poll_saw_is_not_unseen() {
    let long = [off("a", 9_630), on("b", 9_690)];
    let seen = [
        seen_by_poll(ChangeKind::Disabled, 9_660),
        seen_by_poll(ChangeKind::Enabled, 9_720),
    ];
    assert_eq!(unseen(&long, &seen), []);
    // It was off before, so switching it off changed nothing.
    let again = [off("a", 9_610), on("b", 9_640)];
    assert_eq!(
        unseen(&again, &[seen_by_poll(ChangeKind::Enabled, 9_660)]),
        []
    );
    // A change of another track is ignored.
    let mut other = seen_by_poll(ChangeKind::Disabled, 9_620);
    other.track_id = 42;
    assert_eq!(unseen(&again, &[other]).len(), 1);
}

#[test]
fn only_successful_operations_that_name_the_track_count() {
    let pair = |record: OperationRecord| [record, on("b", 9_640)];
    assert_eq!(
        unseen(&pair(ended(Outcome::Denied, off("a", 9_610))), &[]),
        []
    );
    assert_eq!(
        unseen(&pair(of(TrackRef::Unnamed, off("a", 9_610))), &[]),
        []
    );
    assert_eq!(
        unseen(&pair(of(TrackRef::Id(42), off("a", 9_610))), &[]),
        []
    );
    assert_eq!(unseen(&[on("b", 9_610), off("a", 9_640)], &[]), []);
}

#[test]
fn a_pair_in_two_sweeps_is_found_once() {
    let mut sweeps = sweep_since(9_000);
    let records = [off("a", 9_995), on("b", 10_020)];
    assert_eq!(sweep(&mut sweeps, 10_000, &records[..1], &[]).unseen, []);
    let found = sweep(&mut sweeps, 10_900, &records, &[]).unseen;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].off.as_ref(), Some(&records[0]));
    assert_eq!(found[0].on.as_ref(), Some(&records[1]));
    assert_eq!(sweep(&mut sweeps, 11_000, &records, &[]).unseen, []);
}

/// Its polls are not known, and an earlier process may have counted it.
#[test]
fn what_happened_before_the_first_sweep_is_not_counted() {
    let mut sweeps = sweep_since(10_000);
    let records = [
        off("a", 9_610),
        on("b", 9_640),
        ended(Outcome::Denied, off("c", 9_700)),
        off("d", 9_990),
        on("e", 10_010),
        off("f", 10_020),
    ];
    assert_eq!(
        sweep(&mut sweeps, 10_000, &records[..4], &[]),
        Swept::default()
    );
    let second = sweep(&mut sweeps, 10_900, &records, &[]);
    assert_eq!(second.counts.values().sum::<u64>(), 2);
    assert_eq!(second.unseen, []);
}

#[test]
fn a_poll_that_takes_long_may_have_seen_it_off() {
    let mut slow = seen_by_poll(ChangeKind::Disabled, 9_660);
    slow.took = Duration::from_secs(9);
    let pair = [off("a", 9_630), on("b", 9_653)];
    assert_eq!(unseen(&pair, &[slow.clone()]), []);
    let before = [off("a", 9_630), on("b", 9_648)];
    assert_eq!(unseen(&before, &[slow]).len(), 1);
}

/// A running poll may have read the track while it was off.
#[test]
fn a_pair_waits_for_the_end_of_the_polls_that_may_have_seen_it() {
    let pair = [off("a", 9_640), on("b", 9_653)];
    for is_seen in [true, false] {
        let mut sweeps = sweep_since(9_000);
        let mut swept = |settled, now| {
            let window = sweeps.window(at(now), 0);
            if is_seen && now == 9_700 {
                let mut slow = seen_by_poll(ChangeKind::Disabled, 9_665);
                slow.took = Duration::from_secs(14);
                sweeps.saw([&slow]);
            }
            let polls = Polls {
                settled: at(settled),
                listed: &listing(true, settled),
            };
            let swept = sweeps.swept(window, &pair, true, polls, at(now), 0);
            sweeps = Sweep::restore(sweeps.state().clone());
            swept.unseen.len()
        };
        assert_eq!(swept(9_651, 9_660), 0, "a poll is running since 9651");
        assert_eq!(swept(9_651, 9_661), 0);
        assert_eq!(swept(9_700, 9_700), usize::from(!is_seen));
        assert_eq!(swept(9_800, 9_800), 0, "once");
    }
}

/// A new track was not on at the previous poll, and a poll saw it on before it was deleted.
#[test]
fn a_creation_proves_that_the_track_was_not_on_and_a_deletion_that_it_was() {
    let pair = [off("a", 9_610), on("b", 9_640)];
    let created = seen_by_poll(ChangeKind::Created, 9_660);
    assert_eq!(unseen(&pair, &[created]), []);
    let created = seen_by_poll(ChangeKind::Created, 9_600);
    assert_eq!(unseen(&pair, &[created]).len(), 1, "it was created before");
    let mut deleted = seen_by_poll(ChangeKind::Vanished, 9_660);
    deleted.fields = vec![field("Status", "enabled", "")];
    let is_gone = |_: &TrackRef| None;
    let found = [(TrackRef::Id(41), 9_610, 9_640)];
    assert_eq!(unseen_after(&is_gone, &pair, &[deleted.clone()]), found);
    deleted.fields = vec![field("Status", "disabled", "")];
    assert_eq!(unseen_after(&is_gone, &pair, &[deleted]), []);
}

/// Without an earlier listing, no poll proves that the track was on.
#[test]
fn a_switch_off_before_the_first_listing_is_not_unseen() {
    let pair = [off("a", 9_610), on("b", 9_640)];
    for (listed, expected) in [(None, 0), (Some(9_620), 0), (Some(9_605), 1)] {
        let mut sweeps = Sweep::new(at(9_600));
        if let Some(seconds) = listed {
            sweeps.listed(at(seconds));
            sweeps.listed(at(9_660));
        }
        let swept = sweep(&mut sweeps, 10_000, &pair, &[]);
        assert_eq!(swept.unseen.len(), expected, "{listed:?}");
    }
}

/// Returns whether the operations that switched the track off and on are certain.
fn certain(records: &[OperationRecord], changes: &[ChangeRecord], is_complete: bool) -> [bool; 2] {
    let mut sweeps = sweep_since(9_000);
    sweeps.saw(changes);
    let window = sweeps.window(at(10_000), 0);
    let polls = Polls {
        settled: at(10_000),
        listed: &listing(true, 9_960),
    };
    let swept = sweeps.swept(window, records, is_complete, polls, at(10_000), 0);
    let [pair] = &swept.unseen[..] else {
        panic!("{swept:?}");
    };
    [pair.is_off_certain, pair.is_on_certain]
}

#[test]
fn an_operation_that_another_one_may_have_preceded_is_not_certain() {
    let pair = |other: OperationRecord| [off("a", 9_620), on("b", 9_630), other];
    let by = |operator: &str, mut record: OperationRecord| {
        record.operation.operator = operator.to_owned();
        record
    };
    assert_eq!(certain(&pair(off("a", 9_620)), &[], true), [true, true]);
    assert_eq!(certain(&pair(off("a", 9_620)), &[], false), [false, false]);
    // In the same second.
    assert_eq!(certain(&pair(off("c", 9_620)), &[], true), [true, true]);
    let other = by("bob", off("c", 9_620));
    assert_eq!(certain(&pair(other), &[], true), [false, true]);
    let other = by("bob", on("c", 9_630));
    assert_eq!(certain(&pair(other), &[], true), [true, false]);
    // Without the id.
    let named = |name: &str| TrackRef::Name(name.to_owned());
    for (track, is_certain) in [
        (TrackRef::Unnamed, false),
        (named("audit-all"), false),
        (named("gone"), false),
        (TrackRef::Id(42), true),
    ] {
        for at in [9_610, 9_625] {
            let other = of(track.clone(), operation("c", "StartLogging", at));
            let expected = [is_certain; 2];
            assert_eq!(certain(&pair(other), &[], true), expected, "{track:?}");
        }
    }
    let masked = of(TrackRef::Unnamed, operation("c", "StopLogging", 9_610));
    let late = of(TrackRef::Unnamed, operation("c", "StopLogging", 9_631));
    let denied = ended(Outcome::Denied, masked.clone());
    let unnamed = of(TrackRef::Unnamed, operation("c", "DeleteAuditTrack", 9_610));
    for other in [late, denied, unnamed] {
        assert_eq!(certain(&pair(other), &[], true), [true, true]);
    }
    let unknown = switch("c", SentStatus::Unknown, 9_610);
    assert_eq!(certain(&pair(unknown), &[], true), [false, false]);
    // A poll saw the track on after that.
    let enabled = seen_by_poll(ChangeKind::Enabled, 9_615);
    assert_eq!(certain(&pair(masked), &[enabled], true), [true, true]);
}

/// A state file of the previous version.
#[test]
fn what_an_earlier_version_counted_does_not_count_again() {
    for (settled, expected) in [(9_700, 0), (9_641, 1)] {
        let mut sweeps = sweep_since(9_000);
        let pair = [off("a", 9_610), on("b", 9_640)];
        let polls = Polls {
            settled: at(9_600),
            listed: &listing(true, 9_600),
        };
        let window = sweeps.window(at(9_700), 0);
        let swept = sweeps.swept(window, &pair, true, polls, at(9_700), 0);
        assert_eq!(swept.unseen, []);
        let mut state = serde_json::to_value(sweeps.state()).unwrap();
        let nanos = at(settled).duration_since(std::time::UNIX_EPOCH).unwrap();
        let nanos = u64::try_from(nanos.as_nanos()).unwrap();
        state["settled_unix_ns"] = serde_json::json!(nanos);
        let state = serde_json::from_value(state).unwrap();
        let mut sweeps = Sweep::restore(state);
        // It is not lost if the process ends before its first sweep.
        sweeps = Sweep::restore(sweeps.state().clone());
        let swept = sweep(&mut sweeps, 9_800, &pair, &[]);
        assert_eq!(swept.unseen.len(), expected);
        let state = serde_json::to_value(sweeps.state()).unwrap();
        assert_eq!(state.get("settled_unix_ns"), None);
    }
}

/// A state file of the first version with sweeps, which wrote only two times and the operations.
#[test]
fn what_the_first_version_read_counts_no_more() {
    let mut sweeps = sweep_since(9_000);
    let pair = [off("a", 9_610), on("b", 9_640)];
    let polls = Polls {
        settled: at(9_600),
        listed: &listing(true, 9_600),
    };
    let window = sweeps.window(at(9_700), 0);
    sweeps.swept(window, &pair, true, polls, at(9_700), 0);
    let mut state = serde_json::to_value(sweeps.state()).unwrap();
    let known = ["last_unix_ns", "until_unix_ns", "remembered"];
    let fields = state.as_object_mut().unwrap();
    fields.retain(|name, _| known.contains(&name.as_str()));
    let mut sweeps = Sweep::restore(serde_json::from_value(state).unwrap());
    assert_eq!(sweep(&mut sweeps, 9_800, &pair, &[]).unseen, []);
}
