//! The fleet: all accounts of a process, and how they change on a reload.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};
use tokio::time::Instant;
use tracing::{info, warn};

use super::account_task::AccountTask;
use super::environment::Environment;
use super::forget::forget;
use super::name_list::NameList;
use super::observer::FleetObserver;
use super::organizations::{self, Organizations};
use super::plan::{Plan, Planner, Step};
use super::rates;
use super::shared_resources::SharedResources;
use super::transport_pool::TransportFactory;
use crate::clock::Clock;
use crate::config::Config;
use crate::escape::escaped;
use crate::organization::DiscoveryResult;
use crate::poll::{Memory, PublishHandle};
use crate::snapshot::Report;
use crate::tencent::Observer;

/// The time between the first polls of two accounts. It spreads the first polls of a large fleet to
/// fifty a second.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// How many accounts start or stop before the task yields, which takes about a millisecond.
const ACCOUNTS_PER_YIELD: usize = 16;

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
        let mut planner = self.planner();
        let mut plan = planner.plan(config)?;
        planner.detect_new_owners(&mut plan).await;
        Ok(plan)
    }

    fn planner(&mut self) -> Planner<'_> {
        Planner {
            shared: &mut self.shared,
            accounts: &self.accounts,
            organizations: &mut self.organizations,
        }
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
        let count = members.as_ref().map(Vec::len);
        self.observer.organization_refreshed(&organization, count);
        let (Ok(members), Some(config)) = (members, self.config.clone()) else {
            return Ok(None);
        };
        if !self.organizations.set_members(&organization, members) {
            return Ok(None);
        }
        let _opened = self.shared.open_files(&config).await;
        self.planner().plan(&config).map(Some)
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
        for step in self.planner().plan(config)?.organizations {
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
        // Also those that were removed while no process was running.
        let feed = self.observer.change_feed();
        feed.end_lost_searches(|account| self.accounts.contains_key(account));
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
    /// continues from there. Returns a line about it. If the track is already forgotten, nothing
    /// changes: the account polls at once when it continues, so a client could otherwise cause any
    /// number of polls.
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
        let forgotten = forget(Arc::make_mut(&mut report), track_id, now)?;
        let (name, regions) = (escaped(&forgotten.name), forgotten.regions.join(", "));
        let line =
            format!("forgot the deleted track {track_id} ({name}) of account {shown} in {regions}");
        if !forgotten.is_new {
            return Ok(line);
        }
        let before = Arc::clone(&task.prepared);
        let (config, transports) = (Arc::clone(&before.config), before.transports.clone());
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
        info!(
            account = shown,
            track_id,
            track = name,
            regions,
            "forgot a deleted track"
        );
        Ok(line)
    }

    /// Ends polling and publishing. What the accounts have published stays, and their tasks keep their
    /// memory until the fleet is dropped.
    pub fn close(&mut self) {
        for task in self.accounts.values() {
            task.close();
        }
    }

    /// Polls every target of a plan once. Returns whether every poll returned a listing.
    pub async fn poll_once(mut self, plan: Plan) -> bool {
        let mut polls = JoinSet::new();
        let mut polled = BTreeSet::new();
        for step in plan.accounts {
            // A single round starts without accounts, so there is none to keep.
            let Step::Start(prepared) = step else {
                continue;
            };
            polled.insert(prepared.name().to_owned());
            let publish = self.observer.publisher_for(&prepared.info);
            let memory = prepared.initial_memory(memory_of(self.restored.remove(prepared.name())));
            let changes = self.observer.change_feed();
            let handle = PublishHandle::new(memory, publish, changes, Instant::now());
            let handle = Arc::new(handle);
            let process = Arc::clone(&self.process);
            polls.spawn(async move { prepared.account(process, handle).await.poll_once().await });
        }
        let feed = self.observer.change_feed();
        feed.end_lost_searches(|account| polled.contains(account));
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
