//! The state of an account, and the report that is built from it.

use std::future::pending;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::attribution::Searches;
use super::delivery::DeliveryParts;
use super::details::DetailsCache;
use super::handle::PublishHandle;
use super::log::AccountLog;
use super::poller::Poller;
use super::schedule::Schedule;
use crate::changes::FeedUpdate;
use crate::clock::{Clock, Moment};
use crate::delivery::DeliveryBook;
use crate::history::{OverviewCache, TargetHistory};
use crate::snapshot::{
    AccountInfo, ChangeRecord, Evidence, KnownTracks, OrganizationCoverage, Renewals, Report,
    TargetReport,
};

mod checks;
mod polls;
mod searches;

/// What an account knows. Every change that a report shows ends with a new report.
pub(super) struct AccountState {
    info: Arc<AccountInfo>,
    histories: Vec<TargetHistory>,
    /// When the running poll of each target began.
    running_since: Vec<Option<SystemTime>>,
    overviews: OverviewCache,
    evidence: Evidence,
    credentials_changed: Option<SystemTime>,
    /// `None` if details are disabled.
    details: Option<DetailsCache>,
    /// `None` if storage targets are not checked.
    deliveries: Option<DeliveryBook>,
    /// When the latest queries of due operations were sent.
    delivery_queries: Vec<Moment>,
    /// `None` if attribution is disabled.
    searches: Option<Searches>,
    coverage: watch::Receiver<Option<OrganizationCoverage>>,
    clock: Clock,
    log: Arc<AccountLog>,
    poller: Arc<Poller>,
    handle: Arc<PublishHandle>,
}

impl AccountState {
    /// Resumes the histories of the regions, and the evidence, deliveries and searches of the account,
    /// from the last report of the handle.
    pub(super) fn new(
        info: Arc<AccountInfo>,
        regions: &[String],
        schedule: Schedule,
        delivery: Option<&DeliveryParts>,
        coverage: watch::Receiver<Option<OrganizationCoverage>>,
        poller: Arc<Poller>,
        handle: Arc<PublishHandle>,
    ) -> Box<Self> {
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
        let book = |parts: &DeliveryParts| {
            let checked = checked.unwrap_or_default();
            let book = DeliveryBook::new(&info.name, parts.rules(), checked, now);
            book.with_app_id(parts.app_id.clone())
        };
        let attribution = known.and_then(|report| report.attribution.as_deref());
        let searches = |settings| Searches::new(settings, attribution, now.wall);
        let mut state = Box::new(Self {
            deliveries: delivery.map(book),
            delivery_queries: known.map_or_else(Vec::new, |it| it.delivery_queries.clone()),
            searches: schedule.attribution.map(searches),
            histories: regions.iter().map(history).collect(),
            running_since: vec![None; regions.len()],
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
        });
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

    /// Returns the targets by number, in the order of the configuration.
    pub(super) fn targets(&self) -> Range<usize> {
        0..self.histories.len()
    }

    pub(super) fn region(&self, target: usize) -> Arc<str> {
        Arc::from(self.histories[target].report().region.as_str())
    }

    /// Begins a poll of a target. Returns the tracks that the listing has to account for.
    pub(super) fn poll_begins(&mut self, target: usize) -> KnownTracks {
        self.running_since[target] = Some(self.clock.now().wall);
        self.histories[target].known()
    }

    /// Returns whether the last poll of every target succeeded.
    pub(super) fn is_up(&self) -> bool {
        let mut histories = self.histories.iter();
        histories.all(|history| history.report().is_up())
    }

    /// Resumes the searches, and publishes what is known.
    pub(super) async fn publish(self: Box<Self>) -> Box<Self> {
        let resume = |state: &mut Self| {
            state.show_operators();
            state.resume_searches()
        };
        let (state, _) = self.update(0, resume).await;
        state
    }

    /// Changes the state, and publishes it with the update of the feed that `change` returns. Returns
    /// the new and the changed records once it is published, and none if the account was stopped. If
    /// the account has many tracks, before or after the change, this runs on a thread that may block.
    async fn update(
        mut self: Box<Self>,
        new_tracks: usize,
        change: impl FnOnce(&mut Self) -> FeedUpdate + Send + 'static,
    ) -> (Box<Self>, Vec<Arc<ChangeRecord>>) {
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
                .as_ref()
                .and_then(|credentials| credentials.changed)
                .or(self.credentials_changed),
            renewals: credentials.map(|credentials| Renewals {
                expires: credentials.expires,
                refreshes: credentials.refreshes,
                failures: credentials.failures,
                failure: credentials.failure,
            }),
            overviews,
            evidence: self.evidence,
            deliveries: self.deliveries.as_ref().map(DeliveryBook::reports),
            delivery_queries: self.delivery_queries.clone(),
            attribution: self.searches.as_mut().map(Searches::report),
        }
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
