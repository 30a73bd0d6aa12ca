//! The cap on connections, shared by all addresses that are served.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::activity::Activity;
use super::descriptors;

/// How many connections there may be, over all listeners that share this handle. A connection
/// counts until its socket is closed.
///
/// If all places are taken, a connection without a whole request makes room: the oldest one of the
/// client address that has most of them, so that a crowd of clients at one address does not cost
/// another its connection. A connection whose request is being answered is closed for a newcomer
/// only if every other is answered too and its client has not kept up with the response for
/// [`SLOW_RESPONSE`].
#[derive(Clone, Debug)]
pub struct Connections(Arc<House>);

#[derive(Debug)]
struct House {
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
    client: Option<IpAddr>,
    activity: Arc<Activity>,
    leaving: bool,
}

/// A client that has not read its response for this long may lose its place to a newcomer.
const SLOW_RESPONSE: Duration = Duration::from_secs(1);

impl Connections {
    /// The contract's cap, if the process may open enough files for it.
    pub const CAP: usize = 512;

    /// A cap of its own; at least one connection is let in.
    pub fn new(cap: usize) -> Self {
        Self(Arc::new(House {
            cap: cap.max(1),
            open: Mutex::default(),
            room: Arc::default(),
        }))
    }

    /// Waits for a place for a connection of `client`, `None` for one of this machine.
    pub(super) async fn admit(&self, client: Option<IpAddr>) -> Place {
        loop {
            let room = self.0.room.notified();
            if let Some(place) = self.try_admit(client) {
                return place;
            }
            // A client that stops reading notifies no one.
            drop(timeout(SLOW_RESPONSE, room).await);
        }
    }

    fn try_admit(&self, client: Option<IpAddr>) -> Option<Place> {
        let mut open = self.open();
        if open.connections.len() >= self.0.cap {
            open.make_room();
            return None;
        }
        let id = open.next_id;
        open.next_id += 1;
        let activity = Arc::new(Activity::new(Arc::clone(&self.0.room)));
        let connection = Connection {
            client,
            activity: Arc::clone(&activity),
            leaving: false,
        };
        open.connections.insert(id, connection);
        Some(Place {
            id,
            activity,
            connections: self.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // A panic elsewhere leaves the map whole: each change is one call.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Asks a connection to close, if one can and none was asked that is about to.
    fn make_room(&mut self) {
        let mut connections = self.connections.values();
        if connections.any(|it| it.leaving && it.activity.without_request_since().is_some()) {
            return;
        }
        let mut of_client: HashMap<Option<IpAddr>, usize> = HashMap::new();
        for connection in self.connections.values() {
            *of_client.entry(connection.client).or_default() += 1;
        }
        let staying = || self.connections.iter().filter(|(_, it)| !it.leaving);
        let without_request = staying().filter_map(|(&id, connection)| {
            let since = connection.activity.without_request_since()?;
            let crowd = of_client.get(&connection.client).copied();
            Some((std::cmp::Reverse(crowd), since, id))
        });
        let now = Instant::now();
        let slow = staying().filter_map(|(&id, connection)| {
            let since = connection.activity.blocked_since()?;
            (now.saturating_duration_since(since) >= SLOW_RESPONSE).then_some((since, id))
        });
        let chosen = without_request.min().map(|(_, _, id)| id);
        let chosen = chosen.or_else(|| slow.min().map(|(_, id)| id));
        if let Some(connection) = chosen.and_then(|id| self.connections.get_mut(&id)) {
            connection.leaving = true;
            connection.activity.finish();
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(Self::CAP.min(descriptors::for_connections()))
    }
}

/// One connection's place under the cap, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    activity: Arc<Activity>,
    connections: Connections,
}

impl Place {
    /// What the connection is at.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.id);
        self.connections.0.room.notify_waiters();
    }
}
