//! Calls CloudAudit for one account.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::Offset;

use super::caller::{CallLimits, Caller, Parts};
use super::credentials::ProviderState;
use super::pacer::Pacer;
use super::recall::Recall;
use super::signer::Service;
use crate::clock::Clock;

/// CloudAudit, as the source page has it.
pub const CLOUDAUDIT: Service = Service {
    name: "cloudaudit",
    version: "2019-03-19",
};

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The time for one call, from sending to the last byte.
    pub timeout: Duration,
    /// How often one call is tried at the most, for what may pass by itself.
    pub attempts: u32,
    /// Tracks on a page, 1 to 100.
    pub page_size: u32,
    /// The time zone that `CreateTime` is taken to be in.
    pub create_time_offset: Offset,
    /// Of how many tracks of a listing more than their number is kept.
    pub max_tracks: usize,
    /// Whether a listing below `TotalCount` counts as complete.
    pub accept_short_listings: bool,
}

/// Lists and describes the tracks of one account.
pub struct Client {
    pub(super) options: CallOptions,
    pub(super) caller: Caller,
    pub(super) recall: Recall,
}

impl Client {
    /// A client for one account.
    pub fn new(parts: Parts, options: CallOptions) -> Self {
        let CallOptions {
            timeout, attempts, ..
        } = options;
        Self {
            options,
            caller: Caller::new(CLOUDAUDIT, parts, CallLimits { timeout, attempts }),
            recall: Recall::default(),
        }
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Clock {
        &self.caller.parts().clock
    }

    /// Where its keys come from, for the label `provider`.
    pub fn provider_name(&self) -> &'static str {
        self.caller.parts().provider.name()
    }

    /// What became of its keys so far; none where there is one that never changes.
    pub fn credentials(&self) -> Option<ProviderState> {
        self.caller.parts().provider.state()
    }

    /// The UIN of the account that its keys belong to, if known.
    pub fn owner(&self) -> Option<String> {
        self.caller.parts().provider.owner()
    }

    /// What spaces its calls.
    pub fn pacer(&self) -> &Arc<Pacer> {
        &self.caller.parts().pacer
    }

    /// The ceiling of the pacer, in calls a second.
    pub fn requests_per_second(&self) -> f64 {
        self.caller.parts().pacer.per_second()
    }
}
