//! The connections of one identity. HTTP/1.1 matches responses to requests only by their order on a
//! connection. So if a gateway delivers a response twice or late, it looks like the response to the
//! next request. Identities do not share connections, so that request is at least of the same
//! identity.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::descriptors::ConnectionLimits;

/// An older connection gets no more requests. If a service moves to other addresses, its old server
/// may keep running, and a connection without an age limit would stay with it.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(5);

/// The connections of one identity. They are opened when needed.
#[derive(Debug, Default)]
pub(super) struct Connections {
    current: Mutex<Option<Pool>>,
    /// Set by the first request, because most clients of STS never send one.
    identity: OnceLock<Arc<()>>,
    /// The number of consecutive rejected responses.
    rejected: AtomicU32,
}

/// A client with its pool of connections. Dropping the client closes idle connections at once, and
/// other connections after their request.
#[derive(Debug)]
struct Pool {
    client: reqwest::Client,
    opened: Instant,
}

impl Connections {
    /// Returns the client for the next request. Calls `make` with the most idle connections if no
    /// client is young enough. Returns `None` if no connection is kept, so that the identity needs no
    /// client of its own.
    pub(super) fn client(
        &self,
        identities: &Identities,
        make: impl FnOnce(usize) -> reqwest::Result<reqwest::Client>,
    ) -> reqwest::Result<Option<reqwest::Client>> {
        self.identity.get_or_init(|| identities.add());
        if !identities.keep_connections() {
            self.close();
            return Ok(None);
        }
        let mut current = self.current();
        let now = Instant::now();
        if let Some(pool) = &*current
            && now.saturating_duration_since(pool.opened) < CONNECTION_LIFETIME
        {
            return Ok(Some(pool.client.clone()));
        }
        let client = make(identities.limits.idle_per_identity)?;
        *current = Some(Pool {
            client: client.clone(),
            opened: now,
        });
        Ok(Some(client))
    }

    /// Returns the number of consecutive rejected responses. If it is not 0, each request needs a
    /// connection of its own.
    pub(super) fn rejected(&self) -> u32 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Records whether a response was accepted. A rejected response closes all connections, because
    /// their responses no longer match the requests.
    pub(super) fn record_response(&self, accepted: bool) {
        if accepted {
            self.rejected.store(0, Ordering::Relaxed);
        } else {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            self.close();
        }
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        *self.current() = None;
    }

    fn current(&self) -> MutexGuard<'_, Option<Pool>> {
        // A pool is replaced as a whole, so a poisoned lock holds a consistent value.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identities that have sent a request. Each holds a clone.
#[derive(Debug)]
pub(super) struct Identities {
    count: Arc<()>,
    limits: ConnectionLimits,
}

impl Identities {
    pub(super) fn within(limits: ConnectionLimits) -> Self {
        Self {
            count: Arc::default(),
            limits,
        }
    }

    fn add(&self) -> Arc<()> {
        Arc::clone(&self.count)
    }

    fn keep_connections(&self) -> bool {
        Arc::strong_count(&self.count) - 1 <= self.limits.keeping_identities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: usize = 3;

    /// Keeps the connections of one identity.
    fn one_identity() -> Identities {
        Identities::within(ConnectionLimits {
            keeping_identities: 1,
            idle_per_identity: IDLE,
            in_flight: 1,
        })
    }

    /// Where the client of the next request comes from.
    #[derive(Debug, PartialEq)]
    enum Source {
        New(usize),
        Before,
        Shared,
    }

    fn next_client(connections: &Connections, identities: &Identities) -> Source {
        let mut source = Source::Before;
        let client = connections.client(identities, |most_idle| {
            source = Source::New(most_idle);
            reqwest::Client::builder().build()
        });
        match client.expect("it can be made") {
            Some(_) => source,
            None => Source::Shared,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_used_for_its_lifetime() {
        let (identities, connections) = (one_identity(), Connections::default());
        let next_client = || next_client(&connections, &identities);
        assert_eq!(next_client(), Source::New(IDLE));
        assert_eq!(next_client(), Source::Before);
        tokio::time::advance(CONNECTION_LIFETIME).await;
        assert_eq!(next_client(), Source::New(IDLE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_fleet_keeps_no_connection() {
        let identities = one_identity();
        // An account has clients for services that it never calls. They do not count.
        let _unused = Connections::default();
        let (first, second) = (Connections::default(), Connections::default());
        assert_eq!(next_client(&first, &identities), Source::New(IDLE));
        assert_eq!(next_client(&second, &identities), Source::Shared);
        assert_eq!(next_client(&second, &identities), Source::Shared);
        assert_eq!(next_client(&first, &identities), Source::Shared);
        assert!(first.current().is_none());
        drop(first);
        assert_eq!(next_client(&second, &identities), Source::New(IDLE));
        assert_eq!(next_client(&second, &identities), Source::Before);
    }
}
