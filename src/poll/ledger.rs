//! What an account knows, and the report that is published of it.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::asker::{Asker, Outcome};
use super::details::{DetailsBook, Told};
use super::log::{self, AccountLog};
use super::schedule::Schedule;
use super::seat::Seat;
use crate::clock::{Clock, Moment};
use crate::history::{Sums, TargetHistory, is_covered, vouch};
use crate::snapshot::{AccountInfo, Evidence, KnownTracks, Renewals, Report, TargetReport};
use crate::tencent::{Client, ListingError};

/// What an account knows, says and publishes.
pub(super) struct Ledger<P> {
    info: Arc<AccountInfo>,
    histories: Vec<TargetHistory>,
    sums: Sums,
    evidence: Evidence,
    credentials_changed: Option<SystemTime>,
    /// None where nobody wants more than listings tell.
    details: Option<DetailsBook>,
    clock: Clock,
    log: Arc<AccountLog>,
    seat: Arc<Seat<P>>,
}

impl<P: FnMut(Report, Moment)> Ledger<P> {
    /// Goes on from what was published last, region by region.
    pub(super) fn new(
        info: Arc<AccountInfo>,
        regions: &[String],
        schedule: Schedule,
        client: &Client,
        seat: Arc<Seat<P>>,
    ) -> Self {
        let clock = client.clock().clone();
        let now = clock.now();
        let known = seat.memory().report;
        let history = |region: &String| {
            let mut targets = known.iter().flat_map(|report| &report.targets);
            let target = targets.find(|target| target.region == *region);
            let (interval, retention) = (schedule.interval, schedule.retention);
            match target {
                Some(known) => TargetHistory::resume(known.clone(), interval, retention, now),
                None => TargetHistory::new(region.clone(), interval, retention),
            }
        };
        let histories = regions.iter().map(history).collect();
        // A key that never changes is taken up where the account begins.
        let taken_up = || client.credentials().is_none().then_some(now.wall);
        let known = known.as_ref();
        let log = Arc::new(AccountLog::new(&info.name));
        Self {
            info,
            histories,
            sums: Sums::default(),
            evidence: known.map_or_else(Evidence::default, |report| report.evidence),
            credentials_changed: known
                .and_then(|report| report.credentials_changed)
                .or_else(taken_up),
            details: schedule.details_interval.map(DetailsBook::new),
            clock,
            log,
            seat,
        }
    }

    pub(super) fn log(&self) -> &Arc<AccountLog> {
        &self.log
    }

    pub(super) fn account(&self) -> &str {
        &self.info.name
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The targets by number, in the order of the configuration.
    pub(super) fn targets(&self) -> Range<usize> {
        0..self.histories.len()
    }

    pub(super) fn region(&self, target: usize) -> Arc<str> {
        Arc::from(self.histories[target].report().region.as_str())
    }

    /// The tracks that the next listing of a target has to account for.
    pub(super) fn known(&self, target: usize) -> KnownTracks {
        self.histories[target].known()
    }

    /// Whether the last poll of every target brought a listing.
    pub(super) fn is_up(&self) -> bool {
        let mut histories = self.histories.iter();
        histories.all(|history| history.report().is_up())
    }

    /// A poll was due while the one before was running.
    pub(super) fn skipped(&mut self, target: usize) {
        let history = &mut self.histories[target];
        history.skipped();
        log::skipped(&self.info.name, &history.report().region);
    }

    /// A poll has ended.
    pub(super) fn enter(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        let history = &mut self.histories[outcome.target];
        let before = history.report().clone();
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
        let (is_up, interval) = (history.report().is_up(), history.report().interval);
        self.log.state(&before, history.report());
        for change in &changes {
            self.log.change(&before.region, change);
        }
        self.log.count_the_rest();
        if is_up {
            let covered = is_covered(
                &mut self.sums,
                &self.info,
                reports(&self.histories),
                interval,
                now,
            );
            self.evidence = vouch(self.evidence, now, interval, covered);
        }
    }

    /// The tracks of a target that are to be asked for by themselves.
    pub(super) fn due_for_details(&self, target: usize) -> Vec<u64> {
        let good = self.histories[target].report().last_good.as_ref();
        match (&self.details, good) {
            (Some(details), Some(good)) => details.due(&good.listing, Instant::now()),
            _ => Vec::new(),
        }
    }

    /// What was told of single tracks.
    pub(super) fn detailed(&mut self, told: Vec<Told>) {
        let now = self.clock.now();
        if let Some(details) = &mut self.details {
            details.enter(told, now);
            for history in &mut self.histories {
                history.complete(|listing| details.complete(&mut listing.tracks, now));
            }
        }
    }

    /// Publishes all that is known, now. Returns when it is published.
    pub(super) async fn publish(&mut self, asker: &Asker)
    where
        P: Send + 'static,
    {
        let (report, now) = (self.report(asker), self.clock.now());
        if count_tracks(&report) <= FEW_TRACKS {
            self.seat.publish(report, now);
            return;
        }
        let seat = Arc::clone(&self.seat);
        let published = spawn_blocking(move || seat.publish(report, now)).await;
        if let Err(error) = published
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }

    /// Publishes what an account begins with, however large it is.
    pub(super) fn publish_first(&mut self, asker: &Asker) {
        let report = self.report(asker);
        self.seat.publish(report, self.clock.now());
    }

    fn report(&mut self, asker: &Asker) -> Report {
        let overviews = self.sums.overviews(&self.info, reports(&self.histories));
        let targets = self.histories.iter();
        let renewals = asker.credentials();
        Report {
            account: Arc::clone(&self.info),
            owner: asker.owner(),
            targets: targets.map(|history| history.report().clone()).collect(),
            api: asker.api(),
            requests_per_second: asker.requests_per_second(),
            credentials_changed: renewals
                .and_then(|renewals| renewals.changed)
                .or(self.credentials_changed),
            renewals: renewals.map(|renewals| Renewals {
                expires: renewals.expires,
                refreshes: renewals.refreshes,
                failures: renewals.failures,
            }),
            overviews,
            evidence: self.evidence,
            shown_evidence: self.evidence,
        }
    }
}

/// Tracks, listed or deleted, of a report that is rendered on a thread of the runtime: that takes
/// less than a millisecond. A larger report is rendered on a thread that may be blocked.
const FEW_TRACKS: usize = 100;

fn count_tracks(report: &Report) -> usize {
    let targets = report.targets.iter();
    let tracks = targets.map(|target| {
        let good = target.last_good.as_ref();
        good.map_or(0, |good| good.listing.tracks.len()) + target.past.tombstones.len()
    });
    tracks.sum()
}

fn reports(histories: &[TargetHistory]) -> impl Iterator<Item = &TargetReport> {
    histories.iter().map(TargetHistory::report)
}
