//! All accounts of a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{info, warn};

use super::audience::Audience;
use super::desired::Desired;
use super::identity::Identity;
use super::running::Running;
use super::shared::{Environment, Shared};
use super::ways::{Connect, Https};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::hash::stable_hash;
use crate::poll::{Memory, Seat};
use crate::snapshot::Report;
use crate::tencent::Observer;

/// First polls start so far apart, fifty a second, so that a large fleet does not begin with a burst.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// The accounts that poll, and what they share. Dropped, they end.
pub struct Fleet {
    shared: Shared,
    process: Arc<dyn Observer>,
    audience: Arc<dyn Audience>,
    accounts: BTreeMap<String, Running>,
    /// What an earlier process knew of the accounts, until the first of ours begin.
    restored: BTreeMap<String, Report>,
}

/// A configuration that can be taken up: nothing of it can fail any more.
pub struct Plan {
    /// In the order of their first polls: by a stable hash, so that a restart finds everybody in the
    /// same place.
    accounts: Vec<Step>,
    https: Option<Https>,
}

/// What becomes of an account of the configuration.
enum Step {
    Keep(String),
    Start(Box<Desired>),
}

impl Fleet {
    /// Nobody polls yet. `connect` makes the ways to the cloud, `process` is told of every call, and
    /// `audience` is shown what comes of them.
    pub fn new(
        environment: &Environment,
        clock: &Clock,
        connect: Connect,
        process: Arc<dyn Observer>,
        audience: Arc<dyn Audience>,
    ) -> Self {
        Self {
            shared: Shared::new(
                environment.clone(),
                clock.clone(),
                connect,
                Arc::clone(&process),
            ),
            process,
            audience,
            accounts: BTreeMap::new(),
            restored: BTreeMap::new(),
        }
    }

    /// Lets the accounts that begin first go on from what an earlier process knew. What it knew of
    /// others is forgotten.
    pub fn resume(&mut self, restored: BTreeMap<String, Report>) {
        self.restored = restored;
    }

    /// Makes everything ready that a configuration needs, and changes nothing.
    ///
    /// # Errors
    ///
    /// What keeps an account from being polled; the message says what to do about it.
    pub fn prepare(&mut self, config: &Config) -> Result<Plan, String> {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let mut configured: Vec<&config::Account> = config.accounts.iter().collect();
        configured.sort_by_key(|account| stable_hash(&account.name));
        let mut https = None;
        let steps = configured.into_iter().map(|account| {
            let ways = self.shared.ways(account, &config.http, &mut https)?;
            let running = self.accounts.get(&account.name);
            if running.is_some_and(|running| running.desired.is(account, &ways)) {
                return Ok(Step::Keep(account.name.clone()));
            }
            let desired = self.shared.desired(account.clone(), ways);
            Ok(Step::Start(Box::new(desired)))
        });
        Ok(Plan {
            accounts: steps.collect::<Result<_, String>>()?,
            https,
        })
    }

    /// Changes over to what was prepared last. When this returns, everything new is published and
    /// everything that is gone is withdrawn.
    pub fn adopt(&mut self, plan: Plan) {
        self.settle_rates(&plan);
        let mut before = std::mem::take(&mut self.accounts);
        let mut restored = std::mem::take(&mut self.restored);
        let mut first = Instant::now();
        let (mut kept, mut changed, mut added) = (0_usize, 0_usize, 0_usize);
        for step in plan.accounts {
            let desired = match step {
                Step::Keep(name) => {
                    kept += 1;
                    self.accounts.extend(before.remove_entry(&name));
                    continue;
                }
                Step::Start(desired) => *desired,
            };
            let name = desired.name().to_owned();
            let memory = if let Some(running) = before.remove(&name) {
                changed += 1;
                desired.take_over(&running.desired, running.end())
            } else {
                added += 1;
                memory_of(restored.remove(&name))
            };
            let (process, audience) = (Arc::clone(&self.process), Arc::clone(&self.audience));
            let running = Running::start(desired, memory, first, process, audience);
            self.accounts.insert(name, running);
            first += FIRST_POLL_SPACING;
        }
        let removed = before.len();
        for (name, running) in before {
            running.end();
            self.audience.withdraw(&name);
        }
        self.shared.take_up(plan.https);
        info!(added, changed, removed, kept, "accounts");
    }

    /// Ends every loop. What they have published stays, and changes no more.
    pub fn end(&mut self) {
        for running in self.accounts.values() {
            running.end();
        }
    }

    /// Polls every target of a plan once, and tells whether every poll brought a listing.
    pub async fn poll_once(mut self, plan: Plan) -> bool {
        let mut polls = JoinSet::new();
        for step in plan.accounts {
            // Nobody was polled before, so there is nobody to be kept.
            let Step::Start(desired) = step else { continue };
            let publish = self.audience.admit(&desired.info);
            let memory = memory_of(self.restored.remove(desired.name()));
            let seat = Seat::new(memory, publish, Instant::now());
            let account = desired.account(Arc::clone(&self.process), Arc::new(seat));
            polls.spawn(account.poll_once());
        }
        let mut all_good = true;
        while let Some(good) = polls.join_next().await {
            // A poll that panicked has said so on the way, and brought no listing.
            all_good &= good.unwrap_or(false);
        }
        all_good
    }

    /// Gives every identity's pacer its rate. Where two accounts give it two, the lower one holds:
    /// the limit is the identity's, and the careful one of the two may know why.
    fn settle_rates(&self, plan: &Plan) {
        let mut lowest: BTreeMap<&Identity, &Desired> = BTreeMap::new();
        for step in &plan.accounts {
            let desired = match step {
                Step::Keep(name) => &self.accounts[name].desired,
                Step::Start(desired) => &**desired,
            };
            let known = lowest.entry(&desired.identity).or_insert(desired);
            let (rate, other) = (desired.rate(), known.rate());
            if rate != other {
                let (account, with) = (desired.name(), known.name());
                let requests_per_second = rate.min(other);
                warn!(
                    account,
                    with,
                    requests_per_second,
                    "two accounts with the same key have two rate limits; the lower one holds"
                );
            }
            if rate < other {
                *known = desired;
            }
        }
        for desired in lowest.values() {
            desired.set_rate();
        }
    }
}

fn memory_of(restored: Option<Report>) -> Memory {
    Memory {
        report: restored,
        ..Memory::default()
    }
}
