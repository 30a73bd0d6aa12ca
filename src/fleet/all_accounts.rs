//! All accounts of a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::account_task::AccountTask;
use super::endpoints::{account_endpoints, organization_endpoints};
use super::environment::Environment;
use super::observer::FleetObserver;
use super::organizations::{self, Organizations, Start};
use super::prepared_account::PreparedAccount;
use super::rates;
use super::shared_resources::SharedResources;
use super::transport_pool::{HttpsTransport, TransportFactory};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::hash::stable_hash;
use crate::organization::{DiscoveryResult, duplicate_warnings};
use crate::poll::{Memory, PublishHandle};
use crate::snapshot::Report;
use crate::tencent::Observer;

/// First polls start so far apart, fifty a second, so that a large fleet does not begin with a
/// burst.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// Accounts that are started or ended before other tasks get their turn: about a millisecond.
const ACCOUNTS_IN_A_ROW: usize = 16;

/// How long a reload may take to find out which accounts the keys belong to. What is not known by
/// then is found out by the polls.
const IDENTIFY_TIME: Duration = Duration::from_secs(5);

/// So many accounts are identified at a time.
const MAX_CONCURRENT: usize = 64;

/// The accounts that poll, and what they share. Dropped, they end.
pub struct Fleet {
    shared: SharedResources,
    process: Arc<dyn Observer>,
    observer: Arc<dyn FleetObserver>,
    accounts: BTreeMap<String, AccountTask>,
    organizations: Organizations,
    /// What runs now.
    config: Option<Config>,
    /// No first poll comes earlier: see [`STARTUP_DELAY`](crate::shard::STARTUP_DELAY).
    settled: Instant,
    /// What an earlier process knew of the accounts, until the first of ours begin.
    restored: BTreeMap<String, Report>,
}

/// A configuration that can be taken up: nothing of it can fail any more.
pub struct Plan {
    /// In the order of their first polls: by a stable hash, so that a restart finds everybody in
    /// the same place.
    accounts: Vec<Step>,
    organizations: Vec<organizations::Step>,
    https: Option<HttpsTransport>,
    config: Config,
}

/// What becomes of an account of the configuration.
enum Step {
    Keep(String),
    Start(Box<PreparedAccount>),
}

impl Fleet {
    /// Nobody polls yet. `factory` makes the transports to the cloud, `process` is told of every call,
    /// and `observer` is shown what comes of them.
    pub fn new(
        environment: &Environment,
        clock: &Clock,
        factory: TransportFactory,
        process: Arc<dyn Observer>,
        observer: Arc<dyn FleetObserver>,
    ) -> Self {
        Self {
            shared: SharedResources::new(
                environment.clone(),
                clock.clone(),
                factory,
                Arc::clone(&process),
            ),
            process,
            observer,
            accounts: BTreeMap::new(),
            organizations: Organizations::new(),
            config: None,
            settled: Instant::now(),
            restored: BTreeMap::new(),
        }
    }

    /// Lets the accounts that begin first go on from what an earlier process knew. What it knew of
    /// others is forgotten.
    pub fn restore(&mut self, restored: BTreeMap<String, Report>) {
        self.organizations.restore(&restored);
        self.restored = restored;
    }

    /// Makes everything ready that a configuration needs, and changes nothing.
    ///
    /// # Errors
    ///
    /// What keeps an account from being polled; the message says what to do about it.
    pub async fn prepare(&mut self, config: &Config) -> Result<Plan, String> {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let _opened = self.shared.open_files(config).await;
        let mut plan = self.plan(config)?;
        self.detect_new_owners(&mut plan).await;
        Ok(plan)
    }

    /// The UIN of each account of a configuration, if known, by its name.
    fn known_uins(&self, config: &Config) -> BTreeMap<String, String> {
        let uins = config.accounts.iter().filter_map(|account| {
            let of_keys = || self.accounts.get(&account.name)?.prepared.client.owner();
            let uin = account.uin.clone().or_else(of_keys)?;
            Some((account.name.clone(), uin))
        });
        uins.collect()
    }

