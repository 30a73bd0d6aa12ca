//! The part of an account's state that checks storage targets.

use tokio::time::Instant;

use super::{AccountState, reports};
use crate::changes::FeedUpdate;
use crate::clock::Moment;
use crate::delivery::{Job, Operations, storage_targets};
use crate::poll::delivery::CheckEnd;

impl AccountState {
    /// Begins the check that has been due for the longest time, if any. The caller makes the check.
    pub(in crate::poll) fn begin_check(&mut self) -> Option<Job> {
        let now = self.clock.now();
        self.deliveries.as_mut()?.begin(now)
    }

    /// Returns when the next check is due.
    pub(in crate::poll) fn next_check(&self) -> Option<Instant> {
        self.deliveries.as_ref()?.next_due()
    }

    /// Records and publishes the end of a check.
    pub(in crate::poll) async fn checked(self: Box<Self>, end: CheckEnd) -> Box<Self> {
        let CheckEnd {
            job,
            result,
            due,
            queries,
        } = end;
        let enter = move |state: &mut Self| {
            let now = state.clock.now();
            state.delivery_queries = queries;
            let book = state.deliveries.as_mut();
            if let Some([before, after]) = book.and_then(|book| book.end(&job, result, due, now)) {
                state.log.delivery(&before, &after);
            }
            FeedUpdate::default()
        };
        let (state, _) = self.update(0, enter).await;
        state.log.count_suppressed();
        state
    }

    /// Returns what to ask about due operations with. A reload or a restart does not renew the limit
    /// of queries.
    pub(in crate::poll) fn operations(&self) -> Operations {
        Operations::resume(&self.delivery_queries, self.clock.now())
    }

    /// Passes the storage targets of the latest listings to the checks.
    pub(super) fn set_storage_targets(&mut self, now: Moment) {
        if let Some(book) = &mut self.deliveries
            && let Some(targets) = storage_targets(reports(&self.histories), now)
        {
            book.set_targets(targets, now);
        }
    }
}
