//! The search: its schedule, its limits, and how it ends.

use std::slice;
use std::time::Duration;

use cloudaudit_exporter::attribution::{Lookup, SCHEDULE, Update, Window};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AttributionResult, Change, ChangeRecord, OperationRecord, TrackRef,
};

use super::{EPOCH, at, change, of, off, shown};

const SEEN: u64 = 1_000;

fn disabled() -> ChangeRecord {
    change(Change::Disabled, SEEN)
}

/// Plays the schedule to its end, and returns the seconds of each attempt and the final result.
fn play(
    mut respond: impl FnMut(u64) -> Result<(Vec<OperationRecord>, u32), Failure>,
) -> (Vec<u64>, AttributionResult) {
    let mut changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    let (mut now, mut times) = (SEEN, Vec::new());
    loop {
        now += lookup.due_in(at(now)).as_secs();
        times.push(now - SEEN);
        let updates = match respond(now - SEEN) {
            Ok((records, requests)) => {
                assert!(requests <= lookup.max_pages(), "{times:?}");
                lookup.searched(&changes, &records, true, requests, at(now), 0)
            }
            Err(failure) => lookup.failed(&changes, &failure, 1, at(now)),
        };
        let is_final = updates.iter().any(|update| update.is_final);
        for update in updates {
            changes[0].attribution = update.attribution;
        }
        // Every step survives a restart.
        lookup = Lookup::restore(lookup.state().clone());
        assert_eq!(lookup.is_over(), is_final);
        if lookup.is_over() {
            return (times, changes[0].attribution.result);
        }
        assert!(times.len() < 100);
    }
}

const ALL: [u64; 7] = [0, 60, 120, 300, 600, 1_200, 1_800];

#[test]
fn nothing_is_found_after_seven_attempts() {
    let (times, result) = play(|_| Ok((Vec::new(), 1)));
    assert_eq!((&*times, result), (&ALL[..], AttributionResult::NotFound));
    assert_eq!(SCHEDULE.map(|due| due.as_secs()), ALL);
}

#[test]
fn a_late_record_ends_the_search() {
    let late = |elapsed| {
        if elapsed < 120 {
            Vec::new()
        } else {
            vec![off("a", 970)]
        }
    };
    let (times, result) = play(|elapsed| Ok((late(elapsed), 1)));
    assert_eq!((&*times, result), (&ALL[..3], AttributionResult::Certain));
}

#[test]
fn pages_count_as_requests() {
    let (times, result) = play(|elapsed| Ok((Vec::new(), if elapsed == 0 { 4 } else { 1 })));
    assert_eq!((&*times, result), (&ALL[..4], AttributionResult::NotFound));
}

#[test]
fn a_failure_is_tried_again_and_a_denial_is_not() {
    let broken = || Failure::new(Reason::Unavailable, "no response");
    let (times, result) = play(|_| Err(broken()));
    assert_eq!((&*times, result), (&ALL[..], AttributionResult::Failed));
    let (times, result) = play(|elapsed| match elapsed {
        0 => Err(broken()),
        _ => Ok((vec![off("a", 970)], 1)),
    });
    assert_eq!((&*times, result), (&ALL[..2], AttributionResult::Certain));
    let denied = || Failure::new(Reason::Unauthorized, "denied");
    let (times, result) = play(|_| Err(denied()));
    assert_eq!((&*times, result), (&ALL[..1], AttributionResult::Denied));
}

