//! The records, bounded in number and age.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::age;
use crate::snapshot::{Attribution, AttributionResult, ChangeRecord, LEAST_APART, move_back};

/// Older records are dropped. The API returns no operations that are older either.
pub const MAX_AGE: Duration = Duration::from_hours(90 * 24);

/// Larger ids come from a damaged file. JSON readers may parse numbers as floats, which are exact up to
/// twice this number.
const MAX_RESTORED_ID: u64 = 1 << 52;

/// The latest changes. Appending and reading hold its lock only briefly: records are shared, and only a
/// record that changes is cloned.
#[derive(Debug)]
pub struct ChangeFeed(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// The most records.
    keep: usize,
    next_id: u64,
    /// Oldest first.
    records: VecDeque<Arc<ChangeRecord>>,
    /// What readers get, newest first. `None` if the records have changed since the last reader.
    shared: Option<Arc<[Arc<ChangeRecord>]>>,
}

/// A change of the feed.
#[derive(Debug, Default)]
pub struct FeedUpdate {
    /// New records, without an id.
    pub new: Vec<ChangeRecord>,
    /// The attributions of records, by id.
    pub attributions: Vec<(u64, Attribution)>,
}

impl ChangeFeed {
    /// Creates an empty feed that keeps this many records.
    pub fn new(keep: usize) -> Self {
        Self(Mutex::new(Inner {
            keep,
            next_id: 1,
            records: VecDeque::new(),
            shared: None,
        }))
    }

    /// Changes how many records are kept.
    pub fn set_keep(&self, keep: usize, now: SystemTime) {
        let mut inner = self.inner();
        inner.keep = keep;
        inner.prune(now);
    }

    /// Adds the records of an earlier process, with their ids. If the clock was set back since,
    /// records with a time in the future get the present time.
    pub fn restore(&self, records: Vec<ChangeRecord>, now: SystemTime) {
        let mut inner = self.inner();
        let mut ids: BTreeSet<u64> = inner.records.iter().map(|record| record.id).collect();
        for record in records {
            if record.id <= MAX_RESTORED_ID && ids.insert(record.id) {
                inner.next_id = inner.next_id.max(record.id.saturating_add(1));
                inner.insert(record);
            }
        }
        inner.move_back(now, now);
        inner.prune(now);
    }

    /// Appends records, which get their ids here. Returns them as they are kept.
    pub fn append(&self, records: Vec<ChangeRecord>, now: SystemTime) -> Vec<Arc<ChangeRecord>> {
        if records.is_empty() {
            return Vec::new();
        }
        let mut inner = self.inner();
        // Another account may have appended a moment later, which is no sign of a wrong clock.
        let latest = inner.records.back();
        if latest.is_some_and(|latest| age(latest.seen, now).is_none()) {
            inner.move_back(now, now - LEAST_APART);
        }
        let mut appended = Vec::with_capacity(records.len());
        for mut record in records {
            record.id = inner.next_id;
            inner.next_id += 1;
            appended.push(inner.insert(record));
        }
        inner.prune(now);
        appended
    }

    /// Appends new records and attributes known ones. Returns both as they are kept.
    pub fn apply(&self, update: FeedUpdate, now: SystemTime) -> Vec<Arc<ChangeRecord>> {
        let mut changed = self.append(update.new, now);
        changed.extend(self.attribute(update.attributions));
        changed
    }

    /// Sets the attributions of these records. Records that were dropped are skipped.
    fn attribute(&self, attributions: Vec<(u64, Attribution)>) -> Vec<Arc<ChangeRecord>> {
        if attributions.is_empty() {
            return Vec::new();
        }
        let mut attributions: BTreeMap<u64, Attribution> = attributions.into_iter().collect();
        let mut inner = self.inner();
        inner.shared = None;
        let mut attributed = Vec::new();
        for record in &mut inner.records {
            if let Some(attribution) = attributions.remove(&record.id) {
                Arc::make_mut(record).attribution = attribution;
                attributed.push(Arc::clone(record));
            }
        }
        attributed
    }

    /// Ends the searches for operators of accounts that are not polled: nothing can end them later.
    pub fn end_lost_searches(&self, is_polled: impl Fn(&str) -> bool) {
        let inner = self.inner();
        let pending = inner.records.iter().filter(|record| record.is_pending());
        let ended = pending.filter(|record| !is_polled(&record.account));
        let failed = Attribution::without_operation(AttributionResult::Failed);
        let ended: Vec<_> = ended.map(|record| (record.id, failed.clone())).collect();
        drop(inner);
        self.attribute(ended);
    }

    /// Returns the records, newest first. The same allocation, unless a record has changed.
    pub fn latest(&self, now: SystemTime) -> Arc<[Arc<ChangeRecord>]> {
        let mut inner = self.inner();
        inner.prune(now);
        let Inner {
            records, shared, ..
        } = &mut *inner;
        Arc::clone(shared.get_or_insert_with(|| records.iter().rev().cloned().collect()))
    }

    /// Every operation leaves it consistent before it can panic, so a poisoned lock is consistent.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, record: ChangeRecord) -> Arc<ChangeRecord> {
        let record = Arc::new(record);
        let place = self.records.partition_point(|it| it.seen <= record.seen);
        self.records.insert(place, Arc::clone(&record));
        self.shared = None;
        record
    }

    /// Moves the times of records after `now` to `latest` and right before it.
    fn move_back(&mut self, now: SystemTime, latest: SystemTime) {
        let ahead = self.records.iter_mut().filter(|record| record.seen > now);
        let ahead = ahead.map(|record| &mut Arc::make_mut(record).seen);
        move_back(ahead, latest);
        self.shared = None;
    }

    fn prune(&mut self, now: SystemTime) {
        let is_old = |record: &ChangeRecord| age(record.seen, now).is_some_and(|age| age > MAX_AGE);
        while self.records.len() > self.keep || self.records.front().is_some_and(|it| is_old(it)) {
            self.records.pop_front();
            self.shared = None;
        }
    }
}
