//! Properties over random operations, records, polls, failures and restarts.

use std::collections::BTreeMap;

use cloudaudit_exporter::attribution::{Lookup, MAX_REQUESTS, Window};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AttributionResult, Change, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
};
use proptest::prelude::*;

use super::{EPOCH, at, change, ended, of, switch};

/// The polls are at each full minute.
const MINUTE: u64 = 60;

/// An operation on a track, and its record.
#[derive(Clone, Debug)]
struct Done {
    seconds: u64,
    track: u64,
    on: bool,
    outcome: Outcome,
    is_masked: bool,
    /// Seconds until the record is visible; `None` if it never is.
    delay: Option<u64>,
}

impl Done {
    fn has_effect(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }

    fn record(&self, index: usize) -> OperationRecord {
        let status = if self.on {
            SentStatus::On
        } else {
            SentStatus::Off
        };
        let track = if self.is_masked {
            TrackRef::Unnamed
        } else {
            TrackRef::Id(self.track)
        };
        let record = switch(&index.to_string(), status, self.seconds);
        ended(self.outcome, of(track, record))
    }

    fn is_visible(&self, now: u64) -> bool {
        self.delay.is_some_and(|delay| self.seconds + delay <= now)
    }
}

/// What goes wrong at the attempts of a search, one after the other.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Fine,
    Fails,
    RestartsAfter(u64),
}

fn any_done() -> impl Strategy<Value = Done> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Denied),
        1 => Just(Outcome::Failed),
    ];
    let delay = prop_oneof![
        4 => Just(Some(0)),
        4 => (0..2_000_u64).prop_map(Some),
        1 => Just(None),
    ];
    let track = prop_oneof![3 => Just(41), 1 => Just(42)];
    (
        0..1_200_u64,
        track,
        any::<bool>(),
        outcome,
        prop::bool::weighted(0.15),
        delay,
    )
        .prop_map(|(seconds, track, on, outcome, is_masked, delay)| Done {
            seconds,
            track,
            on,
            outcome,
            is_masked,
            delay,
        })
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    prop_oneof![
        5 => Just(Attempt::Fine),
        1 => Just(Attempt::Fails),
        1 => (0..3_000_u64).prop_map(Attempt::RestartsAfter),
    ]
}

/// The state of both tracks at a time, and of each the operation that last changed it.
fn state_at(operations: &[Done], seconds: u64) -> BTreeMap<u64, (bool, Option<usize>)> {
    let mut tracks = BTreeMap::from([(41, (true, None)), (42, (true, None))]);
    for (index, done) in operations.iter().enumerate() {
        let is_past = done.seconds <= seconds;
        if let Some(track) = tracks.get_mut(&done.track)
            && is_past
            && done.has_effect()
            && track.0 != done.on
        {
            *track = (done.on, Some(index));
        }
    }
    tracks
}

/// What the polls saw, each change with the operation that made it.
fn changes(operations: &[Done], failed_polls: &[bool]) -> Vec<(ChangeRecord, usize)> {
    let mut changes = Vec::new();
    let mut previous = 0;
    for (poll, has_failed) in failed_polls.iter().enumerate() {
        let seen = (poll as u64 + 1) * MINUTE;
        if *has_failed {
            continue;
        }
        let (before, after) = (state_at(operations, previous), state_at(operations, seen));
        for (track, (on, cause)) in after {
            if before[&track].0 == on {
                continue;
            }
            let kind = if on {
                Change::Enabled
            } else {
                Change::Disabled
            };
            let mut record = change(kind, seen);
            record.id = changes.len() as u64;
            record.track_id = track;
            record.previous = Some(at(previous));
            changes.push((record, cause.unwrap()));
        }
        previous = seen;
    }
    changes
}

/// The final result of a search.
struct Ended {
    change: ChangeRecord,
    requests: u32,
    /// When the last attempt was.
    now: u64,
}

fn search(operations: &[Done], change: &ChangeRecord, attempts: &[Attempt]) -> Ended {
    let seen = change.seen.duration_since(at(0)).unwrap().as_secs();
    let mut changes = [change.clone()];
    let mut lookup = Lookup::new(at(seen), &changes);
    let (mut now, mut requests, mut finals) = (seen, 0, 0);
    let mut attempts = attempts
        .iter()
        .copied()
        .chain(std::iter::repeat(Attempt::Fine));
    while !lookup.is_over() {
        now += lookup.due_in(at(now)).as_secs();
        let attempt = attempts.next().unwrap();
        if let Attempt::RestartsAfter(pause) = attempt {
            lookup = Lookup::restore(lookup.state().clone());
            now += pause;
            continue;
        }
        requests += 1;
        let updates = if matches!(attempt, Attempt::Fails) {
            let failure = Failure::new(Reason::Unavailable, "no response");
            lookup.failed(&changes, &failure, 1, at(now))
        } else {
            let windows = lookup.windows(at(now), 0);
            let records = visible(operations, windows[0], now);
            lookup.searched(&changes, &records, true, 1, at(now), 0)
        };
        for update in updates {
            changes[0].attribution = update.attribution;
            finals += u32::from(update.is_final);
        }
    }
    assert_eq!(finals, 1, "each search has one final result");
    let [change] = changes;
    Ended {
        change,
        requests,
        now,
    }
}

fn visible(operations: &[Done], window: Window, now: u64) -> Vec<OperationRecord> {
    let period = window.from - EPOCH.min(window.from)..=window.until - EPOCH;
    let indexed = operations.iter().enumerate();
    let found = indexed.filter(|(_, done)| period.contains(&done.seconds) && done.is_visible(now));
    found.map(|(index, done)| done.record(index)).collect()
}

fn check(operations: &[Done], cause: usize, ended: &Ended) {
    assert!(
        ended.requests <= MAX_REQUESTS,
        "{} requests",
        ended.requests
    );
    let attribution = &ended.change.attribution;
    let wanted = ended.change.change == Change::Enabled;
    let named: Vec<usize> = attribution
        .operations
        .iter()
        .map(|operation| operation.request_id.parse().unwrap())
        .collect();
    for index in &named {
        let done = &operations[*index];
        assert!(done.has_effect(), "an attempt without success");
        assert_eq!(done.on, wanted, "another effect");
        assert!(
            done.is_masked || done.track == ended.change.track_id,
            "another track"
        );
        assert!(done.is_visible(ended.now), "not visible");
    }
    let made = &operations[cause];
    let was_readable = made.is_visible(ended.now) && !made.is_masked;
    match attribution.result {
        AttributionResult::Certain => {
            assert_eq!(named.len(), 1);
            assert!(!operations[named[0]].is_masked);
            if was_readable {
                assert_eq!(named, [cause], "certain, and another operation made it");
            }
        }
        AttributionResult::Candidate => {
            assert!((1..=3).contains(&named.len()));
        }
        AttributionResult::NotFound => {
            assert!(named.is_empty());
            assert!(!was_readable, "the record was there");
        }
        AttributionResult::Failed => assert!(named.is_empty()),
        other => panic!("{other:?} is no end"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn certain_is_only_the_operation_that_made_the_change(
        mut operations in prop::collection::vec(any_done(), 0..12),
        failed_polls in prop::collection::vec(prop::bool::weighted(0.2), 20),
        attempts in prop::collection::vec(any_attempt(), 0..10),
    ) {
        operations.sort_by_key(|done| done.seconds);
        // Of two operations in the same second the order is unknown.
        operations.dedup_by_key(|done| done.seconds);
        for (change, cause) in changes(&operations, &failed_polls) {
            check(&operations, cause, &search(&operations, &change, &attempts));
        }
    }
}