/// Candidates show at once, and are replaced when the record with the id appears.
#[test]
fn candidates_stay_until_there_is_something_better() {
    let mut changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    let masked = of(TrackRef::Unnamed, off("b", 970));
    let updates = lookup.searched(&changes, slice::from_ref(&masked), true, 1, at(SEEN), 0);
    let [
        Update {
            attribution,
            is_final: false,
            ..
        },
    ] = &updates[..]
    else {
        panic!("{updates:?}");
    };
    assert_eq!(
        shown(attribution),
        (AttributionResult::Candidate, vec!["b"])
    );
    changes[0].attribution = attribution.clone();
    assert_eq!(lookup.pending(), 1);
    // Nothing new is no update, and neither a failure nor an empty response takes them away.
    let now = at(SEEN + 60);
    assert_eq!(lookup.searched(&changes, &[masked], true, 1, now, 0), []);
    assert_eq!(
        lookup.searched(&changes, &[], true, 1, at(SEEN + 120), 0),
        []
    );
    let broken = Failure::new(Reason::Unavailable, "no response");
    assert_eq!(lookup.failed(&changes, &broken, 1, at(SEEN + 300)), []);
    let mut other = lookup.clone();
    let updates = lookup.searched(&changes, &[off("a", 970)], true, 1, at(SEEN + 600), 0);
    assert_eq!(
        shown(&updates[0].attribution),
        (AttributionResult::Certain, vec!["a"])
    );
    assert!(updates[0].is_final && lookup.is_over());
    // At the end they are the result.
    let updates = other.searched(&changes, &[], true, 1, at(SEEN + 1_800), 0);
    assert_eq!(
        shown(&updates[0].attribution),
        (AttributionResult::Candidate, vec!["b"])
    );
    assert!(updates[0].is_final && other.is_over());
}

#[test]
fn after_an_interruption_one_attempt_is_enough() {
    let changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    lookup.searched(&changes, &[], true, 1, at(SEEN), 0);
    let mut lookup = Lookup::restore(lookup.state().clone());
    let later = at(SEEN + 7_200);
    assert_eq!(lookup.due_in(later), Duration::ZERO);
    let updates = lookup.searched(&changes, &[], true, 1, later, 0);
    assert_eq!(updates[0].attribution.result, AttributionResult::NotFound);
    assert!(lookup.is_over());
}

#[test]
fn a_clock_that_is_set_back_delays_the_search_by_half_an_hour_at_most() {
    let changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN + 86_400), &changes);
    lookup.searched(&changes, &[], true, 1, at(SEEN + 86_400), 0);
    assert_eq!(lookup.due_in(at(SEEN)), Duration::from_mins(1));
    assert_eq!(lookup.due_in(at(SEEN + 40)), Duration::from_secs(20));
}

#[test]
fn changes_that_left_the_feed_are_forgotten() {
    let changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    assert_eq!(lookup.searched(&[], &[], true, 1, at(SEEN), 0), []);
    assert!(lookup.is_over());
}

#[test]
fn the_period_is_in_the_time_of_the_cloud() {
    let changes = vec![disabled()];
    let lookup = Lookup::new(at(SEEN), &changes);
    for skew in [0_i64, 90, -90] {
        let shifted = |seconds: u64| (EPOCH + seconds).checked_add_signed(skew).unwrap();
        let expected = Window {
            from: shifted(940 - 120),
            until: shifted(SEEN + 60),
        };
        assert_eq!(lookup.windows(at(SEEN), skew), [expected]);
    }
}

#[test]
fn a_long_outage_is_searched_in_parts_as_far_as_the_api_reaches() {
    let day = 86_400;
    let mut old = disabled();
    for (previous, parts) in [(Some(at(0)), 2), (None, 4)] {
        old.previous = previous;
        let now = 40 * day;
        let windows = Lookup::new(at(now), [&old]).windows(at(now), 0);
        assert_eq!(windows.len(), parts);
        assert_eq!(windows[0].until, EPOCH + now + 60);
        for window in &windows {
            assert!(window.from < window.until && window.until - window.from < 30 * day);
        }
        for pair in windows.windows(2) {
            assert_eq!(pair[0].from, pair[1].until);
        }
        let oldest = windows.last().unwrap().from;
        match previous {
            Some(_) => assert_eq!(oldest, EPOCH - 120),
            None => assert!(oldest > EPOCH + now - 90 * day),
        }
    }
}
