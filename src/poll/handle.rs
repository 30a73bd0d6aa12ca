//! The handle through which an account publishes, with the memory from which the account's next
//! task resumes after a reload or a panic.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::changes::{ChangeFeed, FeedUpdate};
use crate::clock::Moment;
use crate::heartbeat::{Heartbeat, STALL_TIMEOUT};
use crate::snapshot::{ApiCounters, ChangeRecord, Report};

/// Publishes the reports of one account.
pub type Publish = Box<dyn FnMut(Arc<Report>, Moment) + Send>;

/// What an account remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The report that was published last.
    pub report: Option<Arc<Report>>,
    /// Counters of its requests. Shared, so that the requests of a dropped poll count too.
    pub api: Arc<Mutex<ApiCounters>>,
}

/// Publishes the reports and the changes of one account, and remembers the last report. After
/// [`close`](Self::close), the old task can no longer publish, even if its abort is delayed.
pub struct PublishHandle {
    inner: Mutex<Inner>,
    /// The change feed, which all accounts share.
    changes: Arc<ChangeFeed>,
    heartbeat: Arc<Heartbeat>,
}

struct Inner {
    /// `None` once it is closed.
    publish: Option<Publish>,
    memory: Memory,
}

impl PublishHandle {
    /// Creates a handle for a task that resumes from `memory`.
    pub fn new(memory: Memory, publish: Publish, changes: Arc<ChangeFeed>, now: Instant) -> Self {
        let publish = Some(publish);
        Self {
            inner: Mutex::new(Inner { publish, memory }),
            changes,
            heartbeat: Arc::new(Heartbeat::new(now, now + STALL_TIMEOUT)),
        }
    }

    /// Returns the heartbeat of the task.
    pub fn heartbeat(&self) -> &Arc<Heartbeat> {
        &self.heartbeat
    }

    /// Returns the memory from which a new task would resume.
    pub fn memory(&self) -> Memory {
        self.inner().memory.clone()
    }

    /// Returns whether publishing was stopped.
    pub fn is_closed(&self) -> bool {
        self.inner().publish.is_none()
    }

    /// Stops publishing, and returns the memory.
    pub fn close(&self) -> Memory {
        let mut inner = self.inner();
        inner.publish = None;
        inner.memory.clone()
    }

    /// Replaces the function that publishes, because its state is unknown after a panic. Returns
    /// `false`, and does not call `publish`, if the handle was closed.
    pub fn renew(&self, publish: impl FnOnce() -> Publish) -> bool {
        let mut inner = self.inner();
        if inner.publish.is_some() {
            inner.publish = Some(publish());
        }
        inner.publish.is_some()
    }

    /// Returns the change feed.
    pub(super) fn changes(&self) -> &ChangeFeed {
        &self.changes
    }

    /// Publishes a report, remembers it, and updates the feed. A report that cannot be published is not
    /// remembered, and its changes will be found again. Returns the new and the changed records.
    pub(super) fn publish(
        &self,
        report: Arc<Report>,
        update: FeedUpdate,
        now: Moment,
    ) -> Vec<Arc<ChangeRecord>> {
        let mut inner = self.inner();
        let Some(publish) = &mut inner.publish else {
            return Vec::new();
        };
        publish(Arc::clone(&report), now);
        inner.memory.report = Some(report);
        self.changes.apply(update, now.wall)
    }

    /// Locks the state. If publishing panics, the memory has not changed yet, so a poisoned lock is
    /// consistent.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PublishHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishHandle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::snapshot::{Attribution, AttributionResult, ChangeKind, ChangeSource};

    /// A task on another thread may run for a while after it was aborted.
    #[test]
    fn a_closed_handle_publishes_nothing() {
        let now = Moment {
            wall: SystemTime::UNIX_EPOCH,
            steady: Instant::now(),
        };
        let published = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&published);
        let publish = move |_: Arc<Report>, _: Moment| {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let changes = Arc::new(ChangeFeed::new(10));
        let handle = PublishHandle::new(
            Memory::default(),
            Box::new(publish),
            Arc::clone(&changes),
            now.steady,
        );
        let report = |requests_per_second| {
            Arc::new(Report {
                requests_per_second,
                ..Report::default()
            })
        };
        let known = |memory: Memory| memory.report.map(|report| report.requests_per_second);
        handle.publish(report(1.0), change(), now);
        assert_eq!(known(handle.close()), Some(1.0));

        handle.publish(report(2.0), change(), now);
        assert_eq!(published.load(Ordering::Relaxed), 1);
        assert_eq!(changes.latest(now.wall).len(), 1);
        assert_eq!(known(handle.memory()), Some(1.0));
        assert!(!handle.renew(|| unreachable!("the handle is closed")));
    }

    fn change() -> FeedUpdate {
        let record = ChangeRecord {
            id: 0,
            account: "prod".to_owned(),
            region: "ap-guangzhou".to_owned(),
            track_id: 1,
            track: "all".to_owned(),
            change: ChangeKind::Disabled,
            fields: Vec::new(),
            seen: SystemTime::UNIX_EPOCH,
            took: Duration::ZERO,
            previous: None,
            source: ChangeSource::Poll,
            attribution: Attribution::without_operation(AttributionResult::Off),
        };
        FeedUpdate {
            new: vec![record],
            ..FeedUpdate::default()
        }
    }
}
