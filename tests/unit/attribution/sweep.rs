//! The sweep: counting operations, and finding changes that no poll saw.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudaudit_exporter::attribution::{Sweep, Swept, Window};
use cloudaudit_exporter::snapshot::{
    ChangeKind, ChangeRecord, OperationRecord, Outcome, TrackEvent, TrackRef,
};

use super::{EPOCH, at, change, ended, of, off, on, operation};

const INTERVAL: Duration = Duration::from_mins(15);

/// Sweeps at this time with the records of the window.
fn sweep(sweep: &mut Sweep, now: u64, all: &[OperationRecord], changes: &[ChangeRecord]) -> Swept {
    let window = sweep.window(at(now), 0);
    let records: Vec<OperationRecord> = all
        .iter()
        .filter(|record| is_in(record, window))
        .cloned()
        .collect();
    sweep.saw(changes);
    let swept = sweep.swept(window, &records, true, at(now), at(now), 0);
    *sweep = Sweep::restore(sweep.state().clone());
    swept
}

fn is_in(record: &OperationRecord, window: Window) -> bool {
    let at = record.operation.at.duration_since(std::time::UNIX_EPOCH);
    (window.from..=window.until).contains(&at.unwrap().as_secs())
}

#[test]
fn each_operation_is_counted_once_by_event_and_outcome() {
    let mut sweeps = Sweep::new(at(9_000));
    let mut records = vec![
        off("a", 9_990),
        ended(Outcome::Denied, operation("b", "DELETEAUDITTRACK", 9_991)),
        ended(Outcome::Failed, operation("c", "CreateSomethingNew", 9_992)),
        ended(Outcome::Failed, operation("", "StopLogging", 9_993)),
    ];
    let mut read = operation("r", "DescribeAuditTracks", 9_994);
    read.action_type = "Read".to_owned();
    let mut foreign = operation("f", "DeleteBucket", 9_995);
    foreign.resource_type = "cos".to_owned();
    records.extend([read, foreign]);
    let first = sweep(&mut sweeps, 10_000, &records, &[]);
    let expected = BTreeMap::from([
        ((TrackEvent::ModifyAuditTrack, Outcome::Succeeded), 1),
        ((TrackEvent::DeleteAuditTrack, Outcome::Denied), 1),
        ((TrackEvent::Other, Outcome::Failed), 1),
        ((TrackEvent::StopLogging, Outcome::Failed), 1),
    ]);
    assert_eq!(first.counts, expected);
    assert_eq!(
        sweep(&mut sweeps, 10_000, &records, &[]).counts,
        BTreeMap::new()
    );
    // This record is older than the first sweep and appears after it.
    records.push(operation("d", "DeleteAuditTrack", 9_980));
    let second = sweep(&mut sweeps, 10_900, &records, &[]);
    let deleted = ((TrackEvent::DeleteAuditTrack, Outcome::Succeeded), 1);
    assert_eq!(second.counts, BTreeMap::from([deleted]));
    assert_eq!(
        sweep(&mut sweeps, 11_800, &records, &[]).counts,
        BTreeMap::new()
    );
}

#[test]
fn the_next_sweep_includes_the_period_of_a_failed_one() {
    let mut sweeps = Sweep::new(at(100_000));
    sweep(&mut sweeps, 100_000, &[], &[]);
    let long = sweeps.window(at(186_400), 0);
    assert_eq!(
        long,
        Window {
            from: EPOCH + 100_060 - 1_800,
            until: EPOCH + 186_460
        }
    );
    let swept = sweep(&mut sweeps, 186_400, &[off("a", 150_000)], &[]);
    assert_eq!(swept.counts.values().sum::<u64>(), 1);
}

#[test]
fn a_very_long_outage_is_swept_in_several_windows() {
    let day = 86_400;
    let mut sweeps = Sweep::new(at(0));
    let now = 70 * day;
    let mut seen = 0;
    let records: Vec<_> = (1..70).map(|n| off(&format!("r{n}"), n * day)).collect();
    for part in 0..3 {
        let window = sweeps.window(at(now), 0);
        assert!(window.until - window.from < 30 * day, "{part}");
        seen += sweep(&mut sweeps, now, &records, &[])
            .counts
            .values()
            .sum::<u64>();
    }
    assert_eq!(seen, 69);
    assert_eq!(sweeps.window(at(now), 0).until, EPOCH + now + 60);
}

