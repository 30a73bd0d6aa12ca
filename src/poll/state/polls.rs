//! The part of an account's state that records polls and the details of tracks.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{AccountState, reports};
use crate::changes::FeedUpdate;
use crate::history::{TrackChange, accrue, is_covered};
use crate::poll::details::DescribeResult;
use crate::poll::log::{self, Health};
use crate::poll::poller::PollOutcome;
use crate::snapshot::{Attribution, AttributionResult, ChangeRecord, ChangeSource, LastGood};
use crate::tencent::ListingError;

impl AccountState {
    /// Returns the tracks of a target whose details are due.
    pub(in crate::poll) fn due_for_details(&self, target: usize) -> Vec<u64> {
        let good = self.histories[target].report().last_good.as_ref();
        match (&self.details, good) {
            (Some(details), Some(good)) => details.due(&good.listing, Instant::now()),
            _ => Vec::new(),
        }
    }

    /// Records and publishes the end of a poll.
    pub(in crate::poll) async fn poll_ended(
        mut self: Box<Self>,
        outcome: PollOutcome,
    ) -> Box<Self> {
        let target = outcome.target;
        self.running_since[target] = None;
        let before = Health::of(self.histories[target].report());
        let tracks = outcome.count_tracks();
        let now = self.clock.now().wall;
        if let (Ok(_), Some(searches)) = (&outcome.result, &mut self.searches) {
            searches.listed(now);
        }
        let (state, changes) = self.update(tracks, |state| state.enter(outcome)).await;
        let after = state.histories[target].report();
        state.log.health(before, after);
        for change in &changes {
            state.log.change(change);
        }
        state.log.count_suppressed();
        if changes.is_empty() {
            return state;
        }
        let search = move |state: &mut Self| {
            let now = state.clock.now().wall;
            if let Some(searches) = &mut state.searches {
                searches.saw(changes.iter().map(Arc::as_ref));
                searches.add(changes.iter().map(Arc::as_ref), now);
            }
            FeedUpdate::default()
        };
        let (state, _) = state.update(0, search).await;
        state
    }

    /// Records and publishes polls that were due while the previous ones were still running.
    pub(in crate::poll) async fn polls_skipped(self: Box<Self>, targets: Vec<usize>) -> Box<Self> {
        let skip = move |state: &mut Self| {
            for target in targets {
                let history = &mut state.histories[target];
                history.skipped();
                log::skipped(&state.info.name, &history.report().region);
            }
            FeedUpdate::default()
        };
        let (state, _) = self.update(0, skip).await;
        state
    }

    /// Records and publishes the details of single tracks.
    pub(in crate::poll) async fn described(
        self: Box<Self>,
        results: Vec<DescribeResult>,
    ) -> Box<Self> {
        let enter = move |state: &mut Self| {
            let now = state.clock.now();
            if let Some(details) = &mut state.details {
                details.enter(results, now);
                for history in &mut state.histories {
                    history.complete(|listing| details.complete(&mut listing.tracks, now));
                }
            }
            FeedUpdate::default()
        };
        let (state, _) = self.update(0, enter).await;
        state
    }

    fn enter(&mut self, outcome: PollOutcome) -> FeedUpdate {
        let now = self.clock.now();
        let history = &mut self.histories[outcome.target];
        let good = history.report().last_good.as_ref();
        let previous = good.and_then(LastGood::known_beginning);
        let took = outcome.took;
        let changes = match outcome.result {
            Ok(mut listing) => {
                if let Some(details) = &self.details {
                    details.complete(&mut Arc::make_mut(&mut listing).tracks, now);
                }
                history.listed(listing, now, outcome.took)
            }
            Err(ListingError {
                failure,
                seen: Some(mut seen),
            }) => {
                if let Some(details) = &self.details {
                    details.complete(&mut seen, now);
                }
                history.seen(seen, failure, now, outcome.took)
            }
            Err(ListingError {
                failure,
                seen: None,
            }) => {
                history.failed(failure, now, outcome.took);
                Vec::new()
            }
        };
        let report = history.report();
        if report.is_up() {
            let interval = report.interval;
            let covered = is_covered(
                &mut self.overviews,
                &self.info,
                *self.coverage.borrow(),
                reports(&self.histories),
                interval,
                now,
            );
            self.evidence = accrue(self.evidence, now, interval, covered);
        }
        self.set_storage_targets(now);
        let region = &self.histories[outcome.target].report().region;
        let result = match self.searches {
            Some(_) => AttributionResult::Pending,
            None => AttributionResult::Off,
        };
        let record = |change| ChangeRecord {
            took,
            previous,
            attribution: Attribution::without_operation(result),
            ..record(&self.info.name, region, change, now.wall)
        };
        FeedUpdate {
            new: changes.into_iter().map(record).collect(),
            ..FeedUpdate::default()
        }
    }
}

/// Returns the record of a change that a poll proved.
fn record(account: &str, region: &str, change: TrackChange, seen: SystemTime) -> ChangeRecord {
    ChangeRecord {
        // The feed numbers its records.
        id: 0,
        account: account.to_owned(),
        region: region.to_owned(),
        track_id: change.id,
        track: change.name,
        change: change.change,
        fields: change.fields,
        seen,
        took: Duration::ZERO,
        previous: None,
        source: ChangeSource::Poll,
        attribution: Attribution::without_operation(AttributionResult::Off),
    }
}
