//! The fleet: all accounts of a process, and how they change on a reload.

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
use super::forget::{Forgotten, forget};
use super::name_list::NameList;
use super::observer::FleetObserver;
use super::organizations::{self, Organizations, PreparedDiscovery};
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
use crate::tencent::reasons::escaped;

/// The time between the first polls of two accounts. It spreads the first polls of a large fleet to
/// fifty a second.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// How many accounts start or stop before the task yields, which takes about a millisecond.
const ACCOUNTS_PER_YIELD: usize = 16;

/// How long a reload waits to learn which accounts the keys belong to. After that, the polls find
/// out.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many accounts are identified at the same time.
const MAX_CONCURRENT: usize = 64;

/// The tasks of all accounts, and the resources that they share. The tasks end when it is dropped.
pub struct Fleet {
    shared: SharedResources,
    process: Arc<dyn Observer>,
    observer: Arc<dyn FleetObserver>,
    accounts: BTreeMap<String, AccountTask>,
    organizations: Organizations,
    /// The configuration in use.
    config: Option<Config>,
    /// The earliest time of a first poll; see [`STARTUP_DELAY`](crate::shard::STARTUP_DELAY).
    earliest_poll: Instant,
    /// The reports from the state file, until the first accounts start.
    restored: BTreeMap<String, Report>,
}

/// A prepared configuration. Applying it cannot fail.
pub struct Plan {
    /// In the order of the first polls: by a stable hash, so that the order survives a restart.
    accounts: Vec<Step>,
    organizations: Vec<organizations::Step>,
    https: Option<HttpsTransport>,
    config: Config,
}

/// What to do with an account of the configuration.
enum Step {
    Keep(String),
    Start(Box<PreparedAccount>),
}