#[test]
fn a_period_with_too_many_records_is_halved() {
    let mut sweeps = Sweep::new(at(100_000));
    let now = 100_000 + 7_200;
    // There is one record every ten seconds, and a sweep can read 300.
    let all: Vec<_> = (9_800..now / 10)
        .map(|n| operation(&format!("r{n}"), "DeleteAuditTrack", n * 10))
        .collect();
    let (mut counted, mut attempts) = (0, 0);
    while sweeps.state().until < at(now) {
        attempts += 1;
        assert!(attempts < 500, "no progress");
        let window = sweeps.window(at(now), 0);
        let mut records: Vec<_> = all
            .iter()
            .filter(|record| is_in(record, window))
            .cloned()
            .collect();
        let is_complete = records.len() <= 300;
        records.reverse();
        records.truncate(300);
        let swept = sweeps.swept(window, &records, is_complete, at(now), at(now), 0);
        counted += swept.counts.values().sum::<u64>();
        let wait = sweeps.due_in(Some(at(now)), at(now), INTERVAL);
        let is_behind = sweeps.state().until < at(now);
        assert_eq!(
            wait,
            if is_behind {
                Duration::from_mins(1)
            } else {
                INTERVAL
            }
        );
    }
    assert_eq!(counted, (now - 100_000) / 10);
    assert!(attempts > 3, "{attempts} attempts");
}

#[test]
fn the_first_sweep_is_due_at_once_and_the_next_after_the_interval() {
    let mut sweeps = Sweep::new(at(0));
    assert_eq!(sweeps.due_in(None, at(0), INTERVAL), Duration::ZERO);
    assert_eq!(
        sweeps.due_in(Some(at(0)), at(60), INTERVAL),
        Duration::from_mins(14)
    );
    assert_eq!(
        sweeps.due_in(Some(at(0)), at(6_000), INTERVAL),
        Duration::ZERO
    );
    // The clock was set back.
    assert_eq!(sweeps.due_in(Some(at(6_000)), at(0), INTERVAL), INTERVAL);
}

/// A scrape has to see the 0 with which the counters of a process begin.
#[test]
fn the_first_sweep_of_a_process_waits_for_two_scrapes() {
    let minutes = Duration::from_mins;
    for last in [None, Some(at(100))] {
        let mut sweeps = Sweep::new(at(9_000));
        sweeps.restarted(at(10_000), INTERVAL);
        assert_eq!(sweeps.due_in(last, at(10_000), INTERVAL), minutes(2));
        assert_eq!(sweeps.due_in(last, at(10_060), INTERVAL), minutes(1));
        assert_eq!(sweeps.due_in(last, at(10_120), INTERVAL), Duration::ZERO);
        // The clock was set back.
        assert_eq!(sweeps.due_in(None, at(500), INTERVAL), Duration::ZERO);
    }
    let mut sweeps = Sweep::new(at(9_000));
    sweeps.restarted(at(10_000), INTERVAL);
    assert_eq!(sweeps.due_in(None, at(500), INTERVAL), minutes(2));
    assert_eq!(sweeps.due_in(None, at(560), INTERVAL), minutes(1));
    assert_eq!(sweeps.due_in(None, at(620), INTERVAL), Duration::ZERO);
    // A recent sweep of the earlier process, and an interval that is shorter.
    sweeps.restarted(at(10_000), INTERVAL);
    assert_eq!(sweeps.due_in(Some(at(9_990)), at(10_000), INTERVAL), INTERVAL - Duration::from_secs(10));
    let second = Duration::from_secs(1);
    sweeps.restarted(at(10_000), second);
    assert_eq!(sweeps.due_in(None, at(10_000), second), second);
}

/// A change seen by one of the polls, which run at each full minute.
fn seen_by_poll(kind: ChangeKind, seen: u64) -> ChangeRecord {
    change(kind, seen)
}

fn unseen(records: &[OperationRecord], changes: &[ChangeRecord]) -> Vec<(TrackRef, u64, u64)> {
    let mut sweeps = Sweep::new(at(9_000));
    let swept = sweep(&mut sweeps, 10_000, records, changes);
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
    assert_eq!(unseen(&thrice, &[seen]), [(track, 9_610, 9_620)]);
    // Legacy operations contain the name instead of the id.
    let name = TrackRef::Name("audit-all".to_owned());
    let legacy = [
        of(name.clone(), operation("a", "StopLogging", 9_610)),
        of(name.clone(), operation("b", "StartLogging", 9_640)),
    ];
    assert_eq!(unseen(&legacy, &[]), [(name, 9_610, 9_640)]);
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
    let mut sweeps = Sweep::new(at(9_000));
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
    let mut sweeps = Sweep::new(at(10_000));
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
        let mut sweeps = Sweep::new(at(9_000));
        let mut swept = |settled, now| {
            let window = sweeps.window(at(now), 0);
            if is_seen && now == 9_700 {
                let mut slow = seen_by_poll(ChangeKind::Disabled, 9_665);
                slow.took = Duration::from_secs(14);
                sweeps.saw([&slow]);
            }
            let swept = sweeps.swept(window, &pair, true, at(settled), at(now), 0);
            sweeps = Sweep::restore(sweeps.state().clone());
            swept.unseen.len()
        };
        assert_eq!(swept(9_651, 9_660), 0, "a poll is running since 9651");
        assert_eq!(swept(9_651, 9_661), 0);
        assert_eq!(swept(9_700, 9_700), usize::from(!is_seen));
        assert_eq!(swept(9_800, 9_800), 0, "once");
    }
}
