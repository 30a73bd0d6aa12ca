//! The state of a topic of the Cloud Log Service. Records have times and no content.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug)]
pub(super) struct TopicState {
    pub(super) owner: String,
    pub(super) has_index: bool,
    /// Counts of records by Unix milliseconds.
    pub(super) records: BTreeMap<u64, u64>,
}

impl TopicState {
    pub(super) fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            has_index: true,
            records: BTreeMap::new(),
        }
    }

    pub(super) fn write(&mut self, at: SystemTime) {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        *self.records.entry(at).or_default() += 1;
    }

    /// Returns the number of records from one time to before another, in Unix milliseconds.
    pub(super) fn count(&self, from: u64, until: u64) -> u64 {
        if from >= until {
            return 0;
        }
        self.records
            .range(from..until)
            .map(|(_, count)| count)
            .sum()
    }
}
