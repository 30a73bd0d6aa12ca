//! The search: its schedule, its limits, and how it ends.

use std::slice;
use std::time::Duration;

use cloudaudit_exporter::attribution::{Lookup, SCHEDULE, Update, Window};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AttributionResult, ChangeKind, ChangeRecord, OperationRecord, TrackRef,
};

use super::{EPOCH, at, change, field, of, off, operation, shown};

const SEEN: u64 = 1_000;

fn disabled() -> ChangeRecord {
    change(ChangeKind::Disabled, SEEN)
}

/// Runs the search to its end, and returns the seconds of each attempt and the final result.
fn run_search(
    mut respond: impl FnMut(u64) -> Result<(Vec<OperationRecord>, u32), Failure>,
) -> (Vec<u64>, AttributionResult) {
    run_search_with(|elapsed, _| {
        respond(elapsed).map(|(records, requests)| (records, requests, true))
    })
}

/// The same with a limit of pages. `respond` also returns whether the records are complete.
fn run_search_with(
    mut respond: impl FnMut(u64, u32) -> Result<(Vec<OperationRecord>, u32, bool), Failure>,
) -> (Vec<u64>, AttributionResult) {
    let mut changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    let (mut now, mut times) = (SEEN, Vec::new());
    loop {
        now += lookup.due_in(at(now)).as_secs();
        times.push(now - SEEN);
        let updates = match respond(now - SEEN, lookup.max_pages()) {
            Ok((records, requests, are_complete)) => {
                assert!(requests <= lookup.max_pages(), "{times:?}");
                lookup.searched(&changes, &records, are_complete, requests, at(now), 0)
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
fn the_search_gives_up_after_seven_attempts() {
    let (times, result) = run_search(|_| Ok((Vec::new(), 1)));
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
    let (times, result) = run_search(|elapsed| Ok((late(elapsed), 1)));
    assert_eq!((&*times, result), (&ALL[..3], AttributionResult::Certain));
}

/// 220 writes and one on top. The requests last until the end, so a late record on the first page is
/// found, and if no attempt has read all, the record may be among the others.
#[test]
fn pages_are_spread_over_the_schedule() {
    let mut pages = Vec::new();
    let (times, result) = run_search_with(|_, max_pages| {
        pages.push(max_pages);
        Ok((Vec::new(), max_pages, false))
    });
    assert_eq!(times, [0, 120, 600, 1_800]);
    assert_eq!(pages, [1, 1, 1, 4]);
    assert_eq!(result, AttributionResult::Failed);
    let late = |elapsed| {
        if elapsed < 100 {
            vec![]
        } else {
            vec![off("a", 970)]
        }
    };
    let (_, result) = run_search_with(|elapsed, _| Ok((late(elapsed), 1, false)));
    assert_eq!(result, AttributionResult::Candidate);
    // The last attempt reads them all.
    let (_, result) = run_search_with(|elapsed, _| Ok((Vec::new(), 1, elapsed == 1_800)));
    assert_eq!(result, AttributionResult::NotFound);
    let (_, result) = run_search_with(|elapsed, _| Ok((late(elapsed), 1, elapsed == 1_800)));
    assert_eq!(result, AttributionResult::Certain);
}

/// The process is killed right after each request, and nothing of the attempt is persisted.
#[test]
fn a_crash_loop_repeats_no_attempt() {
    for pause in [0, 5, 45, 700] {
        let changes = [disabled()];
        let mut lookup = Lookup::new(at(SEEN), &changes);
        let (mut now, mut requests) = (SEEN, 0);
        for _ in 0..100 {
            now += lookup.due_in(at(now)).as_secs();
            requests += lookup.max_pages();
            now += pause;
            lookup = Lookup::restore(lookup.state().clone());
            lookup.restarted(at(now));
        }
        assert!((2..=7).contains(&requests), "{requests} after {pause} s");
        let updates = lookup.searched(&changes, &[], false, 0, at(now), 0);
        assert_eq!(updates[0].attribution.result, AttributionResult::Failed);
        assert!(lookup.is_over());
    }
}

/// The last attempt reads four pages, and the process may be killed after them.
#[test]
fn a_kill_after_the_pages_of_the_last_attempt_counts_them_all() {
    let changes = [disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    let (mut now, mut requests) = (SEEN, 0);
    for _ in 0..3 {
        now += lookup.due_in(at(now)).as_secs();
        requests += 1;
        lookup.searched(&changes, &[], false, 1, at(now), 0);
    }
    for _ in 0..10 {
        now += lookup.due_in(at(now)).as_secs();
        requests += lookup.max_pages();
        lookup = Lookup::restore(lookup.state().clone());
        lookup.restarted(at(now));
    }
    assert_eq!(requests, 7);
    let updates = lookup.searched(&changes, &[], false, 0, at(now), 0);
    assert_eq!(updates[0].attribution.result, AttributionResult::Failed);
}

#[test]
fn a_failure_is_retried_and_a_denial_is_not() {
    let broken = || Failure::new(Reason::Unavailable, "no response");
    let (times, result) = run_search(|_| Err(broken()));
    assert_eq!((&*times, result), (&ALL[..], AttributionResult::Failed));
    let (times, result) = run_search(|elapsed| match elapsed {
        0 => Err(broken()),
        _ => Ok((vec![off("a", 970)], 1)),
    });
    assert_eq!((&*times, result), (&ALL[..2], AttributionResult::Certain));
    let denied = || Failure::new(Reason::Unauthorized, "denied");
    let (times, result) = run_search(|_| Err(denied()));
    assert_eq!((&*times, result), (&ALL[..1], AttributionResult::Denied));
}

/// Candidates are shown at once, and replaced when the record with the track's id appears.
#[test]
fn candidates_are_kept_until_a_certain_result_replaces_them() {
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
    assert_eq!(lookup.state().changes.len(), 1);
    // The same candidate is no update, and neither a failure nor an empty response removes it.
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
    // If nothing better is found, the candidates are the final result.
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
    let restarted = at(SEEN + 7_190);
    lookup.restarted(restarted);
    // By then the state file knows of the attempt.
    assert_eq!(lookup.due_in(restarted), Duration::from_secs(10));
    let later = at(SEEN + 7_200);
    assert_eq!(lookup.due_in(later), Duration::ZERO);
    assert_eq!(lookup.max_pages(), 4);
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
fn a_search_drops_changes_that_left_the_feed() {
    let changes = vec![disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    assert_eq!(lookup.searched(&[], &[], true, 1, at(SEEN), 0), []);
    assert!(lookup.is_over());
}

#[test]
fn search_windows_use_the_clock_of_the_cloud() {
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
fn a_long_outage_is_searched_in_several_windows_up_to_the_api_limit() {
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

/// A state file that was edited by hand can contain such counts.
#[test]
fn a_search_with_impossible_counts_ends() {
    let changes = [disabled()];
    let fresh = Lookup::new(at(SEEN), &changes);
    for (attempts, requests) in [(usize::MAX, 0), (0, u32::MAX), (usize::MAX, u32::MAX)] {
        let mut state = fresh.state().clone();
        (state.attempts, state.requests) = (attempts, requests);
        let mut lookup = Lookup::restore(state);
        let now = at(SEEN + 1);
        lookup.due_in(now);
        let updates = lookup.searched(&changes, &[], true, 1, now, 0);
        assert!(lookup.is_over(), "{attempts} {requests}");
        assert_eq!(updates.len(), 1);
    }
}

/// A record that appears late may be the one that made the change.
#[test]
fn an_attempt_without_a_request_finds_nothing_out() {
    let changes = [disabled()];
    let mut lookup = Lookup::new(at(SEEN), &changes);
    lookup.searched(&changes, &[], true, 1, at(SEEN), 0);
    let updates = lookup.searched(&changes, &[], true, 0, at(SEEN + 1_800), 0);
    assert_eq!(updates[0].attribution.result, AttributionResult::Failed);
}

/// The poll saw the track disabled and renamed. The other operation has its old name.
#[test]
fn a_record_with_the_old_name_of_a_renamed_track_takes_the_certainty_away() {
    let mut renamed = change(ChangeKind::Modified, SEEN);
    renamed.id = 2;
    renamed.fields = vec![field("Name", "old", "audit-all")];
    let old = TrackRef::Name("old".to_owned());
    let records = [off("a", 970), of(old, operation("b", "StopLogging", 980))];
    let mut other = renamed.clone();
    other.track_id = 42;
    let mut earlier = renamed.clone();
    earlier.seen = at(SEEN - 60);
    for (second, expected) in [
        (renamed, AttributionResult::Candidate),
        (other, AttributionResult::Certain),
        (earlier, AttributionResult::Certain),
    ] {
        let changes = [disabled(), second];
        let mut lookup = Lookup::new(at(SEEN), &changes[..1]);
        let updates = lookup.searched(&changes, &records, true, 1, at(SEEN), 0);
        assert_eq!(updates[0].attribution.result, expected);
    }
}
