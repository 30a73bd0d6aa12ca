//! Property test of sweeps with random operations, late records, failures, restarts and incomplete
//! pages: each record counts once, and so does each switch-off that no poll saw.

use std::collections::BTreeMap;

use cloudaudit_exporter::attribution::{Counts, ListedTrack, Polls, Sweep, Window};
use cloudaudit_exporter::snapshot::{
    ChangeKind, ChangeRecord, OperationRecord, Outcome, SentStatus, TrackRef,
};
use proptest::prelude::*;

use super::sweep::sweep_since;
use super::{EPOCH, at, change, ended, of, switch};

/// A poll runs at each full minute.
const MINUTE: u64 = 60;

/// Operations happen in the first two hours.
const END: u64 = 7_200;

/// The latest that a record becomes visible.
const LATEST: u64 = 1_800;

/// How much longer than its own part the period of a sweep is.
const OVERLAP: u64 = LATEST + MINUTE;

#[derive(Clone, Debug)]
struct TrackOperation {
    seconds: u64,
    track: u64,
    on: bool,
    outcome: Outcome,
    delay: u64,
}

/// What happens at the time of a sweep.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Succeeds,
    /// The pages hold only this many records, if the period can be shorter.
    IsCut(usize),
    Fails,
    TimesOut,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    wait: u64,
    attempt: Attempt,
    restarts: bool,
}

