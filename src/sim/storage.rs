//! The storage of the simulator: buckets, log topics, and topics of `CKafka`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::sim::bucket::BucketState;
use crate::sim::layout::Layout;
use crate::sim::topic::TopicState;

/// A region and a name in it.
pub(super) type Place = (String, String);

#[derive(Default)]
pub(super) struct Storage {
    /// By region and complete name, with the APPID.
    pub(super) buckets: BTreeMap<Place, BucketState>,
    /// By region and topic id.
    pub(super) topics: BTreeMap<Place, TopicState>,
    /// By region and instance id, with the UIN of the owner.
    pub(super) instances: BTreeMap<Place, (String, BTreeSet<String>)>,
    /// By the UIN and the id of the track.
    pub(super) deliveries: BTreeMap<(String, u64), Delivery>,
}

/// What a track delivers.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) layout: Layout,
    pub(super) every: Duration,
    pub(super) next: SystemTime,
    pub(super) number: u64,
}

/// Returns a place.
pub(super) fn place(region: &str, name: &str) -> Place {
    (region.to_owned(), name.to_owned())
}
