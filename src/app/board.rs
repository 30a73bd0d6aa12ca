//! What the listener shows, and the accounts write on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc, oneshot};
use tokio::time::Instant;

use super::kept::{Kept, State, shown};
use crate::clock::{Clock, Moment};
use crate::config::Config;
use crate::fleet::{Audience, Publish};
use crate::http::{Content, Reload};
use crate::logging::Log;
use crate::process::Process;
use crate::publisher::Publisher;
use crate::pulse::{Pulse, Pulses};
use crate::shard::Shard;
use crate::snapshot::{AccountInfo, Report};
use crate::state::Written;
use crate::web_config::WebConfig;

/// How many requests for a reload may wait for the one before.
const MAX_WAITING: usize = 16;

/// A request to reload, answered when it is done.
pub(super) type Request = oneshot::Sender<Result<(), String>>;

/// The process's own metrics, what accounts publish, and whether all is well.
pub(super) struct Board {
    pub(super) publisher: Arc<Publisher>,
    pub(super) process: Arc<Process>,
    /// Held by whoever changes over to other accounts, and shared by those who look.
    changing: RwLock<()>,
    shard: Shard,
    pub(super) pulses: Pulses,
    pub(super) clock: Clock,
    /// None where nothing outlives the process.
    pub(super) kept: Option<Arc<Kept>>,
    /// Has a certificate, where TLS is spoken.
    pub(super) web_config: Option<Arc<WebConfig>>,
    /// Counts the lines that it had to drop.
    pub(super) log: Option<Log>,
    /// None where nobody may ask for a reload over HTTP.
    reloads: Option<mpsc::Sender<Request>>,
    /// Organisations whose members nobody knows yet, and until when they are waited for.
    awaited: Mutex<BTreeMap<String, Instant>>,
    /// Whether it was ready once: a later configuration does not take that back.
    was_ready: AtomicBool,
}

impl Board {
    /// Nothing is shown yet, and a reload cannot be asked for.
    pub(super) fn new(clock: Clock, shard: Shard) -> Self {
        let process = Process::new();
        process.is_shard(shard.ordinal(), shard.total());
        Self {
            publisher: Publisher::new(),
            process: Arc::new(process),
            changing: RwLock::default(),
            shard,
            pulses: Pulses::new(clock.now().steady),
            clock,
            kept: None,
            web_config: None,
            log: None,
            reloads: None,
            awaited: Mutex::default(),
            was_ready: AtomicBool::new(false),
        }
    }

    /// What outlives the process from here on, and what was left by another.
    pub(super) fn keep(&mut self, state: Option<&State>) {
        self.kept = state.map(|state| {
            let kept = Kept::default();
            kept.are(
                state
                    .restored
                    .iter()
                    .map(|(account, report)| (account, report.evidence)),
            );
            Arc::new(kept)
        });
    }

    /// Waits for the right to change accounts: until the guard is dropped, expositions and reports
    /// wait, and so show all of the change or nothing.
    pub(super) async fn begin_change(&self) -> RwLockWriteGuard<'_, ()> {
        self.changing.write().await
    }

    /// Keeps the accounts as they are until it is dropped. Blocks the thread during a change.
    fn unchanged(&self) -> RwLockReadGuard<'_, ()> {
        self.changing.blocking_read()
    }

    /// The reports of all accounts, for a task of the runtime.
    pub(super) async fn known(&self) -> Vec<Arc<Report>> {
        let _unchanged = self.changing.read().await;
        self.publisher.reports()
    }

    /// A configuration is in use, and published.
    pub(super) fn configured(&self, config: &Config, targets: usize) {
        let now = self.clock.now().wall;
        self.process.configured(config.hash(), targets, now);
    }

    /// The state file was written, or why not.
    pub(super) fn state_written(&self, written: Result<Written<'_>, &str>) {
        self.process
            .state_written(written.map(|written| written.began));
        if let (Some(kept), Ok(written)) = (&self.kept, written) {
            let reports = written.reports.iter();
            kept.are(reports.map(|report| (&report.account.name, report.evidence)));
        }
    }

    /// Changed by insertions and removals, which do not panic half-way.
    fn awaited(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody who can reach the listener ask for a reload; gives their requests.
    pub(super) fn take_requests(&mut self) -> mpsc::Receiver<Request> {
        let (sender, requests) = mpsc::channel(MAX_WAITING);
        self.reloads = Some(sender);
        requests
    }
}

impl Content for Board {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        let gate = self.web_config.as_ref();
        if let Some(expires) = gate.and_then(|gate| gate.certificate_expires()) {
            self.process.certificate_expires(expires);
        }
        if let Some(log) = &self.log {
            self.process.log_lines_dropped(log.take_dropped());
        }
        let _unchanged = self.unchanged();
        self.publisher
            .exposition(gzip, &self.process.exposition(), self.clock.now())
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        let _unchanged = self.unchanged();
        self.publisher.reports()
    }

    fn part(&self) -> Option<String> {
        self.shard.has_others().then(|| self.shard.to_string())
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
        self.pulses.feel(self.clock.now().steady)
    }

    fn reload(&self) -> Option<Reload> {
        let reloads = self.reloads.clone()?;
        Some(Box::pin(async move {
            let (request, done) = oneshot::channel();
            // Where nobody takes the request or answers it, the process is on its way out.
            drop(reloads.send(request).await);
            done.await
                .unwrap_or_else(|_| Err("the exporter is stopping".to_owned()))
        }))
    }

    fn answered(&self, handler: &'static str, code: u16) {
        self.process.answered(handler, code);
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

impl Audience for Board {
    fn admit(&self, account: &Arc<AccountInfo>) -> Publish {
        let mut account = self.publisher.account(Arc::clone(account));
        let kept = self.kept.clone();
        Box::new(move |report, now| account.publish(shown(report, kept.as_ref()), now))
    }

    fn started(&self, account: &str, pulse: &Arc<Pulse>) {
        self.process.account_added(account);
        self.pulses.watch(account, Arc::clone(pulse));
    }

    fn restarted(&self, account: &str) {
        self.process.account_restarted(account);
    }

    fn withdraw(&self, account: &str) {
        self.pulses.forget(account);
        self.process.account_removed(account);
        self.publisher.withdraw(account, self.clock.now());
    }

    fn asked(&self, organization: &str, refresh: Duration, known: bool) {
        self.process.organization_added(organization, refresh);
        if !known {
            // As long as a target is waited for: a full interval.
            let until = self.clock.now().steady + refresh;
            let mut awaited = self.awaited();
            awaited.entry(organization.to_owned()).or_insert(until);
        }
    }

    fn refreshed(&self, organization: &str, members: Option<usize>) {
        let now = self.clock.now().wall;
        self.process
            .organization_refreshed(organization, members, now);
        if members.is_some() {
            self.awaited().remove(organization);
        }
    }

    fn disbanded(&self, organization: &str) {
        self.process.organization_removed(organization);
        self.awaited().remove(organization);
    }
}
