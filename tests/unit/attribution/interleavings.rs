//! Property tests of the search with random operations, records, polls, failures and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use cloudaudit_exporter::attribution::{Lookup, MAX_REQUESTS, Window};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AttributionResult, ChangeKind, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
};
use proptest::prelude::*;

use super::{EPOCH, at, change, ended, of, switch};

/// A poll begins at each full minute.
const MINUTE: u64 = 60;

/// How a record names its track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    Id,
    /// A legacy operation.
    Name,
    Masked,
}

/// An operation on a track, and its record.
#[derive(Clone, Debug)]
struct TrackOperation {
    seconds: u64,
    track: u64,
    on: bool,
    outcome: Outcome,
    naming: Naming,
    /// Seconds until the record is visible; `None` if it never is.
    delay: Option<u64>,
}

impl TrackOperation {
    fn has_effect(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }

    fn record(&self, index: usize) -> OperationRecord {
        let status = if self.on {
            SentStatus::On
        } else {
            SentStatus::Off
        };
        let track = match self.naming {
            Naming::Id => TrackRef::Id(self.track),
            Naming::Name => TrackRef::Name(name(self.track)),
            Naming::Masked => TrackRef::Unnamed,
        };
        let mut record = switch(&index.to_string(), status, self.seconds);
        if self.naming == Naming::Name {
            let event = if self.on {
                "StartLogging"
            } else {
                "StopLogging"
            };
            event.clone_into(&mut record.operation.event_name);
            record.request.status = SentStatus::Absent;
        }
        ended(self.outcome, of(track, record))
    }

    fn is_visible(&self, now: u64) -> bool {
        self.delay.is_some_and(|delay| self.seconds + delay <= now)
    }
}

fn name(track: u64) -> String {
    format!("track-{track}")
}

/// What happens at one attempt of a search.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    /// The records have this many pages.
    Succeeds(u32),
    /// The request for this page fails.
    Fails(u32),
    RestartsAfter(u64),
    /// The process is killed after this many requests, and restarts later.
    IsKilledAndRestartsAfter(u32, u64),
}

impl Attempt {
    /// Returns how many requests are sent if `max_pages` are allowed.
    fn requests(self, max_pages: u32) -> u32 {
        match self {
            Self::Succeeds(pages)
            | Self::Fails(pages)
            | Self::IsKilledAndRestartsAfter(pages, _) => pages.min(max_pages),
            Self::RestartsAfter(_) => 0,
        }
    }
}

fn any_operation() -> impl Strategy<Value = TrackOperation> {
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
    let naming = prop_oneof![
        4 => Just(Naming::Id),
        1 => Just(Naming::Name),
        1 => Just(Naming::Masked),
    ];
    (0..1_200_u64, track, any::<bool>(), outcome, naming, delay).prop_map(
        |(seconds, track, on, outcome, naming, delay)| TrackOperation {
            seconds,
            track,
            on,
            outcome,
            naming,
            delay,
        },
    )
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let pages = || prop_oneof![3 => Just(1), 1 => 1..=6_u32];
    let pause = || prop_oneof![Just(0), 0..3_000_u64];
    prop_oneof![
        5 => pages().prop_map(Attempt::Succeeds),
        1 => pages().prop_map(Attempt::Fails),
        1 => (0..3_000_u64).prop_map(Attempt::RestartsAfter),
        2 => (pages(), pause())
            .prop_map(|(pages, pause)| Attempt::IsKilledAndRestartsAfter(pages, pause)),
    ]
}

/// Returns whether each track is on at a time, and the index of the operation that last changed it.
fn state_at(operations: &[TrackOperation], seconds: u64) -> BTreeMap<u64, (bool, Option<usize>)> {
    let mut tracks = BTreeMap::from([(41, (true, None)), (42, (true, None))]);
    for (index, operation) in operations.iter().enumerate() {
        let is_past = operation.seconds <= seconds;
        if let Some(track) = tracks.get_mut(&operation.track)
            && is_past
            && operation.has_effect()
            && track.0 != operation.on
        {
            *track = (operation.on, Some(index));
        }
    }
    tracks
}

/// A poll: how long the cloud takes to read the tracks, and to respond.
#[derive(Clone, Copy, Debug)]
struct Poll {
    has_failed: bool,
    reads_after: u64,
    responds_after: u64,
}

fn any_poll() -> impl Strategy<Value = Poll> {
    let short_or_long = || prop_oneof![2 => Just(0), 1 => 0..28_u64];
    (prop::bool::weighted(0.2), short_or_long(), short_or_long()).prop_map(
        |(has_failed, reads_after, responds_after)| Poll {
            has_failed,
            reads_after,
            responds_after,
        },
    )
}

