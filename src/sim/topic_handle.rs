//! The handle to a log topic.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sim::state::StateHandle;
use crate::sim::storage::Place;
use crate::sim::topic::TopicState;

/// A handle to a log topic. It stays valid if the topic is deleted.
#[derive(Clone, Debug)]
pub struct Topic {
    state: StateHandle,
    place: Place,
}

impl Topic {
    pub(super) fn new(state: StateHandle, place: Place) -> Self {
        Self { state, place }
    }

    /// Writes a record.
    pub fn write(&self, at: SystemTime) {
        self.change(|topic| topic.write(at));
    }

    /// Creates or deletes the index, without which records cannot be searched or counted.
    pub fn set_index(&self, has_index: bool) {
        self.change(|topic| topic.has_index = has_index);
    }

    /// Returns the time of the newest record.
    pub fn newest(&self) -> Option<SystemTime> {
        let mut newest = None;
        self.change(|topic| newest = topic.records.keys().next_back().copied());
        newest.map(|at| UNIX_EPOCH + Duration::from_millis(at))
    }

    /// Deletes the topic with all its records.
    pub fn delete(&self) {
        self.state.lock().storage.topics.remove(&self.place);
    }

    fn change(&self, change: impl FnOnce(&mut TopicState)) {
        if let Some(topic) = self.state.lock().storage.topics.get_mut(&self.place) {
            change(topic);
        }
    }
}
