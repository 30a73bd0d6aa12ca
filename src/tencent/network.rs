//! The state that all transports of a process share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::by_host::ByHost;
use super::connections::Identities;
use super::descriptors::ConnectionLimits;
use super::dns_resolver::DnsResolver;
use super::recent_responses::RecentResponses;

/// The most large responses that are read at the same time. Others wait, within their time limit.
/// This bounds the memory that a flooding server can cost, regardless of the number of targets.
const MAX_LARGE_RESPONSES: usize = 8;

/// The most large responses of one host, so that a host that floods or stalls leaves room for other
/// hosts.
const MAX_LARGE_RESPONSES_OF_HOST: usize = MAX_LARGE_RESPONSES / 2;

/// The resolver, the limits and the caches that all transports of a process share.
#[derive(Clone, Debug, Default)]
pub struct Network(pub(super) Arc<NetworkState>);

#[derive(Debug)]
pub(super) struct NetworkState {
    pub(super) resolver: DnsResolver,
    pub(super) identities: Identities,
    /// Each request holds a permit until its response is read.
    pub(super) in_flight: Semaphore,
    pub(super) recent_responses: RecentResponses,
    pub(super) large_responses: Semaphore,
    large_responses_by_host: ByHost<Semaphore>,
}

impl Default for NetworkState {
    fn default() -> Self {
        let limits = ConnectionLimits::of_process();
        Self {
            resolver: DnsResolver::default(),
            identities: Identities::within(limits),
            in_flight: Semaphore::new(limits.in_flight),
            recent_responses: RecentResponses::default(),
            large_responses: Semaphore::new(MAX_LARGE_RESPONSES),
            large_responses_by_host: ByHost::default(),
        }
    }
}

impl Network {
    /// Returns the semaphore for the large responses of a host. `None` stands for a transport to
    /// several hosts.
    pub(super) fn large_responses_of(&self, host: Option<&Arc<str>>) -> Arc<Semaphore> {
        let new = || Semaphore::new(MAX_LARGE_RESPONSES_OF_HOST);
        match host {
            Some(host) => self.0.large_responses_by_host.get(host, new),
            None => Arc::new(new()),
        }
    }
}
