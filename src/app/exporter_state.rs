//! The state of the exporter that the listener shows and the accounts update.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::persisted::{PersistedEvidence, State};
use crate::changes::ChangeFeed;
use crate::clock::{Clock, Moment};
use crate::config::Config;
use crate::failure::Failure;
use crate::fleet::FleetObserver;
use crate::heartbeat::{Heartbeat, Heartbeats};
use crate::http::{Content, Forget, Reload};
use crate::logging::Log;
use crate::poll::Publish;
use crate::process::Process;
use crate::publisher::Publisher;
use crate::shard::Shard;
use crate::snapshot::{AccountInfo, ChangeRecord, ExporterInfo, Report};
use crate::state::{Known, Written};
use crate::web_config::WebConfig;

/// The most requests that wait for the previous one.
const MAX_WAITING_REQUESTS: usize = 16;

/// A request over HTTP, which gets the result.
pub(super) enum Request {
    Reload(oneshot::Sender<Result<(), String>>),
    Forget {
        account: String,
        track_id: u64,
        done: oneshot::Sender<Result<String, String>>,
    },
}

/// The metrics of the process, the reports of the accounts, and health.
pub(super) struct ExporterState {
    pub(super) publisher: Arc<Publisher>,
    pub(super) process: Arc<Process>,
    changes: Arc<ChangeFeed>,
    shard: Shard,
    started: SystemTime,
    pub(super) heartbeats: Heartbeats,
    pub(super) clock: Clock,
    /// `None` without a state file.
    pub(super) persisted: Option<Arc<PersistedEvidence>>,
    /// Has a certificate if the listener uses TLS.
    pub(super) web_config: Option<Arc<WebConfig>>,
    /// Counts dropped lines.
    pub(super) log: Option<Log>,
    /// `None` if changes over HTTP are disabled.
    requests: Option<mpsc::Sender<Request>>,
    /// Organizations whose members are not known yet, and until when readiness waits for them.
    awaited: Mutex<BTreeMap<String, Instant>>,
    /// Whether it was ready once. It stays ready over reloads.
    was_ready: AtomicBool,
}

impl ExporterState {
    /// Creates a state without accounts, and with changes over HTTP disabled.
    pub(super) fn new(clock: Clock, config: &Config) -> Self {
        let shard = config.shard;
        let process = Process::new();
        process.set_shard(shard.ordinal(), shard.total());
        Self {
            publisher: Publisher::new(),
            process: Arc::new(process),
            changes: Arc::new(ChangeFeed::new(config.keep_changes)),
            shard,
            started: clock.now().wall,
            heartbeats: Heartbeats::new(clock.now().steady),
            clock,
            persisted: None,
            web_config: None,
            log: None,
            requests: None,
            awaited: Mutex::default(),
            was_ready: AtomicBool::new(false),
        }
    }

    /// Restores the change feed of the state file.
    pub(super) fn restore_changes(&self, changes: Vec<ChangeRecord>) {
        self.changes.restore(changes, self.clock.now().wall);
    }

    /// Limits the evidence that is shown to what the state file holds.
    pub(super) fn set_persisted(&mut self, state: Option<&State>) {
        self.persisted = state.map(|state| {
            let persisted = PersistedEvidence::default();
            persisted.replace(
                state
                    .restored
                    .iter()
                    .map(|(account, report)| (account, report.evidence)),
            );
            Arc::new(persisted)
        });
    }

    /// Begins a change of accounts. Expositions and reports show all of the change or nothing, and do
    /// not wait for it.
    pub(super) async fn swap_atomically(self: &Arc<Self>) -> Swap {
        let swap = Swap(Arc::clone(self));
        let begin = |it: &Self| {
            it.publisher
                .begin_change(|| it.own_series(), it.clock.now());
        };
        self.off_the_runtime(begin).await;
        swap
    }

    /// Runs work that takes longer than a thread of the runtime may block.
    async fn off_the_runtime(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        let own = Arc::clone(self);
        if let Err(error) = spawn_blocking(move || work(&own)).await
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }

    /// Returns what the state file persists.
    pub(super) fn known(&self) -> Known {
        Known {
            reports: self.publisher.reports(),
            changes: self.changes(),
        }
    }

    fn own_series(&self) -> Vec<Bytes> {
        self.update_process();
        self.process.parts().into()
    }

    /// Records that a configuration is in use.
    pub(super) fn configured(&self, config: &Config, targets: usize) {
        let now = self.clock.now().wall;
        self.changes.set_keep(config.keep_changes, now);
        self.process.configured(config.hash(), targets, now);
    }

    /// Records a write of the state file.
    pub(super) fn state_written(&self, written: Result<Written<'_>, &str>) {
        self.process
            .state_written(written.map(|written| written.began));
        if let (Some(persisted), Ok(written)) = (&self.persisted, written) {
            let reports = written.reports.iter();
            persisted.replace(reports.map(|report| (&report.account.name, report.evidence)));
        }
    }

    /// Ends the wait for an organization, whose members are now accounts.
    pub(super) fn members_applied(&self, organization: &str) {
        self.awaited().remove(organization);
    }

