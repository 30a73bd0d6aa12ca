//! The state that all transports of a process share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

use super::connections::OpenIdentities;
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
    pub(super) open: OpenIdentities,
    pub(super) recent_responses: RecentResponses,
    pub(super) large_responses: Semaphore,
    /// Weak, because a semaphore lives as long as a transport to its host.
    large_by_host: Mutex<HashMap<Arc<str>, Weak<Semaphore>>>,
}

impl Default for NetworkState {
    fn default() -> Self {
        Self {
            resolver: DnsResolver::default(),
            open: OpenIdentities::within_descriptors(),
            recent_responses: RecentResponses::default(),
            large_responses: Semaphore::new(MAX_LARGE_RESPONSES),
            large_by_host: Mutex::default(),
        }
    }
}

impl Network {
    /// Returns the semaphore for the large responses of a host. `None` stands for a transport to
    /// several hosts.
    pub(super) fn large_responses_of(&self, host: Option<&Arc<str>>) -> Arc<Semaphore> {
        let new = || Arc::new(Semaphore::new(MAX_LARGE_RESPONSES_OF_HOST));
        let Some(host) = host else { return new() };
        // Entries are inserted and removed as a whole, so a poisoned lock holds a consistent map.
        let hosts = self.0.large_by_host.lock();
        let mut hosts = hosts.unwrap_or_else(PoisonError::into_inner);
        if let Some(of_host) = hosts.get(host).and_then(Weak::upgrade) {
            return of_host;
        }
        hosts.retain(|_, of_host| of_host.strong_count() > 0);
        let of_host = new();
        hosts.insert(Arc::clone(host), Arc::downgrade(&of_host));
        of_host
    }
}
