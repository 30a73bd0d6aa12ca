//! An account that is ready to start.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::pacers::Identity;
use super::transport_pool::Transports;
use crate::config;
use crate::history::Retention;
use crate::poll::{
    self, AccountParts, AttributionSettings, DeliveryParts, Memory, PublishHandle, Schedule,
};
use crate::snapshot::{AccountInfo, OrganizationCoverage};
use crate::tencent::credentials::PinnedProvider;
use crate::tencent::storage::StorageClients;
use crate::tencent::{Client, Observer, Pacer};

/// An account with everything that it needs to run. Starting it cannot fail.
pub(super) struct PreparedAccount {
    pub(super) config: Arc<config::Account>,
    pub(super) info: Arc<AccountInfo>,
    pub(super) client: Arc<Client>,
    pub(super) transports: Transports,
    pub(super) coverage: watch::Receiver<Option<OrganizationCoverage>>,
    pub(super) identity: Identity,
    /// Of the requests for tracks, and of those for operation records.
    pub(super) pacers: [Arc<Pacer>; 2],
    /// Checks storage targets. `None` if they are not checked.
    pub(super) storage: Option<StorageAccess>,
    /// Rejects keys of another Tencent Cloud account. `None` if they are verified in another way.
    pub(super) pinned: Option<Arc<PinnedProvider>>,
    /// Whether the known history belongs to another Tencent Cloud account and must be dropped.
    pub(super) resets_history: bool,
}

/// The clients of the services that store records, and their pacers.
pub(super) struct StorageAccess {
    pub(super) clients: Arc<StorageClients>,
    pub(super) pacers: Vec<Arc<Pacer>>,
}

impl PreparedAccount {
    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// Returns the number of regions.
    pub(super) fn regions(&self) -> usize {
        self.config.regions.len()
    }

    pub(super) fn rate(&self) -> u32 {
        self.config.requests_per_second
    }

    /// Sets the rate of the pacers, which all accounts with the same identity share.
    pub(super) fn set_rate(&self) {
        let of_storage = self.storage.iter().flat_map(|storage| &storage.pacers);
        for pacer in of_storage.chain(&self.pacers) {
            pacer.set_per_second(self.rate());
        }
    }

    /// Returns whether the account was prepared from this configuration, with these transports.
    pub(super) fn matches(&self, config: &Arc<config::Account>, transports: &Transports) -> bool {
        self.config == *config && self.transports.same_as(transports)
    }

    /// Returns whether the keys belong to another Tencent Cloud account than the history of `before`,
    /// the account that this one replaces. Asks STS if necessary; returns `false` if STS does not
    /// answer.
    pub(super) fn has_other_owner_than(&self, before: &Self) -> BoxFuture<'static, bool> {
        if self.has_keys_of(before) && self.config.uin == before.config.uin {
            return before.has_new_owner();
        }
        let (old, new) = (before.owner(), self.owner());
        async { matches!((old.await, new.await), (Some(old), Some(new)) if old != new) }.boxed()
    }

    /// Returns whether the current keys belong to another Tencent Cloud account than the history.
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

    /// Returns the memory that the account resumes from when it replaces `other`.
    pub(super) fn memory_from(&self, other: &Self, memory: Memory) -> Memory {
        let is_same_service = self.config.sts_endpoint == other.config.sts_endpoint;
        if let (Some(new), Some(old)) = (&self.pinned, &other.pinned)
            && self.has_keys_of(other)
            && is_same_service
            && !self.resets_history
        {
            new.resume(old);
        }
        let mut memory = self.initial_memory(memory);
        if !self.has_keys_of(other)
            && let Some(report) = &mut memory.report
        {
            Arc::make_mut(report).credentials_changed = None;
        }
        memory
    }

    fn has_keys_of(&self, other: &Self) -> bool {
        self.config.credentials == other.config.credentials
            && self.config.assume_role == other.config.assume_role
    }

    /// Returns the memory that the account resumes from, given the memory under its name. The history
    /// of one UIN does not continue under another UIN.
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

    /// Creates the account, which publishes its initial report.
    pub(super) async fn account(
        &self,
        process: Arc<dyn Observer>,
        handle: Arc<PublishHandle>,
    ) -> poll::Account {
        let poll = &self.config.poll;
        let schedule = Schedule {
            interval: self.config.interval,
            details_interval: self.config.details_interval,
            attribution: self.config.attribution.map(attribution_settings),
            retention: Retention {
                stale_after: poll.stale_after,
                tombstone_for: poll.tombstone_for,
                max_tracks: poll.max_tracks,
            },
        };
        let delivery = self.config.delivery.as_ref().zip(self.storage.as_ref());
        let delivery = delivery.map(|(delivery, storage)| DeliveryParts {
            clients: Arc::clone(&storage.clients),
            interval: delivery.interval,
            grace: delivery.grace,
            app_id: self.config.app_id.clone(),
        });
        let parts = AccountParts {
            info: Arc::clone(&self.info),
            regions: self.config.regions.clone(),
            schedule,
            client: Arc::clone(&self.client),
            coverage: self.coverage.clone(),
            delivery,
            process,
        };
        poll::Account::new(parts, handle).await
    }
}

fn attribution_settings(config: config::Attribution) -> AttributionSettings {
    AttributionSettings {
        sweep_interval: config.sweep_interval,
        operator_label: config.operator_label,
    }
}