    /// It is changed by insertions and removals, so a poisoned lock is consistent.
    fn awaited(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Updates the metrics of the process that other parts of it know.
    fn update_process(&self) {
        let web_config = self.web_config.as_ref();
        if let Some(expires) = web_config.and_then(|it| it.certificate_expires()) {
            self.process.certificate_expires(expires);
        }
        if let Some(log) = &self.log {
            self.process.log_lines_dropped(log.take_dropped());
        }
    }

    /// Enables changes over HTTP. Returns the requests.
    pub(super) fn enable_requests(&mut self) -> mpsc::Receiver<Request> {
        let (sender, requests) = mpsc::channel(MAX_WAITING_REQUESTS);
        self.requests = Some(sender);
        requests
    }
}

/// A change of accounts, which shows at its end.
pub(super) struct Swap(Arc<ExporterState>);

impl Swap {
    /// Shows the change. Without this, dropping shows it too, but the next scrape takes longer.
    pub(super) async fn finish(self) {
        let show = |it: &ExporterState| {
            it.publisher
                .prepare_change(|| it.own_series(), it.clock.now());
            it.publisher.end_change();
        };
        self.0.off_the_runtime(show).await;
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        self.0.publisher.end_change();
    }
}

impl Content for ExporterState {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        self.publisher
            .scrape(gzip, || self.own_series(), self.clock.now())
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        self.publisher.reports()
    }

    fn exporter_info(&self) -> ExporterInfo {
        self.update_process();
        ExporterInfo {
            started: Some(self.started),
            shard: self.shard.is_sharded().then(|| self.shard.to_string()),
            ..self.process.info()
        }
    }

    fn changes(&self) -> Arc<[Arc<ChangeRecord>]> {
        self.changes.latest(self.clock.now().wall)
    }

    fn ready(&self) -> Result<(), Vec<String>> {
        let now = self.clock.now().steady;
        let reasons: Vec<String> = self
            .awaited()
            .iter()
            .filter(|(_, until)| now < **until)
            .map(|(name, _)| format!("organization {name}: its members are not known yet"))
            .collect();
        if !reasons.is_empty() && !self.was_ready.load(Ordering::Relaxed) {
            return Err(reasons);
        }
        self.publisher.ready(self.clock.now())?;
        self.was_ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn healthy(&self) -> Result<(), String> {
        self.heartbeats.check(self.clock.now().steady)
    }

    fn reload(&self) -> Option<Reload> {
        let requests = self.requests.clone()?;
        Some(Box::pin(async move {
            let (done, result) = oneshot::channel();
            // If the request is not received or not answered, the process is stopping.
            drop(requests.send(Request::Reload(done)).await);
            result
                .await
                .unwrap_or_else(|_| Err("the exporter is stopping".to_owned()))
        }))
    }

    fn forget(&self, account: String, track_id: u64) -> Option<Forget> {
        let requests = self.requests.clone()?;
        Some(Box::pin(async move {
            let (done, result) = oneshot::channel();
            let request = Request::Forget {
                account,
                track_id,
                done,
            };
            drop(requests.send(request).await);
            result.await.ok()
        }))
    }

    fn record_request(&self, handler: &'static str, code: u16) {
        self.process.answered(handler, code);
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

impl FleetObserver for ExporterState {
    fn publisher_for(&self, account: &Arc<AccountInfo>) -> Publish {
        let mut account = self.publisher.account(Arc::clone(account));
        let persisted = self.persisted.clone();
        Box::new(move |report, now| {
            let evidence = match &persisted {
                // Evidence beyond the account's own evidence belongs to an earlier account of the
                // same name.
                Some(persisted) => Some(persisted.of(&report.account.name))
                    .filter(|evidence| evidence.observed <= report.evidence.observed)
                    .unwrap_or_default(),
                None => report.evidence,
            };
            account.publish(report, evidence, now);
        })
    }

    fn change_feed(&self) -> Arc<ChangeFeed> {
        Arc::clone(&self.changes)
    }

    fn account_started(&self, account: &str, heartbeat: &Arc<Heartbeat>) {
        self.process.account_added(account);
        self.heartbeats.watch(account, Arc::clone(heartbeat));
    }

    fn account_restarted(&self, account: &str) {
        self.process.account_restarted(account);
    }

    fn account_removed(&self, account: &str) {
        self.heartbeats.unwatch(account);
        self.process.account_removed(account);
        self.publisher.withdraw(account, self.clock.now());
    }

    fn organization_added(&self, organization: &str, refresh: Duration, known: bool) {
        self.process.organization_added(organization, refresh);
        if !known {
            // A full interval, as for a target.
            let until = self.clock.now().steady + refresh;
            let mut awaited = self.awaited();
            awaited.entry(organization.to_owned()).or_insert(until);
        }
    }

    fn organization_refreshed(&self, organization: &str, members: Result<usize, &Failure>) {
        let now = self.clock.now().wall;
        self.process
            .organization_refreshed(organization, members, now);
    }

    fn organization_removed(&self, organization: &str) {
        self.process.organization_removed(organization);
        self.awaited().remove(organization);
    }
}
