//! The organisations whose members are polled, and who asks for them.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tracing::warn;

use super::transport_pool::Transports;
use crate::config;
use crate::organization::{Discovery, DiscoveryResult, accounts};
use crate::snapshot::{Member, OrganizationCoverage, Report};

/// How many refreshes may wait to be taken up.
const MAX_WAITING: usize = 16;

/// The organisations of a fleet. Dropped, nobody asks for members any more.
pub(super) struct Organizations {
    tasks: BTreeMap<String, DiscoveryTask>,
    /// What was found last, by organisation, or what an earlier process knew.
    members: BTreeMap<String, Vec<Member>>,
    /// Labels that somebody else has, as far as what an earlier process called its accounts tells:
    /// of the members it remembers only those of one shard, and a name may be that of another
    /// shard's member too.
    taken_elsewhere: BTreeMap<String, BTreeSet<String>>,
    coverages: BTreeMap<String, watch::Sender<Option<OrganizationCoverage>>>,
    sender: mpsc::Sender<DiscoveryResult>,
    found: mpsc::Receiver<DiscoveryResult>,
}

struct DiscoveryTask {
    config: config::Organization,
    transports: Transports,
    handle: AbortHandle,
}

/// What becomes of an organisation of the configuration.
pub(super) enum Step {
    Keep(String),
    Start(Box<Start>),
}

/// An organisation that is ready to be asked.
pub(super) struct Start {
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
            taken_elsewhere: BTreeMap::new(),
            coverages: BTreeMap::new(),
            sender,
            found,
        }
    }

    /// Lets members that an earlier process knew be polled before anybody has asked again.
    pub(super) fn restore(&mut self, restored: &BTreeMap<String, Report>) {
        for report in restored.values() {
            if let Some(member) = &report.account.member {
                let organization = report.account.organization.clone();
                let name = report.account.name.strip_suffix(&*member.uin);
                if let Some(shared) = name.and_then(|name| name.strip_suffix('-')) {
                    let taken = self.taken_elsewhere.entry(organization.clone());
                    taken.or_default().insert(shared.to_owned());
                }
                let members = self.members.entry(organization).or_default();
                members.push(member.clone());
            }
        }
    }

    /// Whether its members are known, of now or of an earlier process.
    pub(super) fn has_members(&self, organization: &str) -> bool {
        self.members.contains_key(organization)
    }

    /// The accounts of all members of a configuration's organisations.
    pub(super) fn accounts(&self, config: &config::Config) -> Vec<config::Account> {
        let names = config.accounts.iter().map(|account| account.name.clone());
        let mut taken: BTreeSet<String> = names.collect();
        let mut all = Vec::new();
        for organization in &config.organizations {
            let members = self.members.get(&organization.name);
            let members = members.map_or(&[][..], Vec::as_slice);
            taken.extend(
                self.taken_elsewhere
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
            all.extend(accounts);
        }
        all
    }

    /// Returns the channel of what the organization's own tracks cover. It stays the same over
    /// every reload.
    pub(super) fn coverage(
        &mut self,
        organization: &str,
    ) -> &watch::Sender<Option<OrganizationCoverage>> {
        let name = organization.to_owned();
        self.coverages.entry(name).or_default()
    }

    /// Whether it is asked as a configuration wants it, over the same transports.
    pub(super) fn matches(&self, config: &config::Organization, transports: &Transports) -> bool {
        let task = self.tasks.get(&config.name);
        task.is_some_and(|task| task.config == *config && task.transports.same_as(transports))
    }

    /// Changes over to these; gives the names of those that are gone.
    pub(super) fn apply(&mut self, steps: Vec<Step>) -> Vec<String> {
        let mut before = std::mem::take(&mut self.tasks);
        for step in steps {
            match step {
                Step::Keep(name) => self.tasks.extend(before.remove_entry(&name)),
                Step::Start(start) => {
                    let Start {
                        config,
                        transports,
                        discovery,
                    } = *start;
                    if let Some(old) = before.remove(&config.name) {
                        old.handle.abort();
                    }
                    let sender = self.sender.clone();
                    // Where nobody listens any more, there is no fleet.
                    let tell = async move |found| drop(sender.send(found).await);
                    let handle = tokio::spawn(discovery.run(tell)).abort_handle();
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
            self.taken_elsewhere.remove(name);
            self.coverages.remove(name);
        }
        before.into_keys().collect()
    }

    /// The next refresh that has ended.
    pub(super) async fn next_discovery(&mut self) -> DiscoveryResult {
        match self.found.recv().await {
            Some(found) => found,
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Takes note of members; false where they are those of before, or nobody asked for them.
    pub(super) fn set_members(&mut self, organization: &str, members: Vec<Member>) -> bool {
        self.taken_elsewhere.remove(organization);
        let before = self.members.get(organization);
        if before.is_some_and(|before| *before == members) {
            return false;
        }
        self.members.insert(organization.to_owned(), members);
        true
    }

    /// Whether somebody asks this organisation.
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