    /// Starts a new history for each account whose keys belong to another Tencent Cloud account than
    /// before: a reload accepts that.
    async fn detect_new_owners(&mut self, plan: &mut Plan) {
        let deadline = Instant::now() + IDENTIFY_TIME;
        let checks = plan.accounts.iter().map(|step| {
            let check = match step {
                Step::Keep(name) => self.accounts[name].prepared.has_new_owner(),
                Step::Start(prepared) => match self.accounts.get(prepared.name()) {
                    Some(before) => prepared.has_other_owner_than(&before.prepared),
                    None => ready(false).boxed(),
                },
            };
            async move { timeout_at(deadline, check).await.unwrap_or(false) }
        });
        let checks: Vec<_> = checks.collect();
        let others: Vec<bool> = stream::iter(checks)
            .buffered(MAX_CONCURRENT)
            .collect()
            .await;
        for (step, _) in plan
            .accounts
            .iter_mut()
            .zip(others)
            .filter(|(_, other)| *other)
        {
            if let Step::Keep(name) = step {
                let before = &self.accounts[name].prepared;
                let (config, transports) = (before.config.clone(), before.transports.clone());
                let coverage = before.coverage.clone();
                let prepared = self.shared.prepare_account(config, transports, coverage);
                *step = Step::Start(Box::new(prepared));
            }
            if let Step::Start(prepared) = step {
                info!(
                    account = prepared.name(),
                    "the key belongs to another account; its history starts again"
                );
                prepared.resets_history = true;
            }
        }
    }

    fn plan(&mut self, config: &Config) -> Result<Plan, String> {
        self.shared.configure(config);
        let mut https = None;
        let mut organizations = Vec::new();
        for organization in &config.organizations {
            let transports = (self.shared).transports(
                &organization_endpoints(organization),
                &config.http,
                &mut https,
            )?;
            organizations.push(if self.organizations.matches(organization, &transports) {
                organizations::Step::Keep(organization.name.clone())
            } else {
                let coverage = self.organizations.coverage(&organization.name).clone();
                let discovery = self.shared.discovery(organization, &transports, coverage);
                organizations::Step::Start(Box::new(Start {
                    config: organization.clone(),
                    transports,
                    discovery,
                }))
            });
        }
        let members = self.organizations.accounts(config);
        for warning in duplicate_warnings(&self.known_uins(config), &members) {
            warn!("{warning}");
        }
        let everybody = config.accounts.iter().chain(&members);
        let own = everybody.filter(|account| config.shard.owns(&account.shard_key()));
        let mut configured: Vec<&config::Account> = own.collect();
        configured.sort_by_key(|account| stable_hash(&account.name));
        let mut accounts = Vec::with_capacity(configured.len());
        for account in configured {
            let transports =
                (self.shared).transports(&account_endpoints(account), &config.http, &mut https)?;
            let task = self.accounts.get(&account.name);
            if task.is_some_and(|task| task.prepared.matches(account, &transports)) {
                accounts.push(Step::Keep(account.name.clone()));
                continue;
            }
            let coverage = match &account.organization {
                Some(organization) => self.organizations.coverage(organization).subscribe(),
                None => watch::Sender::default().subscribe(),
            };
            let prepared = self
                .shared
                .prepare_account(account.clone(), transports, coverage);
            accounts.push(Step::Start(Box::new(prepared)));
        }
        Ok(Plan {
            accounts,
            organizations,
            https,
            config: config.clone(),
        })
    }

    /// How many targets there are: an account in a region each.
    pub fn targets(&self) -> usize {
        let accounts = self.accounts.values();
        accounts.map(|task| task.prepared.regions()).sum()
    }

    /// Waits until an organisation was asked for its members.
    pub async fn next_discovery(&mut self) -> DiscoveryResult {
        self.organizations.next_discovery().await
    }

    /// Takes note of what an organisation said; a plan where there are other members than before.
    ///
    /// # Errors
    ///
    /// What keeps a member from being polled. Those of before stay.
    pub async fn apply_discovery(
        &mut self,
        found: DiscoveryResult,
    ) -> Result<Option<Plan>, String> {
        let DiscoveryResult {
            organization,
            members,
        } = found;
        if !self.organizations.contains(&organization) {
            return Ok(None);
        }
        let count = members.as_ref().ok().map(Vec::len);
        self.observer.organization_refreshed(&organization, count);
        let (Ok(members), Some(config)) = (members, self.config.clone()) else {
            return Ok(None);
        };
        if !self.organizations.set_members(&organization, members) {
            return Ok(None);
        }
        let _opened = self.shared.open_files(&config).await;
        self.plan(&config).map(Some)
    }

