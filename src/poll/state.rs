//! The state of an account, and the report that is built from it.

use std::future::pending;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::attribution::Searches;
use super::delivery::CheckEnd;
use super::details::{DescribeResult, DetailsCache};
use super::handle::PublishHandle;
use super::log::{self, AccountLog, Health};
use super::poller::{PollOutcome, Poller};
use super::schedule::Schedule;
use crate::changes::FeedUpdate;
use crate::clock::{Clock, Moment};
use crate::delivery::{DeliveryBook, Job, Rules, storage_targets};
use crate::history::{OverviewCache, TargetHistory, TrackChange, accrue, is_covered};
use crate::snapshot::{
    AccountInfo, Attribution, AttributionResult, ChangeRecord, ChangeSource, Evidence, KnownTracks,
    LastGood, OrganizationCoverage, Renewals, Report, TargetReport,
};
use crate::tencent::ListingError;

mod searches;

/// What an account knows. Every change of it ends with a new report.
pub(super) struct AccountState {
    info: Arc<AccountInfo>,
    histories: Vec<TargetHistory>,
    overviews: OverviewCache,
    evidence: Evidence,
    credentials_changed: Option<SystemTime>,
    /// `None` if details are disabled.
    details: Option<DetailsCache>,
    /// `None` if storage targets are not checked.
    deliveries: Option<DeliveryBook>,
    /// `None` if attribution is disabled.
    searches: Option<Searches>,
    coverage: watch::Receiver<Option<OrganizationCoverage>>,
    clock: Clock,
    log: Arc<AccountLog>,
    poller: Arc<Poller>,
    handle: Arc<PublishHandle>,
}

impl AccountState {
    /// Resumes from the last report of the handle, region by region.
    pub(super) fn new(
        info: Arc<AccountInfo>,
        regions: &[String],
        schedule: Schedule,
        delivery: Option<Rules>,
        coverage: watch::Receiver<Option<OrganizationCoverage>>,
        poller: Arc<Poller>,
        handle: Arc<PublishHandle>,
    ) -> Self {
        let clock = poller.client().clock().clone();
        let now = clock.now();
        let known = handle.memory().report;
        let known = known.as_deref();
        let history = |region: &String| {
            let mut targets = known.iter().flat_map(|report| &report.targets);
            let target = targets.find(|target| target.region == *region);
            let (interval, retention) = (schedule.interval, schedule.retention);
            match target {
                Some(known) => TargetHistory::resume(known.clone(), interval, retention, now),
                None => TargetHistory::new(region.clone(), interval, retention),
            }
        };
        // A key that never changes has been in use since the account started.
        let key_begins = || poller.credentials().is_none().then_some(now.wall);
        let checked = known.and_then(|report| report.deliveries.as_deref());
        let book = |rules| DeliveryBook::new(&info.name, rules, checked.unwrap_or_default(), now);
        let attribution = known.and_then(|report| report.attribution.as_deref());
        let searches = |settings| Searches::new(settings, attribution, now.wall);
        let mut state = Self {
            deliveries: delivery.map(book),
            searches: schedule.attribution.map(searches),
            histories: regions.iter().map(history).collect(),
            overviews: OverviewCache::default(),
            evidence: known.map_or_else(Evidence::default, |report| report.evidence),
            credentials_changed: known
                .and_then(|report| report.credentials_changed)
                .or_else(key_begins),
            details: schedule.details_interval.map(DetailsCache::new),
            info,
            coverage,
            clock,
            log: Arc::clone(poller.log()),
            poller,
            handle,
        };
        state.set_storage_targets(now);
        state
    }

