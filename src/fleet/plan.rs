//! Plans what a configuration changes: which accounts and organizations stay, and which start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::account_task::AccountTask;
use super::endpoints::{account_endpoints, organization_endpoints};
use super::organizations::{self, Organizations, PreparedDiscovery};
use super::prepared_account::PreparedAccount;
use super::shared_resources::SharedResources;
use super::transport_pool::HttpsTransport;
use crate::config::{self, Config};
use crate::hash::stable_hash;
use crate::organization::duplicate_warnings;

/// How long a reload waits to learn which accounts the keys belong to. After that, the polls find
/// out.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many accounts are identified at the same time.
const MAX_CONCURRENT: usize = 64;

/// A prepared configuration. Applying it cannot fail.
pub struct Plan {
    /// In the order of the first polls: by a stable hash, so that the order survives a restart.
    pub(super) accounts: Vec<Step>,
    pub(super) organizations: Vec<organizations::Step>,
    pub(super) https: Option<HttpsTransport>,
    pub(super) config: Config,
}

/// What to do with an account of the configuration.
pub(super) enum Step {
    Keep(String),
    Start(Box<PreparedAccount>),
}

/// The parts of a fleet that a plan depends on.
pub(super) struct Planner<'a> {
    pub(super) shared: &'a mut SharedResources,
    pub(super) accounts: &'a BTreeMap<String, AccountTask>,
    pub(super) organizations: &'a mut Organizations,
}

impl Planner<'_> {
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
    pub(super) async fn detect_new_owners(&mut self, plan: &mut Plan) {
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
                let (config, transports) = (Arc::clone(&before.config), before.transports.clone());
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

    /// Prepares everything that a configuration needs.
    ///
    /// # Errors
    ///
    /// Why an account cannot be polled, and what to do about it.
    pub(super) fn plan(&mut self, config: &Config) -> Result<Plan, String> {
        let config = self.sharing_accounts(config);
        self.shared.configure(&config);
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
        let members = self.organizations.accounts(&config);
        let uins = self.known_uins(&config);
        for warning in duplicate_warnings(&uins, members.iter().map(AsRef::as_ref)) {
            warn!("{warning}");
        }
        let all = config.accounts.iter().chain(&members);
        let own = all.filter(|account| config.shard.owns(&account.shard_key()));
        let mut configured: Vec<&Arc<config::Account>> = own.collect();
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
            let coverage = self.organizations.coverage_of(account);
            let prepared = self
                .shared
                .prepare_account(Arc::clone(account), transports, coverage);
            accounts.push(Step::Start(Box::new(prepared)));
        }
        Ok(Plan {
            accounts,
            organizations,
            https,
            config,
        })
    }

    /// Returns the configuration with the accounts that did not change shared with their tasks.
    fn sharing_accounts(&self, config: &Config) -> Config {
        let mut config = config.clone();
        for account in &mut config.accounts {
            let task = self.accounts.get(&account.name);
            if let Some(task) = task.filter(|task| task.prepared.config == *account) {
                account.clone_from(&task.prepared.config);
            }
        }
        config
    }
}