/// Returns the changes that the polls see, each with the index of the operation that caused it.
fn changes(operations: &[TrackOperation], polls: &[Poll]) -> Vec<(ChangeRecord, usize)> {
    let mut changes = Vec::new();
    let (mut previous_began, mut previous_read) = (0, 0);
    for (poll, number) in polls.iter().zip(1..) {
        let began = number * MINUTE;
        let read = began + poll.reads_after;
        let seen = read + poll.responds_after;
        if poll.has_failed {
            continue;
        }
        let before = state_at(operations, previous_read);
        let after = state_at(operations, read);
        for (track, (on, cause)) in after {
            if before[&track].0 == on {
                continue;
            }
            let kind = if on {
                ChangeKind::Enabled
            } else {
                ChangeKind::Disabled
            };
            let mut record = change(kind, seen);
            record.id = changes.len() as u64;
            record.track_id = track;
            record.track = name(track);
            record.previous = Some(at(previous_began));
            record.took = Duration::from_secs(seen - began);
            changes.push((record, cause.unwrap()));
        }
        (previous_began, previous_read) = (began, read);
    }
    changes
}

/// The final result of a search.
struct Ended {
    change: ChangeRecord,
    requests: u32,
    /// When all records were last read. `None` if they never were.
    read: Option<u64>,
}

fn search(operations: &[TrackOperation], change: &ChangeRecord, attempts: &[Attempt]) -> Ended {
    let seen = change.seen.duration_since(at(0)).unwrap().as_secs();
    let mut changes = [change.clone()];
    let mut lookup = Lookup::new(at(seen), &changes);
    let (mut now, mut requests, mut finals) = (seen, 0, 0);
    let mut read = None;
    let mut attempts = attempts
        .iter()
        .copied()
        .chain(std::iter::repeat(Attempt::Succeeds(1)));
    while !lookup.is_over() {
        now += lookup.due_in(at(now)).as_secs();
        let attempt = attempts.next().unwrap();
        let max_pages = lookup.max_pages();
        let sent = attempt.requests(max_pages);
        requests += sent;
        let updates = match attempt {
            Attempt::RestartsAfter(pause) | Attempt::IsKilledAndRestartsAfter(_, pause) => {
                now += pause;
                lookup = Lookup::restore(lookup.state().clone());
                lookup.restarted(at(now));
                continue;
            }
            Attempt::Fails(_) if max_pages > 0 => {
                let failure = Failure::new(Reason::Unavailable, "no response");
                lookup.failed(&changes, &failure, sent, at(now))
            }
            Attempt::Succeeds(pages) if pages <= max_pages => {
                read = Some(now);
                let windows = lookup.windows(at(now), 0);
                let records = visible(operations, windows[0], now);
                lookup.searched(&changes, &records, true, sent, at(now), 0)
            }
            // The first pages have only records of other products.
            Attempt::Succeeds(_) | Attempt::Fails(_) => {
                lookup.searched(&changes, &[], false, sent, at(now), 0)
            }
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
        read,
    }
}

fn visible(operations: &[TrackOperation], window: Window, now: u64) -> Vec<OperationRecord> {
    let period = window.from - EPOCH.min(window.from)..=window.until - EPOCH;
    let indexed = operations.iter().enumerate();
    let found = indexed
        .filter(|(_, operation)| period.contains(&operation.seconds) && operation.is_visible(now));
    found
        .map(|(index, operation)| operation.record(index))
        .collect()
}

fn check(operations: &[TrackOperation], cause: usize, ended: &Ended) {
    assert!(
        ended.requests <= MAX_REQUESTS,
        "{} requests",
        ended.requests
    );
    let attribution = &ended.change.attribution;
    let wanted = ended.change.change == ChangeKind::Enabled;
    let named: Vec<usize> = attribution
        .operations
        .iter()
        .map(|operation| operation.request_id.parse().unwrap())
        .collect();
    for index in &named {
        let operation = &operations[*index];
        assert!(operation.has_effect(), "the operation did not succeed");
        assert_eq!(operation.on, wanted, "the operation has another effect");
        assert!(
            operation.naming == Naming::Masked || operation.track == ended.change.track_id,
            "the operation is on another track"
        );
        assert!(
            ended.read.is_some_and(|read| operation.is_visible(read)),
            "the record is not visible"
        );
    }
    let made = &operations[cause];
    let was_readable = ended.read.is_some_and(|read| made.is_visible(read));
    match attribution.result {
        AttributionResult::Certain => {
            assert_eq!(named.len(), 1);
            assert_eq!(operations[named[0]].naming, Naming::Id);
            if was_readable {
                assert_eq!(named, [cause], "another operation caused the change");
            }
        }
        AttributionResult::Candidate => {
            assert!((1..=3).contains(&named.len()));
            if was_readable && named.len() < 3 {
                assert!(
                    named.contains(&cause),
                    "candidates without the operation that made it"
                );
            }
        }
        AttributionResult::NotFound => {
            assert!(named.is_empty());
            assert!(!was_readable, "the record was visible");
        }
        AttributionResult::Failed => assert!(named.is_empty()),
        other => panic!("{other:?} is not final"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_certain_result_names_the_operation_that_caused_the_change(
        mut operations in prop::collection::vec(any_operation(), 0..12),
        polls in prop::collection::vec(any_poll(), 20),
        attempts in prop::collection::vec(any_attempt(), 0..10),
    ) {
        operations.sort_by_key(|operation| operation.seconds);
        // The order of two operations in the same second is unknown.
        operations.dedup_by_key(|operation| operation.seconds);
        for (change, cause) in changes(&operations, &polls) {
            check(&operations, cause, &search(&operations, &change, &attempts));
        }
    }
}
