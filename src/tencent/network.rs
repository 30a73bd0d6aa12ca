//! The state that all transports of a process share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connections::Identities;
use super::descriptors::ConnectionLimits;
use super::dns_resolver::DnsResolver;
use super::recent_responses::RecentResponses;
use super::shared_limit::SharedLimit;
use super::transport::{TransportError, TransportErrorKind};

/// The most large responses that are read at the same time. Others wait, within their time limit.
/// This bounds the memory that a flooding server can cost, regardless of the number of targets.
const MAX_LARGE_RESPONSES: usize = 8;

/// The longest wait for a free connection.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The resolver, the limits and the caches that all transports of a process share.
#[derive(Clone, Debug, Default)]
pub struct Network(pub(super) Arc<NetworkState>);

#[derive(Debug)]
pub(super) struct NetworkState {
    pub(super) resolver: DnsResolver,
    pub(super) identities: Identities,
    /// Each request holds permits until its response is read.
    pub(super) in_flight: SharedLimit,
    pub(super) recent_responses: RecentResponses,
    pub(super) large_responses: SharedLimit,
}

impl Default for NetworkState {
    fn default() -> Self {
        let limits = ConnectionLimits::of_process();
        Self {
            resolver: DnsResolver::default(),
            identities: Identities::within(limits),
            in_flight: SharedLimit::new(limits.in_flight),
            recent_responses: RecentResponses::default(),
            large_responses: SharedLimit::new(MAX_LARGE_RESPONSES),
        }
    }
}

impl NetworkState {
    /// Waits until another request may be in flight to the host with this semaphore.
    pub(super) async fn in_flight_permits<'a>(
        &'a self,
        of_host: &'a Semaphore,
    ) -> Result<[SemaphorePermit<'a>; 2], TransportError> {
        let permits = timeout(MAX_WAIT, self.in_flight.acquire(of_host)).await;
        permits.map_err(|_| TransportError {
            kind: TransportErrorKind::Timeout,
            message: format!(
                "not sent: no connection was free within {MAX_WAIT:?}; raise the limit of open \
                 files (ulimit -n, LimitNOFILE=)"
            ),
        })
    }
}
