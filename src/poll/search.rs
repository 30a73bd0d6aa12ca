//! One search of the operation records.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::poller::{Counting, Poller};
use crate::attribution::Window;
use crate::failure::Failure;
use crate::snapshot::OperationRecord;
use crate::tencent::reasons::timeout_failure;
use crate::tencent::{ATTRIBUTE_ACTION_TYPE, ATTRIBUTE_RESOURCE_TYPE, EventsQuery};

/// The longest search.
const MAX_SEARCH: Duration = Duration::from_mins(1);

/// Retries of a request end this long before the request, so there are none. A search has a limited
/// number of requests, and a later search repeats a failed request.
const NO_RETRY: Duration = Duration::from_millis(1);

/// A search: the periods whose records are read.
#[derive(Clone, Debug)]
pub(super) struct SearchJob {
    pub(super) kind: SearchKind,
    /// Newest first.
    pub(super) windows: Vec<Window>,
    /// The most pages for all periods.
    pub(super) max_pages: u32,
}

/// What a search is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum SearchKind {
    /// The changes of the lookup at this index.
    Lookup(usize),
    /// All write operations on CloudAudit.
    Sweep,
}

/// How a search ended.
pub(super) struct SearchEnd {
    pub(super) job: SearchJob,
    pub(super) result: Result<SearchedRecords, Failure>,
    /// Whether the whole search took too long.
    pub(super) has_timed_out: bool,
    /// The requests that were sent.
    pub(super) requests: u32,
}

/// The records of a search.
pub(super) struct SearchedRecords {
    pub(super) records: Vec<OperationRecord>,
    /// Whether all pages were read.
    pub(super) is_complete: bool,
    /// Whether a record was skipped because its time is unreadable.
    pub(super) has_unreadable: bool,
}

/// Reads the records of a search.
pub(super) async fn search(poller: &Poller, region: Arc<str>, job: SearchJob) -> SearchEnd {
    let counting = poller.observer();
    let read = read(poller, &region, &job, &counting);
    let result = timeout(MAX_SEARCH, pin!(read)).await;
    SearchEnd {
        requests: counting.sent_requests(),
        job,
        has_timed_out: result.is_err(),
        result: result.unwrap_or_else(|_| {
            Err(timeout_failure(
                "the search of the operation records took longer than a minute",
            ))
        }),
    }
}

async fn read(
    poller: &Poller,
    region: &str,
    job: &SearchJob,
    counting: &Counting<'_>,
) -> Result<SearchedRecords, Failure> {
    let mut searched = SearchedRecords {
        records: Vec::new(),
        is_complete: true,
        has_unreadable: false,
    };
    let mut known = BTreeSet::new();
    for window in &job.windows {
        let max_pages = job.max_pages.saturating_sub(counting.sent_requests());
        if max_pages == 0 {
            searched.is_complete = false;
            break;
        }
        let query = EventsQuery {
            from: window.from,
            until: window.until,
            attributes: vec![
                (ATTRIBUTE_RESOURCE_TYPE, "cloudaudit".to_owned()),
                (ATTRIBUTE_ACTION_TYPE, "Write".to_owned()),
            ],
            max_pages,
        };
        let now = Instant::now();
        let retry_until = now.checked_sub(NO_RETRY).unwrap_or(now);
        let events = poller
            .client()
            .events(region, &query, retry_until, counting);
        let events = events.await?;
        searched.is_complete &= events.is_complete;
        searched.has_unreadable |= events.unreadable > 0;
        // Two periods share a second.
        let new = events.records.into_iter().filter(|record| {
            let operation = &record.operation;
            let key = (operation.request_id.clone(), operation.event_name.clone());
            operation.request_id.is_empty() || known.insert(key)
        });
        searched.records.extend(new);
    }
    Ok(searched)
}
