//! The connections of one identity. HTTP/1.1 matches responses to requests only by their order on a
//! connection. So if a gateway delivers a response twice or late, it looks like the response to the
//! next request. Identities do not share connections, so that request is at least of the same
//! identity.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::resources::{RESERVED_FILES, open_files};

/// An older connection gets no more requests. If a service moves to other addresses, its old server
/// may keep running, and a connection without an age limit would stay with it.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(5);

/// The descriptors per identity that keeps connections. An identity has one or two connections, and
/// the listener needs descriptors too.
const DESCRIPTORS_PER_IDENTITY: u64 = 4;

/// The most identities that keep connections, regardless of the number of descriptors.
const MAX_OPEN_IDENTITIES: usize = 1024;

/// The identities that keep connections if there are more identities than the limit. A connection
/// would be closed before the next poll anyway; these serve the pages of the polls in progress.
const OPEN_IF_VERY_MANY: usize = 128;

/// The connections of one identity. They are opened when needed.
#[derive(Debug)]
pub(super) struct Connections {
    current: Mutex<Option<Pool>>,
    /// Set when the first connection is opened: most clients of STS never open one.
    identity: OnceLock<Identity>,
    /// The number of consecutive rejected responses.
    rejected: AtomicU32,
}

/// Counts the identities that have opened a connection: each holds a clone.
type Identity = Arc<()>;

/// A client with its pool of connections. Dropping the client closes idle connections at once, and
/// other connections after their request.
#[derive(Debug)]
struct Pool {
    client: reqwest::Client,
    opened: Instant,
}

impl Connections {
    /// Creates a pool for one more identity, with no connection open.
    pub(super) fn new() -> Self {
        Self {
            current: Mutex::default(),
            identity: OnceLock::new(),
            rejected: AtomicU32::new(0),
        }
    }

    /// Returns the client for the next request. Calls `make` if no client is young enough.
    pub(super) fn client(
        self: &Arc<Self>,
        open: &OpenIdentities,
        make: impl FnOnce() -> reqwest::Result<reqwest::Client>,
    ) -> reqwest::Result<reqwest::Client> {
        let mut current = self.current();
        let now = Instant::now();
        if let Some(pool) = &*current
            && now.saturating_duration_since(pool.opened) < CONNECTION_LIFETIME
        {
            return Ok(pool.client.clone());
        }
        let client = make()?;
        self.identity.get_or_init(|| Arc::clone(&open.identities));
        *current = Some(Pool {
            client: client.clone(),
            opened: now,
        });
        drop(current);
        open.add(self, now);
        Ok(client)
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

    /// Closes the pool that was opened at this time, if it is still in use.
    fn close_opened(&self, at: Instant) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|pool| pool.opened == at) {
            *current = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Pool>> {
        // A pool is replaced as a whole, so a poisoned lock holds a consistent value.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identities that have connections, in the order of opening. Beyond a limit, the connections
/// that were opened first are closed, because each costs memory and a descriptor.
#[derive(Debug)]
pub(super) struct OpenIdentities {
    most: usize,
    identities: Identity,
    opened: Mutex<VecDeque<(Weak<Connections>, Instant)>>,
}

impl OpenIdentities {
    /// Derives the limit from the descriptors of the process.
    pub(super) fn within_descriptors() -> Self {
        let room = |limit: u64| limit.saturating_sub(RESERVED_FILES) / DESCRIPTORS_PER_IDENTITY;
        let room = open_files().map_or(u64::MAX, room);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        Self::at_most(room.clamp(1, MAX_OPEN_IDENTITIES))
    }

    fn at_most(most: usize) -> Self {
        Self {
            most,
            identities: Identity::default(),
            opened: Mutex::default(),
        }
    }

    fn add(&self, connections: &Arc<Connections>, at: Instant) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push_back((Arc::downgrade(connections), at));
        let surplus = opened.len().saturating_sub(self.most());
        let surplus: Vec<_> = opened.drain(..surplus).collect();
        drop(opened);
        for (connections, at) in surplus {
            if let Some(connections) = connections.upgrade() {
                connections.close_opened(at);
            }
        }
    }

    fn most(&self) -> usize {
        let identities = Arc::strong_count(&self.identities) - 1;
        if identities > self.most {
            self.most.min(OPEN_IF_VERY_MANY)
        } else {
            self.most
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_the_limit_of_open_files() {
        let most = OpenIdentities::within_descriptors().most;
        assert!((1..=MAX_OPEN_IDENTITIES).contains(&most));
    }

    fn is_open(connections: &Connections) -> bool {
        connections.current().is_some()
    }

    fn opened(open: &OpenIdentities) -> Arc<Connections> {
        let connections = Arc::new(Connections::new());
        let client = connections.client(open, || reqwest::Client::builder().build());
        assert!(client.is_ok() && is_open(&connections));
        connections
    }

    #[tokio::test(start_paused = true)]
    async fn the_connections_that_were_opened_first_make_room() {
        let open = OpenIdentities::at_most(2);
        let first = opened(&open);
        tokio::time::advance(Duration::from_secs(1)).await;
        let [second, third] = [opened(&open), opened(&open)];
        let are_open = [&first, &second, &third].map(|connections| is_open(connections));
        assert_eq!(are_open, [false, true, true]);
        assert_eq!(open.opened.lock().expect("it is whole").len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_identities_keep_few_connections() {
        let open = OpenIdentities::at_most(OPEN_IF_VERY_MANY + 10);
        let mut all: Vec<_> = (0..open.most).map(|_| opened(&open)).collect();
        assert!(all.iter().all(|connections| is_open(connections)));
        all.push(opened(&open));
        let are_open = all.iter().filter(|connections| is_open(connections));
        assert_eq!(are_open.count(), OPEN_IF_VERY_MANY);
    }

    /// An account has clients for services that it never calls.
    #[tokio::test(start_paused = true)]
    async fn identities_without_a_connection_do_not_count() {
        let open = OpenIdentities::at_most(OPEN_IF_VERY_MANY + 10);
        let all: Vec<_> = (0..open.most).map(|_| opened(&open)).collect();
        let unused: Vec<_> = (0..open.most).map(|_| Connections::new()).collect();
        tokio::time::advance(CONNECTION_LIFETIME).await;
        let replaced = &all[0];
        let make = || reqwest::Client::builder().build();
        replaced.client(&open, make).expect("it can be made");
        let are_open = all.iter().filter(|connections| is_open(connections));
        assert_eq!((are_open.count(), unused.len()), (open.most, open.most));
    }

    /// The entry of a replaced pool does not close its replacement.
    #[tokio::test(start_paused = true)]
    async fn a_pool_that_was_replaced_makes_room_for_nothing() {
        let open = OpenIdentities::at_most(2);
        let replaced = opened(&open);
        tokio::time::advance(CONNECTION_LIFETIME).await;
        let make = || reqwest::Client::builder().build();
        replaced.client(&open, make).expect("it can be made");
        let _other = opened(&open);
        assert!(is_open(&replaced));
    }
}
