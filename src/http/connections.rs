//! The cap on connections, shared by all addresses that are served.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::connection_state::{ConnectionState, STALLED};
use super::descriptors;

/// How many connections there may be, over all listeners that share this handle. A connection
/// counts until its socket is closed.
///
/// If all places are taken, a connection that waits for its client makes room: one of the source
/// with the most connections, so that a crowd at one address does not cost another client its
/// connection; of these one without a whole request before one whose client does not take its
/// response; of these the oldest. A connection whose request the exporter is working on is never
/// closed for a newcomer, nor one whose client keeps taking the response.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cap: usize,
    open: Mutex<Open>,
    /// Notified when a connection ended or fell idle.
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

/// Where a connection comes from: `None` for this machine.
type Source = Option<IpAddr>;

/// A client with IPv6 usually has a network of 64 bits, hence any number of addresses.
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
    /// A cap of its own; at least one connection is let in.
    pub fn new(cap: usize) -> Self {
        Self(Arc::new(Inner {
            cap: cap.max(1),
            open: Mutex::default(),
            room: Arc::default(),
        }))
    }

    /// Waits for a permit for a connection of `client`, `None` for one of this machine.
    pub async fn admit(&self, client: Option<IpAddr>) -> ConnectionPermit {
        loop {
            let room = self.0.room.notified();
            if let Some(permit) = self.try_admit(source_of(client)) {
                return permit;
            }
            // A client that stops reading notifies no one.
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

    /// Closes a connection that waits for its client, if there is one: the process has no
    /// descriptors left.
    pub(super) fn make_room(&self) {
        self.open().make_room();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A panic elsewhere leaves the map whole: each change is one call.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Asks a connection to close, if one can and none is about to.
    fn make_room(&mut self) {
        let now = Instant::now();
        let mut closing = self.connections.values().filter(|it| it.closing);
        if let Some(closing) = closing.find(|it| it.state.waits_for(now).is_some()) {
            // A request may have come in when it was asked, and waits for its client now.
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

/// One connection's place under the cap, given back when dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    id: u64,
    state: Arc<ConnectionState>,
    connections: Connections,
}

impl ConnectionPermit {
    /// What the connection is at.
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
