//! The cap on connections, shared by all addresses that are served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::activity::Activity;

/// How many connections there may be, over all listeners that share this handle.
///
/// When all places are taken, the connection that has been idle longest makes room. One in the
/// middle of a request is never closed for a newcomer: where none is idle the newcomer waits, and
/// those behind it in the kernel's queue, until a request ends. Every request has its time limits,
/// so the wait has an end; and a scrape that comes a little late is better than one refused.
#[derive(Clone, Debug)]
pub struct Connections(Arc<House>);

#[derive(Debug)]
struct House {
    cap: usize,
    open: Mutex<Open>,
    /// Told when a connection ended or fell idle.
    room: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    activities: HashMap<u64, Arc<Activity>>,
}

impl Connections {
    /// The contract's cap.
    pub const CAP: usize = 512;

    /// A cap of its own; at least one connection is let in.
    pub fn new(cap: usize) -> Self {
        Self(Arc::new(House {
            cap: cap.max(1),
            open: Mutex::default(),
            room: Arc::default(),
        }))
    }

    /// Waits for a place.
    pub(super) async fn admit(&self) -> Place {
        loop {
            let room = self.0.room.notified();
            if let Some(place) = self.try_admit() {
                return place;
            }
            room.await;
        }
    }

    fn try_admit(&self) -> Option<Place> {
        let mut open = self.open();
        if open.activities.len() >= self.0.cap {
            let idle = open
                .activities
                .iter()
                .filter_map(|(&id, activity)| Some((activity.idle_since()?, id)));
            let (_, longest) = idle.min()?;
            // Should a request of its arrive at this very moment, it is answered all the same, and
            // the connection ends after it: over the cap, but only for that.
            if let Some(activity) = open.activities.remove(&longest) {
                activity.finish();
            }
        }
        let id = open.next_id;
        open.next_id += 1;
        let activity = Arc::new(Activity::new(Arc::clone(&self.0.room)));
        open.activities.insert(id, Arc::clone(&activity));
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

impl Default for Connections {
    fn default() -> Self {
        Self::new(Self::CAP)
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
        self.connections.open().activities.remove(&self.id);
        self.connections.0.room.notify_waiters();
    }
}
