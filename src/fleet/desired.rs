//! An account as it should run.

use std::sync::Arc;

use tokio::sync::watch;

use super::identity::Identity;
use super::ways::Ways;
use crate::config;
use crate::history::Retention;
use crate::poll::{self, AccountParts, Memory, PublishHandle, Schedule};
use crate::snapshot::{AccountInfo, OrganizationCoverage};
use crate::tencent::{Client, Observer, Pacer};

/// An account with all that it needs to run: whatever could fail is behind it.
pub(super) struct Desired {
    pub(super) config: config::Account,
    pub(super) info: Arc<AccountInfo>,
    pub(super) client: Arc<Client>,
    pub(super) ways: Ways,
    pub(super) coverage: watch::Receiver<Option<OrganizationCoverage>>,
    pub(super) identity: Identity,
    pub(super) pacer: Arc<Pacer>,
}

impl Desired {
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

    /// Whether this is what a configuration asks for, over the same ways.
    pub(super) fn is(&self, config: &config::Account, ways: &Ways) -> bool {
        self.config == *config && self.ways.are(ways)
    }

    /// What it goes on from, in the place of another that knew this much.
    ///
    /// The history of one UIN does not continue under another.
    pub(super) fn take_over(&self, other: &Self, mut memory: Memory) -> Memory {
        let uins = (&self.config.uin, &other.config.uin);
        if let (Some(new), Some(old)) = uins
            && new != old
        {
            return Memory {
                report: None,
                ..memory
            };
        }
        let same = self.config.credentials == other.config.credentials
            && self.config.assume_role == other.config.assume_role;
        if !same && let Some(report) = &mut memory.report {
            Arc::make_mut(report).credentials_changed = None;
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
