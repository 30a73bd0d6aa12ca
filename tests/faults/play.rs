//! Plays a fault, and examines the exporter before, during and after it.

use cloudaudit_exporter::sim::Track;

use crate::document;
use crate::row::{Claim, Numbers, Polls, Recovery, Row};
use crate::shown::Shown;

/// A stage for a fault: a cloud, and an exporter that polls it.
pub trait Stage {
    /// A point in time from which intervals are counted.
    type Mark;

    /// Starts to poll.
    async fn start(&mut self);

    /// Returns what `/metrics` shows now.
    async fn shown(&self) -> Shown;

    /// Lets a small part of an interval pass.
    async fn step(&self);

    /// Returns the existing tracks.
    fn tracks(&self) -> Vec<Track>;

    /// Returns the time of the scrape `now`.
    fn mark(&self, now: &Shown) -> Self::Mark;

    /// Returns whether this many intervals have passed.
    fn have_passed(&self, intervals: u32, since: &Self::Mark, now: &Shown) -> bool;

    /// Returns whether the shown poll began more than this many intervals after `since`.
    fn is_late(&self, intervals: u32, since: &Self::Mark, now: &Shown) -> bool;
}

/// How long a fault is examined.
#[derive(Clone, Copy)]
pub struct Look {
    /// The number of intervals after which all claims must be true.
    pub seen_within: u32,
    /// The number of further intervals for which they must stay true.
    pub seen_for: u32,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            seen_within: 2,
            seen_for: 2,
        }
    }
}

impl Row {
    /// Plays the fault, asserts its claims, and compares the documentation.
    pub async fn play<S: Stage>(
        self,
        look: Look,
        stage: &mut S,
        begins: impl AsyncFnOnce(&mut S),
        ends: impl AsyncFnOnce(&mut S),
    ) {
        let before = if self.exists_before_start {
            begins(stage).await;
            stage.start().await;
            stage.shown().await
        } else {
            stage.start().await;
            let before = healthy(stage).await;
            begins(stage).await;
            before
        };
        self.lasts(look, stage, &before).await;
        ends(stage).await;
        self.recovers_on(stage, &before).await;
        document::has(&self);
    }

    /// Asserts that the claims become true during the fault, and stay true.
    async fn lasts<S: Stage>(&self, look: Look, stage: &mut S, before: &Shown) {
        let begun = stage.mark(&stage.shown().await);
        let all: Vec<&Claim> = self.also.iter().collect();
        let first = loop {
            let now = stage.shown().await;
            let Err(untrue) = self.is_shown(&all, &now, before, &stage.tracks()) else {
                break now;
            };
            let is_over = stage.have_passed(look.seen_within, &begun, &now);
            assert!(!is_over, "{}: {untrue}", self.name);
            if self.polls == Polls::Succeed {
                let failures = now.polled().err().unwrap_or_default();
                assert!(failures.is_empty(), "{}: {failures:?}", self.name);
            }
            stage.step().await;
        };
        let seen = stage.mark(&first);
        let lasting: Vec<&Claim> = self.also.iter().filter(|it| it.is_lasting()).collect();
        let last = loop {
            let now = stage.shown().await;
            if let Err(untrue) = self.is_shown(&lasting, &now, before, &stage.tracks()) {
                panic!("{}: first shown, and then {untrue}", self.name);
            }
            if !matches!(self.numbers, Numbers::Exact | Numbers::AsListed) {
                let succeeded = (first.last_success(), now.last_success());
                assert_eq!(
                    succeeded.0, succeeded.1,
                    "{}: the last success changed",
                    self.name
                );
            }
            if stage.have_passed(look.seen_for, &seen, &now) {
                break now;
            }
            stage.step().await;
        };
        // Every poll counts under its own reason only.
        let reason = match self.polls {
            Polls::Fail(reason, _) => reason,
            Polls::Succeed => "",
        };
        let (first, last) = (first.polls(reason), last.polls(reason));
        let [polls, failed, of_any_reason] = [0, 1, 2].map(|count| last[count] - first[count]);
        let expected = if reason.is_empty() { 0.0 } else { polls };
        assert_eq!([failed, of_any_reason], [expected; 2], "{}", self.name);
    }

