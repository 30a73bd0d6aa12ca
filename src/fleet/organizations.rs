//! The organizations of a fleet, and the tasks that discover their members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tracing::warn;

use super::transport_pool::Transports;
use crate::config;
use crate::organization::{Discovery, DiscoveryResult, accounts};
use crate::snapshot::{Member, OrganizationCoverage, Report};

/// How many discoveries may wait for the fleet.
const MAX_WAITING: usize = 16;

/// The organizations of a fleet. Their tasks end when it is dropped.
pub(super) struct Organizations {
    tasks: BTreeMap<String, DiscoveryTask>,
    /// The members of each organization, from the latest discovery or the state file.
    members: BTreeMap<String, Vec<Member>>,
    /// The labels of accounts that are called LABEL-UIN in the state file. They stay taken until the
    /// next discovery, because another member with this label may belong to another shard.
    restored_labels: BTreeMap<String, BTreeSet<String>>,
    coverages: BTreeMap<String, watch::Sender<Option<OrganizationCoverage>>>,
    /// For all accounts outside organizations.
    no_coverage: watch::Receiver<Option<OrganizationCoverage>>,
    sender: mpsc::Sender<DiscoveryResult>,
    found: mpsc::Receiver<DiscoveryResult>,
}

struct DiscoveryTask {
    config: config::Organization,
    transports: Transports,
    handle: AbortHandle,
}

/// What to do with an organization of the configuration.
pub(super) enum Step {
    Keep(String),
    Start(Box<PreparedDiscovery>),
}

/// An organization whose discovery is ready to start.
pub(super) struct PreparedDiscovery {
    pub(super) config: config::Organization,
    pub(super) transports: Transports,
    pub(super) discovery: Discovery,
}

impl Organizations {
    pub(super) fn new() -> Self {
        let (sender, found) = mpsc::channel(MAX_WAITING);
        Self {
            tasks: BTreeMap::new(),
            members: BTreeMap::new(),
            restored_labels: BTreeMap::new(),
            coverages: BTreeMap::new(),
            no_coverage: watch::Sender::default().subscribe(),
            sender,
            found,
        }
    }

    /// Restores the members from the reports of a state file, so that polling need not wait for the
    /// discovery.
    pub(super) fn restore(&mut self, restored: &BTreeMap<String, Report>) {
        for report in restored.values() {
            if let Some(member) = &report.account.member {
                let organization = report.account.organization.clone();
                let name = report.account.name.strip_suffix(&*member.uin);
                if let Some(shared) = name.and_then(|name| name.strip_suffix('-')) {
                    let taken = self.restored_labels.entry(organization.clone());
                    taken.or_default().insert(shared.to_owned());
                }
                let members = self.members.entry(organization).or_default();
                members.push(member.clone());
            }
        }
    }

    /// Returns whether the members are known, from a discovery or the state file.
    pub(super) fn has_members(&self, organization: &str) -> bool {
        self.members.contains_key(organization)
    }

    /// Returns the accounts of all members of the configured organizations.
    pub(super) fn accounts(&self, config: &config::Config) -> Vec<Arc<config::Account>> {
        let names = config.accounts.iter().map(|account| account.name.clone());
        let mut taken: BTreeSet<String> = names.collect();
        let mut all = Vec::new();
        for organization in &config.organizations {
            let members = self.members.get(&organization.name);
            let members = members.map_or(&[][..], Vec::as_slice);
            taken.extend(
                self.restored_labels
                    .get(&organization.name)
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            let (accounts, warnings) = accounts(organization, members, &taken);
            for warning in warnings {
                warn!("{warning}");
            }
            taken.extend(accounts.iter().map(|account| account.name.clone()));
            all.extend(accounts.into_iter().map(Arc::new));
        }
        all
    }

    /// Returns the channel of what the organization's own tracks cover. The channel survives
    /// reloads that keep the organization.
    pub(super) fn coverage(
        &mut self,
        organization: &str,
    ) -> &watch::Sender<Option<OrganizationCoverage>> {
        let name = organization.to_owned();
        self.coverages.entry(name).or_default()
    }

    /// Returns what the tracks of an account's organization cover.
    pub(super) fn coverage_of(
        &mut self,
        account: &config::Account,
    ) -> watch::Receiver<Option<OrganizationCoverage>> {
        match &account.organization {
            Some(organization) => self.coverage(organization).subscribe(),
            None => self.no_coverage.clone(),
        }
    }

    /// Returns whether the organization's task was started with this configuration and these
    /// transports.
    pub(super) fn matches(&self, config: &config::Organization, transports: &Transports) -> bool {
        let task = self.tasks.get(&config.name);
        task.is_some_and(|task| task.config == *config && task.transports.same_as(transports))
    }

    /// Applies these steps, and removes the organizations without a step. Returns their names.
    pub(super) fn apply(&mut self, steps: Vec<Step>) -> Vec<String> {
        let mut before = std::mem::take(&mut self.tasks);
        for step in steps {
            match step {
                Step::Keep(name) => self.tasks.extend(before.remove_entry(&name)),
                Step::Start(start) => {
                    let PreparedDiscovery {
                        config,
                        transports,
                        discovery,
                    } = *start;
                    if let Some(old) = before.remove(&config.name) {
                        old.handle.abort();
                    }
                    discovery.begin_coverage();
                    let sender = self.sender.clone();
                    // Without a receiver, the fleet is gone.
                    let report = async move |found| drop(sender.send(found).await);
                    let handle = tokio::spawn(discovery.run(report)).abort_handle();
                    let name = config.name.clone();
                    self.tasks.insert(
                        name,
                        DiscoveryTask {
                            config,
                            transports,
                            handle,
                        },
                    );
                }
            }
        }
        for (name, gone) in &before {
            gone.handle.abort();
            self.members.remove(name);
            self.restored_labels.remove(name);
            self.coverages.remove(name);
        }
        before.into_keys().collect()
    }

    /// Waits for the next discovery to end.
    pub(super) async fn next_discovery(&mut self) -> DiscoveryResult {
        match self.found.recv().await {
            Some(found) => found,
            // Cannot happen: `self.sender` is open.
            None => std::future::pending().await,
        }
    }

    /// Replaces the members of an organization. Returns whether they have changed.
    pub(super) fn set_members(&mut self, organization: &str, members: Vec<Member>) -> bool {
        self.restored_labels.remove(organization);
        let before = self.members.get(organization);
        if before.is_some_and(|before| *before == members) {
            return false;
        }
        self.members.insert(organization.to_owned(), members);
        true
    }

    /// Returns whether a task discovers this organization.
    pub(super) fn contains(&self, organization: &str) -> bool {
        self.tasks.contains_key(organization)
    }
}

impl Drop for Organizations {
    fn drop(&mut self) {
        for task in self.tasks.values() {
            task.handle.abort();
        }
    }
}