fn any_operation() -> impl Strategy<Value = TrackOperation> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Denied),
        1 => Just(Outcome::Failed),
    ];
    let delay = prop_oneof![Just(0), 0..=LATEST, Just(LATEST)];
    let track = prop_oneof![3 => Just(41), 1 => Just(42)];
    // Some are close together, between the same two polls.
    let minute = prop_oneof![1..END / MINUTE, 50..53_u64];
    // A poll sees neither too early nor too late what two clocks that differ may hide.
    let second = 5..=55_u64;
    (minute, second, track, any::<bool>(), outcome, delay).prop_map(
        |(minute, second, track, on, outcome, delay)| TrackOperation {
            seconds: minute * MINUTE + second,
            track,
            on,
            outcome,
            delay,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let attempt = prop_oneof![
        4 => Just(Attempt::Succeeds),
        2 => (0..6_usize).prop_map(Attempt::IsCut),
        1 => Just(Attempt::Fails),
        1 => Just(Attempt::TimesOut),
    ];
    (60..1_800_u64, attempt, any::<bool>()).prop_map(|(wait, attempt, restarts)| Step {
        wait,
        attempt,
        restarts,
    })
}

/// What happened: the operations in their order, and the minutes in which a poll fails.
struct Story {
    operations: Vec<TrackOperation>,
    failed_polls: Vec<bool>,
    /// The cloud's clock minus this machine's.
    skew: i64,
}

impl Story {
    fn is_on(&self, track: u64, until: u64) -> bool {
        let of_track = self.operations.iter().filter(|it| it.track == track);
        let mut past =
            of_track.filter(|it| it.seconds <= until && it.outcome == Outcome::Succeeded);
        past.next_back().is_none_or(|last| last.on)
    }

    /// Returns the times of the polls that succeed. No two in a row fail.
    fn polls(&self, until: u64) -> impl DoubleEndedIterator<Item = u64> {
        let fails = |minute: &usize| {
            let fails = self.failed_polls.get(*minute).copied();
            minute % 2 == 1 && fails == Some(true)
        };
        let minutes = 0..=usize::try_from(until / MINUTE).unwrap();
        let succeed = minutes.filter(move |minute| !fails(minute));
        succeed.map(|minute| minute as u64 * MINUTE)
    }

    /// Returns the changes that the polls after a time saw, until another.
    fn changes(&self, after: u64, until: u64) -> Vec<ChangeRecord> {
        let polls: Vec<u64> = self.polls(until).collect();
        let mut changes = Vec::new();
        for pair in polls.windows(2).filter(|pair| pair[1] > after) {
            for track in [41, 42] {
                let [before, now] = [pair[0], pair[1]].map(|poll| self.is_on(track, poll));
                if before != now {
                    let kind = [ChangeKind::Disabled, ChangeKind::Enabled][usize::from(now)];
                    let mut change = change(kind, pair[1]);
                    change.track_id = track;
                    changes.push(change);
                }
            }
        }
        changes
    }

    /// Returns how often a track that a poll saw on was off until no later than before the next poll.
    fn count_unseen(&self, track: u64) -> usize {
        let of_track = self.operations.iter().filter(|it| it.track == track);
        let done: Vec<_> = of_track
            .filter(|it| it.outcome == Outcome::Succeeded)
            .collect();
        let mut effective: Vec<&TrackOperation> = Vec::new();
        for operation in done {
            if effective.last().is_none_or(|last| last.on) != operation.on {
                effective.push(operation);
            }
        }
        let is_unseen = |pair: &&[&TrackOperation]| {
            let (off, on) = (pair[0], pair[1]);
            let last_poll = self.polls(on.seconds).next_back().unwrap();
            !off.on && last_poll < off.seconds && self.is_on(track, last_poll)
        };
        effective.windows(2).filter(is_unseen).count()
    }

    /// Returns the records of a period that are visible, newest first.
    fn visible(&self, window: Window, now: u64) -> Vec<OperationRecord> {
        let indexed = self.operations.iter().enumerate().rev();
        let visible = indexed.filter(|(_, it)| it.seconds + it.delay <= now);
        let records = visible.map(|(index, operation)| {
            let status = [SentStatus::Off, SentStatus::On][usize::from(operation.on)];
            let cloud = operation.seconds.checked_add_signed(self.skew).unwrap();
            let record = switch(&index.to_string(), status, cloud);
            let record = of(TrackRef::Id(operation.track), record);
            (cloud + EPOCH, ended(operation.outcome, record))
        });
        let in_period = records.filter(|(at, _)| (window.from..=window.until).contains(at));
        in_period.map(|(_, record)| record).collect()
    }

    fn counts(&self) -> Counts {
        let window = Window {
            from: 0,
            until: u64::MAX,
        };
        let mut counts = BTreeMap::new();
        for record in self.visible(window, u64::MAX) {
            *counts.entry((record.event(), record.outcome)).or_default() += 1;
        }
        counts
    }
}

/// The sweeps of a story, until everything is visible and read.
fn run(story: &Story, steps: &[Step]) -> (Counts, BTreeMap<u64, usize>) {
    let mut sweep = sweep_since(0);
    let (mut counts, mut unseen) = (Counts::new(), BTreeMap::from([(41, 0), (42, 0)]));
    let (mut now, mut polled) = (0, 0);
    let last = Step {
        wait: 600,
        attempt: Attempt::Succeeds,
        restarts: false,
    };
    let mut steps = steps.iter().copied().chain(std::iter::repeat(last));
    let is_read = |sweep: &Sweep, now| sweep.state().until >= at(now);
    while now < END + 2 * LATEST || !is_read(&sweep, now) {
        let step = steps.next().unwrap();
        now += step.wait;
        sweep.saw(&story.changes(polled, now));
        polled = now;
        let window = sweep.window(at(now), story.skew);
        let mut records = story.visible(window, now);
        let mut is_complete = true;
        match step.attempt {
            Attempt::IsCut(most) if window.until - window.from > OVERLAP + MINUTE => {
                is_complete = records.len() <= most;
                records.truncate(most);
            }
            Attempt::Succeeds | Attempt::IsCut(_) | Attempt::Fails => {}
            Attempt::TimesOut => sweep.timed_out(window),
        }
        if !matches!(step.attempt, Attempt::TimesOut | Attempt::Fails) {
            let began = story.polls(now).next_back().unwrap();
            let listed = |track: &TrackRef| {
                let TrackRef::Id(id) = *track else {
                    return None;
                };
                let (on, began) = (story.is_on(id, began), at(began));
                Some(ListedTrack { id, on, began })
            };
            let polls = Polls {
                settled: at(now),
                listed: &listed,
            };
            let swept = sweep.swept(window, &records, is_complete, polls, at(now), story.skew);
            for (kind, count) in swept.counts {
                *counts.entry(kind).or_default() += count;
            }
            for found in swept.unseen {
                let TrackRef::Id(id) = found.track else {
                    panic!("{found:?}");
                };
                *unseen.entry(id).or_default() += 1;
            }
        }
        if step.restarts {
            sweep = Sweep::restore(sweep.state().clone());
        }
    }
    (counts, unseen)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn each_record_and_each_unseen_switch_off_counts_once(
        mut operations in prop::collection::vec(any_operation(), 0..24),
        failed_polls in prop::collection::vec(prop::bool::weighted(0.2), 120),
        steps in prop::collection::vec(any_step(), 0..24),
        skew in prop_oneof![Just(0_i64), Just(90), Just(-60)],
    ) {
        operations.sort_by_key(|operation| operation.seconds);
        // The order of two operations in the same second is unknown.
        operations.dedup_by_key(|operation| operation.seconds);
        let story = Story { operations, failed_polls, skew };
        let (counts, unseen) = run(&story, &steps);
        assert_eq!(counts, story.counts());
        for (track, count) in unseen {
            assert_eq!(count, story.count_unseen(track), "track {track}");
        }
    }
}