    /// Asserts that everything is exact in time after the fault, and stays exact.
    async fn recovers_on<S: Stage>(&self, stage: &mut S, before: &Shown) {
        let intervals = match self.recovery {
            Recovery::Intervals(intervals) => intervals,
            // On the stage where it matters, an interval is a second.
            Recovery::Seconds(seconds) => seconds,
            Recovery::AtOnce | Recovery::Restart => 1,
        };
        let ended = stage.mark(&stage.shown().await);
        let over = loop {
            let now = stage.shown().await;
            let Err(untrue) = self.is_over(&now, before, &stage.tracks()) else {
                assert!(!stage.is_late(intervals, &ended, &now), "{}", self.name);
                break stage.mark(&now);
            };
            let is_late = stage.have_passed(intervals + 2, &ended, &now);
            assert!(!is_late, "{}: not over in time: {untrue}", self.name);
            stage.step().await;
        };
        loop {
            let now = stage.shown().await;
            if let Err(untrue) = self.is_over(&now, before, &stage.tracks()) {
                panic!("{}: over, and then {untrue}", self.name);
            }
            if stage.have_passed(1, &over, &now) {
                break;
            }
            stage.step().await;
        }
    }

    /// Checks the claims about the time of the fault. Returns the first that is not true.
    fn is_shown(
        &self,
        claims: &[&Claim],
        now: &Shown,
        before: &Shown,
        tracks: &[Track],
    ) -> Result<(), String> {
        let polled = match self.polls {
            Polls::Succeed => Ok(()),
            Polls::Fail(reason, code) => Err(vec![(reason.to_owned(), code.to_owned())]),
        };
        holds(now.polled() == polled, || {
            format!("polls bring {:?}", now.polled())
        })?;
        let (listing, succeeded) = (now.listing(), now.last_success());
        let as_claimed = match self.numbers {
            Numbers::Exact => now.is_exactly(tracks) && succeeded > before.last_success(),
            Numbers::AsListed => !listing.is_empty() && succeeded > before.last_success(),
            Numbers::Restored => listing == before.listing() && succeeded > 0.0,
            Numbers::Kept => listing == before.listing() && succeeded >= before.last_success(),
            Numbers::Updated => !listing.is_empty() && succeeded >= before.last_success(),
            Numbers::Hidden => listing.is_empty() && succeeded >= before.last_success(),
            Numbers::Absent => listing.is_empty() && succeeded == 0.0,
        };
        holds(as_claimed, || {
            format!("{:?} is not true of {listing:?}", self.numbers)
        })?;
        hold(claims.iter().copied(), now, before)
    }

    fn is_over(&self, now: &Shown, before: &Shown, tracks: &[Track]) -> Result<(), String> {
        holds(now.polled() == Ok(()), || {
            format!("polls bring {:?}", now.polled())
        })?;
        holds(now.is_exactly(tracks), || {
            format!("it is not exact: {:?}", now.listing())
        })?;
        hold(&self.afterwards, now, before)
    }
}

/// Waits for a poll that shows a listing.
async fn healthy(stage: &impl Stage) -> Shown {
    let start = stage.mark(&stage.shown().await);
    loop {
        let now = stage.shown().await;
        if !now.listing().is_empty() {
            return now;
        }
        let is_late = stage.have_passed(2, &start, &now);
        assert!(!is_late, "it never became healthy: {:?}", now.polled());
        stage.step().await;
    }
}

fn hold<'a>(
    claims: impl IntoIterator<Item = &'a Claim>,
    now: &Shown,
    before: &Shown,
) -> Result<(), String> {
    claims.into_iter().try_for_each(|claim| {
        holds(claim.is_true(before, now), || {
            let Claim { series, does } = claim;
            let (was, is) = (before.values(series), now.values(series));
            format!("{series} does not {does:?}: {was:?}, now {is:?}")
        })
    })
}

fn holds(is_true: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    is_true.then_some(()).ok_or_else(otherwise)
}
