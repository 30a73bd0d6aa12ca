//! The handle to an account: its storage, and what its tracks deliver there.

use std::time::{Duration, SystemTime};

use crate::sim::account::Account;
use crate::sim::bucket::BucketState;
use crate::sim::bucket_handle::Bucket;
use crate::sim::layout::Layout;
use crate::sim::storage::{Delivery, place};
use crate::sim::topic::TopicState;
use crate::sim::topic_handle::Topic;

impl Account {
    /// Returns the APPID.
    pub fn app_id(&self) -> String {
        let uin = self.uin().to_owned();
        self.with_state(|account| account.app_id(&uin))
    }

    /// Sets the APPID. By default it is made from the UIN.
    pub fn set_app_id(&self, app_id: &str) {
        self.with_state(|account| account.set_app_id(app_id));
    }

    /// Returns the bucket `<name>-<appid>` in this region. If it does not exist, adds it.
    pub fn add_bucket(&self, region: &str, name: &str) -> Bucket {
        let place = place(region, &format!("{name}-{}", self.app_id()));
        let owner = self.uin().to_owned();
        self.with_simulator(|state| {
            let buckets = &mut state.storage.buckets;
            let new = || BucketState::new(&owner);
            buckets.entry(place.clone()).or_insert_with(new);
        });
        Bucket::new(self.handle(), place)
    }

    /// Returns the log topic with this id. If it does not exist, adds it, with an index.
    pub fn add_topic(&self, region: &str, id: &str) -> Topic {
        let place = place(region, id);
        let owner = self.uin().to_owned();
        self.with_simulator(|state| {
            let topics = &mut state.storage.topics;
            let new = || TopicState::new(&owner);
            topics.entry(place.clone()).or_insert_with(new);
        });
        Topic::new(self.handle(), place)
    }

    /// Adds a topic of `CKafka`, and its instance if necessary.
    pub fn add_kafka_topic(&self, region: &str, instance: &str, topic: &str) {
        let owner = self.uin().to_owned();
        self.with_simulator(|state| {
            let instances = &mut state.storage.instances;
            let new = || (owner, std::collections::BTreeSet::new());
            let instance = instances.entry(place(region, instance)).or_insert_with(new);
            instance.1.insert(topic.to_owned());
        });
    }

    /// Deletes an instance of `CKafka` with its topics.
    pub fn delete_kafka_instance(&self, region: &str, instance: &str) {
        self.with_simulator(|state| state.storage.instances.remove(&place(region, instance)));
    }

    /// Lets a track deliver an object or a record in this interval from a time on, while it is
    /// enabled and its storage exists.
    pub fn deliver(&self, track_id: u64, layout: Layout, every: Duration, from: SystemTime) {
        let delivery = Delivery {
            layout,
            every: every.max(Duration::from_secs(1)),
            next: from,
            number: 0,
        };
        let key = (self.uin().to_owned(), track_id);
        self.with_simulator(|state| state.storage.deliveries.insert(key, delivery));
    }

    /// Ends the deliveries of a track, although it stays enabled.
    pub fn stop_delivering(&self, track_id: u64) {
        let key = (self.uin().to_owned(), track_id);
        self.with_simulator(|state| state.storage.deliveries.remove(&key));
    }
}
