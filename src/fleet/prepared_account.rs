//! An account as it should run.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::pacers::Identity;
use super::transport_pool::Transports;
use crate::config;
use crate::history::Retention;
use crate::poll::{self, AccountParts, Memory, PublishHandle, Schedule};
use crate::snapshot::{AccountInfo, OrganizationCoverage};
use crate::tencent::credentials::PinnedProvider;
use crate::tencent::{Client, Observer, Pacer};

/// An account with all that it needs to run: whatever could fail is behind it.
pub(super) struct PreparedAccount {
    pub(super) config: config::Account,
    pub(super) info: Arc<AccountInfo>,
    pub(super) client: Arc<Client>,
    pub(super) transports: Transports,
    pub(super) coverage: watch::Receiver<Option<OrganizationCoverage>>,
    pub(super) identity: Identity,
    pub(super) pacer: Arc<Pacer>,
    /// Refuses keys of another account; `None` if they are verified otherwise.
    pub(super) pinned: Option<Arc<PinnedProvider>>,
    /// Whether nothing that is known under its name is of its Tencent Cloud account.
    pub(super) resets_history: bool,
}

impl PreparedAccount {
    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// How many regions it has.
    pub(super) fn regions(&self) -> usize {
        self.config.regions.len()
    }

    pub(super) fn rate(&self) -> u32 {
        self.config.requests_per_second
    }

    /// Makes its own rate that of everybody with the same identity.
    pub(super) fn set_rate(&self) {
        self.pacer.set_per_second(self.rate());
    }

    /// Whether this is what a configuration asks for, over the same transports.
    pub(super) fn matches(&self, config: &config::Account, transports: &Transports) -> bool {
        self.config == *config && self.transports.same_as(transports)
    }

    /// Whether its keys belong to another Tencent Cloud account than the history of `before`, the
    /// account that it replaces. Asks STS if that is not known; without an answer it is `false`.
    pub(super) fn has_other_owner_than(&self, before: &Self) -> BoxFuture<'static, bool> {
        let (new, old) = (&self.config, &before.config);
        if new.credentials == old.credentials
            && new.assume_role == old.assume_role
            && new.uin == old.uin
        {
            return before.has_new_owner();
        }
        let (old, new) = (before.owner(), self.owner());
        async { matches!((old.await, new.await), (Some(old), Some(new)) if old != new) }.boxed()
    }

    /// Whether the keys that are there now belong to another account than the history.
    pub(super) fn has_new_owner(&self) -> BoxFuture<'static, bool> {
        let pinned = self.pinned.clone();
        async {
            match pinned {
                Some(pinned) => pinned.has_new_owner().await,
                None => false,
            }
        }
        .boxed()
    }

    fn owner(&self) -> BoxFuture<'static, Option<String>> {
        let (pinned, uin) = (self.pinned.clone(), self.config.uin.clone());
        async {
            match pinned {
                Some(pinned) => pinned.identify().await,
                None => uin,
            }
        }
        .boxed()
    }

    /// What it goes on from, in the place of another that knew this much.
    pub(super) fn memory_from(&self, other: &Self, memory: Memory) -> Memory {
        let mut memory = self.initial_memory(memory);
        let same = self.config.credentials == other.config.credentials
            && self.config.assume_role == other.config.assume_role;
        if !same && let Some(report) = &mut memory.report {
            Arc::make_mut(report).credentials_changed = None;
        }
        memory
    }

    /// What it goes on from, of what is known under its name. The history of one UIN does not
    /// continue under another.
    pub(super) fn initial_memory(&self, memory: Memory) -> Memory {
        let known = memory.report.as_ref();
        let owner = known.and_then(|report| report.owner.clone());
        let is_another = match (&self.config.uin, &owner) {
            (Some(new), Some(old)) => new != old,
            _ => false,
        };
        if self.resets_history || is_another {
            return Memory {
                report: None,
                ..memory
            };
        }
        if let (Some(pinned), Some(owner)) = (&self.pinned, owner) {
            pinned.expect(owner);
        }
        memory
    }

    /// Starts the account, which publishes what it remembers at once.
    pub(super) async fn account(
        &self,
        process: Arc<dyn Observer>,
        handle: Arc<PublishHandle>,
    ) -> poll::Account {
        let poll = &self.config.poll;
        let schedule = Schedule {
            interval: self.config.interval,
            details_interval: self.config.details_interval,
            retention: Retention {
                stale_after: poll.stale_after,
                tombstone_for: poll.tombstone_for,
                max_tracks: poll.max_tracks,
            },
        };
        let parts = AccountParts {
            info: Arc::clone(&self.info),
            regions: self.config.regions.clone(),
            schedule,
            client: Arc::clone(&self.client),
            coverage: self.coverage.clone(),
            process,
        };
        poll::Account::new(parts, handle).await
    }
}
