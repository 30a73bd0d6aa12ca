//! An account as it should run.

use std::sync::Arc;

use super::audience::Publish;
use crate::config;
use crate::history::Retention;
use crate::poll::{self, Memory, Schedule, Seat};
use crate::snapshot::AccountInfo;
use crate::tencent::{Client, Endpoint, Observer, Pacer, Transport};

/// Who a rate limit is counted for, and where.
pub(super) type Identity = (Endpoint, String);

/// An account with all that it needs to run: whatever could fail is behind it.
pub(super) struct Desired {
    pub(super) config: config::Account,
    pub(super) info: Arc<AccountInfo>,
    pub(super) client: Arc<Client>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) identity: Identity,
    pub(super) pacer: Arc<Pacer>,
}

impl Desired {
    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    pub(super) fn rate(&self) -> u32 {
        self.config.requests_per_second
    }

    /// Makes its own rate that of everybody with the same identity.
    pub(super) fn set_rate(&self) {
        self.pacer.set_per_second(self.rate());
    }

    /// Whether this is what a configuration asks for, over the same way.
    pub(super) fn is(&self, config: &config::Account, transport: &Arc<dyn Transport>) -> bool {
        self.config == *config && Arc::ptr_eq(&self.transport, transport)
    }

    /// What it goes on from, in the place of another that knew this much.
    pub(super) fn take_over(&self, other: &Self, mut memory: Memory) -> Memory {
        if self.config.credentials != other.config.credentials
            && let Some(report) = &mut memory.report
        {
            report.credentials_changed = None;
        }
        memory
    }

    /// The account, publishing from `seat` at once.
    pub(super) fn account(
        &self,
        process: Arc<dyn Observer>,
        seat: Arc<Seat<Publish>>,
    ) -> poll::Account<Publish> {
        let poll = &self.config.poll;
        let schedule = Schedule {
            interval: self.config.interval,
            retention: Retention {
                stale_after: poll.stale_after,
                tombstone_for: poll.tombstone_for,
                max_tracks: poll.max_tracks,
            },
        };
        let (info, client) = (Arc::clone(&self.info), Arc::clone(&self.client));
        poll::Account::seated(info, &self.config.regions, schedule, client, process, seat)
    }
}
