//! The handle to a bucket.

use std::time::{Duration, SystemTime};

use crate::sim::bucket::BucketState;
use crate::sim::state::StateHandle;
use crate::sim::storage::Place;

/// A handle to a bucket. It stays valid if the bucket is deleted.
#[derive(Clone, Debug)]
pub struct Bucket {
    state: StateHandle,
    place: Place,
}

impl Bucket {
    pub(super) fn new(state: StateHandle, place: Place) -> Self {
        Self { state, place }
    }

    /// Stores an object that arrives at this time.
    pub fn put(&self, key: &str, at: SystemTime) {
        self.change(|bucket| bucket.put(key.to_owned(), at));
    }

    /// Deletes an object, as a lifecycle rule does.
    pub fn remove(&self, key: &str) {
        self.change(|bucket| {
            bucket.objects.remove(key);
        });
    }

    /// Returns the keys and times of all objects.
    pub fn objects(&self) -> Vec<(String, SystemTime)> {
        let mut all = Vec::new();
        self.change(|bucket| all = bucket.objects.clone().into_iter().collect());
        all
    }

    /// Returns the time of the newest object.
    pub fn newest(&self) -> Option<SystemTime> {
        self.objects().into_iter().map(|(_, at)| at).max()
    }

    /// Lists a new object only after this time: listings are eventually consistent.
    pub fn set_visible_after(&self, delay: Duration) {
        self.change(|bucket| bucket.visible_after = delay);
    }

    /// Leaves the newest objects out of every listing, until it is set back to 0.
    pub fn lose_newest(&self, objects: usize) {
        self.change(|bucket| bucket.lost = objects);
    }

    /// Silently limits the entries of a page, whatever the request says.
    pub fn set_max_keys(&self, entries: usize) {
        self.change(|bucket| bucket.max_keys = Some(entries.max(1)));
    }

    /// Deletes the bucket with all its objects.
    pub fn delete(&self) {
        self.state.lock().storage.buckets.remove(&self.place);
    }

    fn change(&self, change: impl FnOnce(&mut BucketState)) {
        if let Some(bucket) = self.state.lock().storage.buckets.get_mut(&self.place) {
            change(bucket);
        }
    }
}
