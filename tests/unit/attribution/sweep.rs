//! The sweep: counting operations, once each.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudaudit_exporter::attribution::{ListedTrack, Polls, Sweep, Swept, Window};
use cloudaudit_exporter::snapshot::{ChangeRecord, OperationRecord, Outcome, TrackEvent, TrackRef};

use super::{EPOCH, at, ended, off, operation};

const INTERVAL: Duration = Duration::from_mins(15);

const MINUTE: Duration = Duration::from_mins(1);

/// Returns what a listing shows of track 41, whose name is `audit-all`, and of track 42.
pub(super) fn listing(on: bool, began: u64) -> impl Fn(&TrackRef) -> Option<ListedTrack> {
    move |track| {
        let id = match track {
            TrackRef::Id(id @ 41..=42) => *id,
            TrackRef::Name(name) if name == "audit-all" => 41,
            _ => return None,
        };
        let began = at(began);
        Some(ListedTrack { id, on, began })
    }
}

/// Begins sweeps at a time at which the first poll ended.
pub(super) fn sweep_since(seconds: u64) -> Sweep {
    let mut sweep = Sweep::new(at(seconds));
    sweep.listed(at(seconds));
    sweep
}

/// Sweeps at this time with the records of the window. A listing has just shown the tracks on.
pub(super) fn sweep(
    sweep: &mut Sweep,
    now: u64,
    all: &[OperationRecord],
    changes: &[ChangeRecord],
) -> Swept {
    sweep_after(&listing(true, now), sweep, now, all, changes)
}

pub(super) fn sweep_after(
    listed: &dyn Fn(&TrackRef) -> Option<ListedTrack>,
    sweep: &mut Sweep,
    now: u64,
    all: &[OperationRecord],
    changes: &[ChangeRecord],
) -> Swept {
    let window = sweep.window(at(now), 0);
    let records: Vec<OperationRecord> = all
        .iter()
        .filter(|record| is_in(record, window))
        .cloned()
        .collect();
    sweep.saw(changes);
    let polls = Polls {
        settled: at(now),
        listed,
    };
    let swept = sweep.swept(window, &records, true, polls, at(now), 0);
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
    assert_eq!(first.attempts, records[1..4]);
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
            from: EPOCH + 100_000 - 1_800,
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
        let polls = Polls {
            settled: at(now),
            listed: &listing(true, now),
        };
        let swept = sweeps.swept(window, &records, is_complete, polls, at(now), 0);
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
    assert_eq!(
        sweeps.due_in(Some(at(9_990)), at(10_000), INTERVAL),
        Duration::from_secs(14 * 60 + 50)
    );
    let second = Duration::from_secs(1);
    sweeps.restarted(at(10_000), second);
    assert_eq!(sweeps.due_in(None, at(10_000), second), second);
}

/// Ends a sweep at this time whose records are none.
fn end(sweeps: &mut Sweep, now: u64, is_complete: bool) -> Swept {
    let polls = Polls {
        settled: at(now),
        listed: &listing(true, now),
    };
    let window = sweeps.window(at(now), 0);
    sweeps.swept(window, &[], is_complete, polls, at(now), 0)
}

/// A minute with more records than a sweep can read is lost, and that is no success.
#[test]
fn the_shortest_period_is_passed_over_and_reported() {
    let mut sweeps = Sweep::new(at(100_000));
    let now = 100_000 + 3_600;
    let mut before = sweeps.state().until;
    for attempt in 0..20 {
        let swept = end(&mut sweeps, now, false);
        let until = sweeps.state().until;
        assert_eq!(swept.is_cut, until > before, "{attempt}");
        if swept.is_cut {
            assert!(attempt >= 5, "the period was halved first");
            assert!(!end(&mut sweeps, now, true).is_cut);
            return;
        }
        before = until;
    }
    panic!("no progress");
}

#[test]
fn after_a_timeout_the_period_is_halved() {
    let mut sweeps = Sweep::new(at(100_000));
    let mut now = 200_000;
    let mut length = |sweeps: &mut Sweep| {
        now += 900;
        let window = sweeps.window(at(now), 0);
        sweeps.timed_out(window);
        let wait = sweeps.due_in(Some(at(now)), at(now), INTERVAL);
        // If the shortest period takes too long, there is no hurry.
        let is_shortest = window.until - window.from <= 1_920;
        assert_eq!(wait, if is_shortest { INTERVAL } else { MINUTE });
        window.until - window.from - 1_860
    };
    let lengths: Vec<u64> = (0..14).map(|_| length(&mut sweeps)).collect();
    for pair in lengths.windows(2) {
        assert!(pair[1] <= pair[0] / 2 || pair[1] == 60, "{lengths:?}");
    }
    assert_eq!(lengths.last(), Some(&60));
    // From the same beginning, and longer again after a success.
    assert_eq!(sweeps.state().until, at(100_000));
    end(&mut sweeps, 300_000, true);
    assert_eq!(sweeps.state().until, at(100_060));
    end(&mut sweeps, 300_000, true);
    assert_eq!(sweeps.state().until, at(100_180));
}