impl Fleet {
    /// Creates a fleet without accounts. `factory` makes the transports, `process` observes every
    /// request, and `observer` receives what the accounts publish.
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
            earliest_poll: Instant::now(),
            restored: BTreeMap::new(),
        }
    }

    /// Restores the history of accounts from the reports of a state file. The first accounts that
    /// start use it; the rest is dropped.
    pub fn restore(&mut self, restored: BTreeMap<String, Report>) {
        self.organizations.restore(&restored);
        self.restored = restored;
    }

    /// Prepares everything that a configuration needs, without changing the fleet.
    ///
    /// # Errors
    ///
    /// Why an account cannot be polled, and what to do about it.
    pub async fn prepare(&mut self, config: &Config) -> Result<Plan, String> {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let _opened = self.shared.open_files(config).await;
        let mut plan = self.plan(config)?;
        self.detect_new_owners(&mut plan).await;
        Ok(plan)
    }

    /// Returns the known UINs of the configured accounts, by account name.
    fn known_uins(&self, config: &Config) -> BTreeMap<String, String> {
        let uins = config.accounts.iter().filter_map(|account| {
            let of_key = || self.accounts.get(&account.name)?.prepared.client.owner();
            let uin = account.uin.clone().or_else(of_key)?;
            Some((account.name.clone(), uin))
        });
        uins.collect()
    }

    /// Resets the history of each account whose keys now belong to another Tencent Cloud account. A
    /// reload accepts the new account.
    async fn detect_new_owners(&mut self, plan: &mut Plan) {
        let deadline = Instant::now() + IDENTIFY_TIMEOUT;
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
        let have_new_owner: Vec<bool> = stream::iter(checks)
            .buffered(MAX_CONCURRENT)
            .collect()
            .await;
        for (step, _) in plan
            .accounts
            .iter_mut()
            .zip(have_new_owner)
            .filter(|(_, has_new_owner)| *has_new_owner)
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
                    "the key belongs to another account; starting a new history"
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
                organizations::Step::Start(Box::new(PreparedDiscovery {
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
        let all = config.accounts.iter().chain(&members);
        let own = all.filter(|account| config.shard.owns(&account.shard_key()));
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

    /// Returns the number of targets.
    pub fn targets(&self) -> usize {
        let accounts = self.accounts.values();
        accounts.map(|task| task.prepared.regions()).sum()
    }

    /// Waits until an organization's members have been discovered, or the discovery has failed.
    pub async fn next_discovery(&mut self) -> DiscoveryResult {
        self.organizations.next_discovery().await
    }

    /// Records a discovery. Returns a plan if the members have changed.
    ///
    /// # Errors
    ///
    /// Why a member cannot be polled. The previous members stay.
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

    /// Discovers the members of every organization once. Returns whether all discoveries succeeded.
    ///
    /// # Errors
    ///
    /// Why an organization cannot be discovered.
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
                        "cannot list the members"
                    );
                }
            }
        }
        Ok(all_known)
    }

    /// Applies the latest plan. When it returns, every new account has published and every removed
    /// account is unpublished. It yields to other tasks in between.
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
            self.earliest_poll = Instant::now() + shard.startup_delay();
        }
        let mut before = std::mem::take(&mut self.accounts);
        let mut restored = std::mem::take(&mut self.restored);
        let mut first = Instant::now().max(self.earliest_poll);
        let mut kept = 0_usize;
        let (mut changed, mut added) = (NameList::default(), NameList::default());
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
                changed.push(&name);
                prepared.memory_from(&task.prepared, task.stop())
            } else {
                added.push(&name);
                prepared.initial_memory(memory_of(restored.remove(&name)))
            };
            let (process, observer) = (Arc::clone(&self.process), Arc::clone(&self.observer));
            let task = AccountTask::start(prepared, memory, first, process, observer).await;
            self.accounts.insert(name, task);
            first += FIRST_POLL_SPACING;
            if (changed.len() + added.len()).is_multiple_of(ACCOUNTS_PER_YIELD) {
                yield_now().await;
            }
        }
        let mut removed = NameList::default();
        for (name, task) in before {
            task.stop();
            self.observer.account_removed(&name);
            removed.push(&name);
            if removed.len().is_multiple_of(ACCOUNTS_PER_YIELD) {
                yield_now().await;
            }
        }
        self.shared.commit(plan.https);
        info!(
            added = added.len(),
            changed = changed.len(),
            removed = removed.len(),
            kept,
            added_accounts = added.names(),
            changed_accounts = changed.names(),
            removed_accounts = removed.names(),
            "applied the accounts"
        );
    }

    /// Forgets a deleted track of an account: its tombstones are acknowledged, and the account
    /// continues from there. Returns a line about it.
    ///
    /// # Errors
    ///
    /// Why there is no such deleted track.
    pub async fn forget(&mut self, account: &str, track_id: u64) -> Result<String, String> {
        let shown = escaped(account);
        let Some(task) = self.accounts.get(account) else {
            return Err(format!("this process polls no account {shown}"));
        };
        let Some(mut report) = task.report() else {
            return Err(format!("nothing is known of account {shown} yet"));
        };
        let now = self.shared.now().wall;
        let Forgotten { name, regions } = forget(Arc::make_mut(&mut report), track_id, now)?;
        let before = Arc::clone(&task.prepared);
        let (config, transports) = (before.config.clone(), before.transports.clone());
        let coverage = before.coverage.clone();
        let prepared = self.shared.prepare_account(config, transports, coverage);
        let memory = Memory {
            report: Some(report),
            ..task.stop()
        };
        let memory = prepared.memory_from(&before, memory);
        let (process, observer) = (Arc::clone(&self.process), Arc::clone(&self.observer));
        let task = AccountTask::start(prepared, memory, Instant::now(), process, observer).await;
        self.accounts.insert(account.to_owned(), task);
        let (name, regions) = (escaped(&name), regions.join(", "));
        info!(
            account = shown,
            track_id,
            track = name,
            regions,
            "forgot a deleted track"
        );
        Ok(format!(
            "forgot the deleted track {track_id} ({name}) of account {shown} in {regions}"
        ))
    }

    /// Stops the tasks of all accounts. What they have published stays.
    pub fn stop(&mut self) {
        for task in self.accounts.values() {
            task.stop();
        }
    }

    /// Polls every target of a plan once. Returns whether every poll returned a listing.
    pub async fn poll_once(mut self, plan: Plan) -> bool {
        let mut polls = JoinSet::new();
        for step in plan.accounts {
            // A single round starts without accounts, so there is none to keep.
            let Step::Start(prepared) = step else {
                continue;
            };
            let publish = self.observer.publisher_for(&prepared.info);
            let memory = prepared.initial_memory(memory_of(self.restored.remove(prepared.name())));
            let changes = self.observer.change_feed();
            let handle = PublishHandle::new(memory, publish, changes, Instant::now());
            let handle = Arc::new(handle);
            let process = Arc::clone(&self.process);
            polls.spawn(async move { prepared.account(process, handle).await.poll_once().await });
        }
        let mut all_good = true;
        while let Some(good) = polls.join_next().await {
            // A poll that panicked is logged, and has no listing.
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