    pub(super) fn account(&self) -> &str {
        &self.info.name
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(super) fn poller(&self) -> &Arc<Poller> {
        &self.poller
    }

    /// The targets by number, in the order of the configuration.
    pub(super) fn targets(&self) -> Range<usize> {
        0..self.histories.len()
    }

    pub(super) fn region(&self, target: usize) -> Arc<str> {
        Arc::from(self.histories[target].report().region.as_str())
    }

    /// Returns the tracks that the next listing of a target has to account for.
    pub(super) fn known(&self, target: usize) -> KnownTracks {
        self.histories[target].known()
    }

    /// Returns whether the last poll of every target succeeded.
    pub(super) fn is_up(&self) -> bool {
        let mut histories = self.histories.iter();
        histories.all(|history| history.report().is_up())
    }

    /// Returns the tracks of a target whose details are due.
    pub(super) fn due_for_details(&self, target: usize) -> Vec<u64> {
        let good = self.histories[target].report().last_good.as_ref();
        match (&self.details, good) {
            (Some(details), Some(good)) => details.due(&good.listing, Instant::now()),
            _ => Vec::new(),
        }
    }

    /// Publishes what is known at the start.
    pub(super) async fn publish(self) -> Self {
        let resume = |state: &mut Self| {
            state.show_operators();
            state.resume_searches()
        };
        let (state, _) = self.update(0, resume).await;
        state
    }

    /// Records and publishes the end of a poll.
    pub(super) async fn poll_ended(self, outcome: PollOutcome) -> Self {
        let target = outcome.target;
        let before = Health::of(self.histories[target].report());
        let tracks = outcome.count_tracks();
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
                searches.add(changes.iter().map(Arc::as_ref), now);
            }
            FeedUpdate::default()
        };
        let (state, _) = state.update(0, search).await;
        state
    }

    /// Begins the check that is due for the longest time, if any. The caller makes the check.
    pub(super) fn begin_check(&mut self) -> Option<Job> {
        let now = self.clock.now();
        self.deliveries.as_mut()?.begin(now)
    }

    /// Returns when the next check is due.
    pub(super) fn next_check(&self) -> Option<Instant> {
        self.deliveries.as_ref()?.next_due()
    }

    /// Records and publishes the end of a check.
    pub(super) async fn checked(self, end: CheckEnd) -> Self {
        let CheckEnd { job, result, due } = end;
        let enter = move |state: &mut Self| {
            let now = state.clock.now();
            let book = state.deliveries.as_mut();
            if let Some([before, after]) = book.and_then(|book| book.end(&job, result, due, now)) {
                state.log.delivery(&before, &after);
            }
            FeedUpdate::default()
        };
        let (state, _) = self.update(0, enter).await;
        state.log.count_suppressed();
        state
    }

    /// Records and publishes polls that were due while the previous ones were still running.
    pub(super) async fn polls_skipped(self, targets: Vec<usize>) -> Self {
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
    pub(super) async fn described(self, results: Vec<DescribeResult>) -> Self {
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

    /// Changes the state, and publishes it with the update of the feed that `change` returns. Returns
    /// the new and the changed records when it is published. If the account has many tracks, before or
    /// after the change, this runs on a thread that may block.
    async fn update(
        mut self,
        new_tracks: usize,
        change: impl FnOnce(&mut Self) -> FeedUpdate + Send + 'static,
    ) -> (Self, Vec<Arc<ChangeRecord>>) {
        let tracks = count_tracks(&self.histories).max(new_tracks);
        let update = move || {
            let update = change(&mut self);
            let report = Arc::new(self.report());
            let changed = self.handle.publish(report, update, self.clock.now());
            (self, changed)
        };
        if tracks <= FEW_TRACKS {
            return update();
        }
        match spawn_blocking(update).await {
            Ok(updated) => updated,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime shuts down, and this task with it.
                Err(_) => pending().await,
            },
        }
    }

    fn enter(&mut self, outcome: PollOutcome) -> FeedUpdate {
        let now = self.clock.now();
        let history = &mut self.histories[outcome.target];
        let good = history.report().last_good.as_ref();
        let previous = good.and_then(LastGood::known_at);
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
            previous,
            attribution: Attribution::without_operation(result),
            ..record(&self.info.name, region, change, now.wall)
        };
        FeedUpdate {
            new: changes.into_iter().map(record).collect(),
            ..FeedUpdate::default()
        }
    }

    /// Passes the storage targets of the latest listings to the checks.
    fn set_storage_targets(&mut self, now: Moment) {
        if let Some(book) = &mut self.deliveries
            && let Some(targets) = storage_targets(reports(&self.histories), now)
        {
            book.set_targets(targets, now);
        }
    }

    fn report(&mut self) -> Report {
        let coverage = *self.coverage.borrow();
        let targets = reports(&self.histories);
        let overviews = self.overviews.overviews(&self.info, coverage, targets);
        let credentials = self.poller.credentials();
        Report {
            account: Arc::clone(&self.info),
            owner: self.poller.owner(),
            targets: reports(&self.histories).cloned().collect(),
            api: self.poller.api(),
            requests_per_second: self.poller.requests_per_second(),
            credentials_changed: credentials
                .and_then(|credentials| credentials.changed)
                .or(self.credentials_changed),
            renewals: credentials.map(|credentials| Renewals {
                expires: credentials.expires,
                refreshes: credentials.refreshes,
                failures: credentials.failures,
            }),
            overviews,
            evidence: self.evidence,
            deliveries: self.deliveries.as_ref().map(DeliveryBook::reports),
            attribution: self.searches.as_mut().map(Searches::report),
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
        previous: None,
        source: ChangeSource::Poll,
        attribution: Attribution::without_operation(AttributionResult::Off),
    }
}

/// Up to this many tracks, listed or deleted, take less than a millisecond to compare and to render,
/// which a thread of the runtime may spend.
const FEW_TRACKS: usize = 100;

fn count_tracks(histories: &[TargetHistory]) -> usize {
    let tracks = reports(histories).map(|target| {
        let good = target.last_good.as_ref();
        good.map_or(0, |good| good.listing.tracks.len()) + target.past.tombstones.len()
    });
    tracks.sum()
}

fn reports(histories: &[TargetHistory]) -> impl Iterator<Item = &TargetReport> {
    histories.iter().map(TargetHistory::report)
}
