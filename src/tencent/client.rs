//! The CloudAudit client of one account.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::Offset;

use super::aimd::SourceIpLimit;
use super::api_client::{ApiClient, ClientParts};
use super::call::CallLimits;
use super::listing_cache::ListingCache;
use super::pacer::Pacer;
use super::provider::ProviderState;
use super::signer::Service;
use crate::clock::Clock;

/// The product CloudAudit.
pub const CLOUDAUDIT: Service = Service {
    name: "cloudaudit",
    version: "2019-03-19",
};

/// The options of a client.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The time for one request, from sending to the last byte of the response.
    pub timeout: Duration,
    /// The most requests for one call, if failures are worth a retry.
    pub attempts: u32,
    /// Tracks per page, 1 to 100.
    pub page_size: u32,
    /// The time zone of `CreateTime`.
    pub create_time_offset: Offset,
    /// The most tracks of a listing that are kept whole; the others are only counted.
    pub max_tracks: usize,
    /// Whether a listing with fewer tracks than `TotalCount` counts as complete.
    pub accept_short_listings: bool,
}

/// Lists and describes the tracks of one account.
pub struct Client {
    pub(super) options: CallOptions,
    pub(super) api: ApiClient,
    /// For `DescribeEvents`, which has a rate limit of its own: a throttled search must not slow
    /// down the polls.
    pub(super) events_api: ApiClient,
    pub(super) listing_cache: ListingCache,
}

impl Client {
    /// Creates a client for one account, with a pacer of its own for `DescribeEvents`.
    pub fn new(parts: ClientParts, options: CallOptions) -> Self {
        let pacer = Pacer::new(parts.pacer.per_second(), SourceIpLimit::default());
        Self::with_events_pacer(parts, Arc::new(pacer), options)
    }

    /// Creates a client for one account. The pacer for `DescribeEvents` is shared by all clients with
    /// the same identity at the same endpoint, as the pacer of `parts` is.
    pub fn with_events_pacer(
        parts: ClientParts,
        events_pacer: Arc<Pacer>,
        options: CallOptions,
    ) -> Self {
        let CallOptions {
            timeout, attempts, ..
        } = options;
        let limits = CallLimits { timeout, attempts };
        let events_parts = ClientParts {
            pacer: events_pacer,
            ..parts.clone()
        };
        Self {
            options,
            api: ApiClient::new(CLOUDAUDIT, parts, limits),
            events_api: ApiClient::new(CLOUDAUDIT, events_parts, limits),
            listing_cache: ListingCache::default(),
        }
    }

    /// Returns the clock of its timestamps.
    pub fn clock(&self) -> &Clock {
        &self.api.parts().clock
    }

    /// Returns the name of its credential provider, for the label `provider`.
    pub fn provider_name(&self) -> &'static str {
        self.api.parts().provider.name()
    }

    /// Returns the state of its credential provider. `None` if the credential never changes.
    pub fn credentials(&self) -> Option<ProviderState> {
        self.api.parts().provider.state()
    }

    /// Returns the UIN of the account that its keys belong to, if known.
    pub fn owner(&self) -> Option<String> {
        self.api.parts().provider.owner()
    }

    /// Returns its rate limiter.
    pub fn pacer(&self) -> &Arc<Pacer> {
        &self.api.parts().pacer
    }

    /// Returns the rate limiter of `DescribeEvents`.
    pub fn events_pacer(&self) -> &Arc<Pacer> {
        &self.events_api.parts().pacer
    }

    /// Returns the current ceiling of the rate limiter, in requests per second.
    pub fn requests_per_second(&self) -> f64 {
        self.api.parts().pacer.per_second()
    }
}
