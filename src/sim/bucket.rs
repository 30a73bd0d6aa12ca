//! The state of a bucket: its objects, and how it lists them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, Default)]
pub(super) struct BucketState {
    pub(super) owner: String,
    /// In the order of the bytes of their keys. Objects have times and no content.
    pub(super) objects: BTreeMap<String, SystemTime>,
    /// How long a new object is not listed.
    pub(super) visible_after: Duration,
    /// How many of the newest objects the next listings omit.
    pub(super) lost: usize,
    pub(super) max_keys: Option<usize>,
}

/// The parameters of a listing.
pub(super) struct Query {
    pub(super) prefix: String,
    pub(super) delimiter: String,
    pub(super) marker: String,
    pub(super) max_keys: usize,
}

/// An entry of a listing: an object, or all keys with a common prefix.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Object(String, SystemTime),
    CommonPrefix(String),
}

impl BucketState {
    pub(super) fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn put(&mut self, key: String, at: SystemTime) {
        self.objects.insert(key, at);
    }

    /// Returns a page, and whether there are more.
    pub(super) fn list(&self, query: &Query, now: SystemTime) -> (Vec<Entry>, bool) {
        let limit = query.max_keys.min(self.max_keys.unwrap_or(usize::MAX));
        let mut entries: Vec<Entry> = Vec::new();
        for (key, at) in self.visible(now) {
            let Some(rest) = key.strip_prefix(&*query.prefix) else {
                continue;
            };
            if **key <= *query.marker {
                continue;
            }
            let end = match &*query.delimiter {
                "" => None,
                delimiter => rest.find(delimiter).map(|at| at + delimiter.len()),
            };
            let entry = match end {
                None => Entry::Object(key.clone(), at),
                Some(end) => Entry::CommonPrefix(key[..query.prefix.len() + end].to_owned()),
            };
            let is_marker = |it: &str| it == query.marker;
            let is_known = matches!(&entry, Entry::CommonPrefix(it) if is_marker(it));
            if is_known || entries.last() == Some(&entry) {
                continue;
            }
            if entries.len() == limit {
                return (entries, true);
            }
            entries.push(entry);
        }
        (entries, false)
    }

    fn visible(&self, now: SystemTime) -> impl Iterator<Item = (&String, SystemTime)> {
        let mut times = Vec::new();
        if self.lost > 0 {
            times.extend(self.objects.values().copied());
            times.sort_unstable();
        }
        // An object that shares the time of a lost one is lost too.
        let lost_from = times.get(times.len().saturating_sub(self.lost)).copied();
        self.objects
            .iter()
            .map(|(key, at)| (key, *at))
            .filter(move |(_, at)| {
                let is_lost = lost_from.is_some_and(|from| *at >= from);
                !is_lost && *at + self.visible_after <= now
            })
    }
}
