//! The cap on connections, shared by all addresses that are served.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::connection_state::{ConnectionState, STALLED};
use super::descriptors;

/// Limits the number of connections of all listeners that share this handle. A connection counts
/// until its socket is closed.
///
/// If the limit is reached, a connection that waits for its client is closed to make room. The
/// source with the most connections loses one first, so that many connections from one address do
/// not cost another client its connection. Of these, a connection without a complete request goes
/// before a connection whose client does not read its response, and the oldest goes first. A
/// connection is never closed while the exporter works on its request or its client keeps reading.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cap: usize,
    open: Mutex<Open>,
    /// Notified when a connection ends or becomes idle.
    room: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    source: Source,
    state: Arc<ConnectionState>,
    closing: bool,
}

/// The address or network that a connection comes from. `None` for a Unix socket.
type Source = Option<IpAddr>;

/// Returns the source of a client. An IPv6 client usually has a /64 network, hence any number of
/// addresses, so the network is the source.
fn source_of(client: Option<IpAddr>) -> Source {
    Some(match client?.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    })
}

impl Connections {
    /// Creates a limit, of at least one connection.
    pub fn new(cap: usize) -> Self {
        Self(Arc::new(Inner {
            cap: cap.max(1),
            open: Mutex::default(),
            room: Arc::default(),
        }))
    }

    /// Waits for a permit for a connection from `client`, which is `None` for a Unix socket.
    pub async fn admit(&self, client: Option<IpAddr>) -> ConnectionPermit {
        loop {
            let room = self.0.room.notified();
            if let Some(permit) = self.try_admit(source_of(client)) {
                return permit;
            }
            // No notification comes from a client that stops reading.
            drop(timeout(STALLED, room).await);
        }
    }

    fn try_admit(&self, source: Source) -> Option<ConnectionPermit> {
        let mut open = self.open();
        if open.connections.len() >= self.0.cap {
            open.make_room();
            return None;
        }
        let id = open.next_id;
        open.next_id += 1;
        let state = Arc::new(ConnectionState::new(Arc::clone(&self.0.room)));
        let connection = Connection {
            source,
            state: Arc::clone(&state),
            closing: false,
        };
        open.connections.insert(id, connection);
        Some(ConnectionPermit {
            id,
            state,
            connections: self.clone(),
        })
    }

    /// Closes a connection that waits for its client, if there is one. Called when the process has
    /// no descriptors left.
    pub(super) fn make_room(&self) {
        self.open().make_room();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Each change is one call, so a poisoned lock holds a consistent map.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Requests that a connection closes, unless one is already closing.
    fn make_room(&mut self) {
        let now = Instant::now();
        let mut closing = self.connections.values().filter(|it| it.closing);
        if let Some(closing) = closing.find(|it| it.state.waits_for(now).is_some()) {
            // A request may have arrived when the close was requested, and wait for its client now.
            closing.state.request_close();
            return;
        }
        let mut counts: HashMap<Source, usize> = HashMap::new();
        for connection in self.connections.values() {
            *counts.entry(connection.source).or_default() += 1;
        }
        let staying = self.connections.iter().filter(|(_, it)| !it.closing);
        let candidates = staying.filter_map(|(&id, connection)| {
            let waits_for = connection.state.waits_for(now)?;
            let count = counts.get(&connection.source).copied();
            Some((Reverse(count), waits_for, id))
        });
        let chosen = candidates.min().map(|(_, _, id)| id);
        if let Some(connection) = chosen.and_then(|id| self.connections.get_mut(&id)) {
            connection.closing = true;
            connection.state.request_close();
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(descriptors::max_connections())
    }
}

/// Counts one connection under the limit until it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    id: u64,
    state: Arc<ConnectionState>,
    connections: Connections,
}

impl ConnectionPermit {
    /// Returns the state of the connection.
    pub(super) fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.id);
        self.connections.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its socket is still open, so a new one would be one too many.
    #[tokio::test]
    async fn a_closing_connection_counts_until_it_is_closed() {
        let connections = Connections::new(1);
        let first = connections.try_admit(None).unwrap();
        for _ in 0..3 {
            assert!(connections.try_admit(None).is_none());
        }
        drop(first);
        assert!(connections.try_admit(None).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let source = |text: &str| source_of(Some(text.parse().unwrap()));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:0:0:2"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_eq!(source_of(None), None);
    }
}