    /// Asks every organisation of a configuration once, and tells whether all of them answered.
    ///
    /// # Errors
    ///
    /// What keeps one from being asked.
    pub async fn discover_once(&mut self, config: &Config) -> Result<bool, String> {
        if config.organizations.is_empty() {
            return Ok(true);
        }
        let _opened = self.shared.open_files(config).await;
        let mut all_known = true;
        for step in self.plan(config)?.organizations {
            let organizations::Step::Start(start) = step else {
                continue;
            };
            let found = start.discovery.refresh().await;
            match found.members {
                Ok(members) => {
                    self.organizations.set_members(&found.organization, members);
                }
                Err(failure) => {
                    all_known = false;
                    warn!(
                        organization = found.organization,
                        error = %failure,
                        "members cannot be asked for"
                    );
                }
            }
        }
        Ok(all_known)
    }

    /// Changes over to what was prepared last. When this returns, everything new is published and
    /// everything that is gone is withdrawn. Other tasks run in between.
    pub async fn apply(&mut self, plan: Plan) {
        rates::apply_lowest_rates(plan.accounts.iter().map(|step| match step {
            Step::Keep(name) => &*self.accounts[name].prepared,
            Step::Start(prepared) => prepared,
        }));
        for organization in &plan.config.organizations {
            let (name, known) = (
                &organization.name,
                self.organizations.has_members(&organization.name),
            );
            self.observer
                .organization_added(name, organization.refresh, known);
        }
        for gone in self.organizations.apply(plan.organizations) {
            self.observer.organization_removed(&gone);
        }
        let shard = plan.config.shard;
        if self.config.replace(plan.config).is_none() {
            self.settled = Instant::now() + shard.startup_delay();
        }
        let mut before = std::mem::take(&mut self.accounts);
        let mut restored = std::mem::take(&mut self.restored);
        let mut first = Instant::now().max(self.settled);
        let (mut kept, mut changed, mut added) = (0_usize, 0_usize, 0_usize);
        for step in plan.accounts {
            let prepared = match step {
                Step::Keep(name) => {
                    kept += 1;
                    self.accounts.extend(before.remove_entry(&name));
                    continue;
                }
                Step::Start(prepared) => *prepared,
            };
            let name = prepared.name().to_owned();
            let memory = if let Some(task) = before.remove(&name) {
                changed += 1;
                prepared.memory_from(&task.prepared, task.stop())
            } else {
                added += 1;
                prepared.initial_memory(memory_of(restored.remove(&name)))
            };
            let (process, observer) = (Arc::clone(&self.process), Arc::clone(&self.observer));
            let task = AccountTask::start(prepared, memory, first, process, observer).await;
            self.accounts.insert(name, task);
            first += FIRST_POLL_SPACING;
            if (changed + added).is_multiple_of(ACCOUNTS_IN_A_ROW) {
                yield_now().await;
            }
        }
        let removed = before.len();
        for (ended, (name, task)) in (1..).zip(before) {
            task.stop();
            self.observer.account_removed(&name);
            if ended % ACCOUNTS_IN_A_ROW == 0 {
                yield_now().await;
            }
        }
        self.shared.commit(plan.https);
        info!(added, changed, removed, kept, "accounts");
    }

    /// Ends every loop. What they have published stays, and changes no more.
    pub fn stop(&mut self) {
        for task in self.accounts.values() {
            task.stop();
        }
    }

    /// Polls every target of a plan once, and tells whether every poll brought a listing.
    pub async fn poll_once(mut self, plan: Plan) -> bool {
        let mut polls = JoinSet::new();
        for step in plan.accounts {
            // Nobody was polled before, so there is nobody to be kept.
            let Step::Start(prepared) = step else {
                continue;
            };
            let publish = self.observer.publisher_for(&prepared.info);
            let memory = prepared.initial_memory(memory_of(self.restored.remove(prepared.name())));
            let handle = Arc::new(PublishHandle::new(memory, publish, Instant::now()));
            let process = Arc::clone(&self.process);
            polls.spawn(async move { prepared.account(process, handle).await.poll_once().await });
        }
        let mut all_good = true;
        while let Some(good) = polls.join_next().await {
            // A poll that panicked has said so on the way, and brought no listing.
            all_good &= good.unwrap_or(false);
        }
        all_good
    }
}

fn memory_of(restored: Option<Report>) -> Memory {
    Memory {
        report: restored.map(Arc::new),
        ..Memory::default()
    }
}
