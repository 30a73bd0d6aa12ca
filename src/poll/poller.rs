//! One poll of one region, within its limits, and the counters of its requests.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, timeout};

use super::details::DescribeResult;
use super::log::{self, AccountLog};
use crate::delivery::{OperationsQuery, Records};
use crate::failure::{Failure, Reason};
use crate::snapshot::{ApiCounters, KnownTracks, Listing};
use crate::tencent::credentials::ProviderState;
use crate::tencent::reasons::timeout_failure;
use crate::tencent::{
    ATTRIBUTE_ACTION_TYPE, ATTRIBUTE_RESOURCE_TYPE, Client, Ended, EventsQuery, ListingError,
    Observer, Sent,
};

/// The longest poll, in intervals.
const MAX_POLL_INTERVALS: u32 = 4;

/// A poll times out this much earlier. Timers are a little late, so the poll that is due at that
/// time would otherwise be skipped too.
const TIMEOUT_MARGIN: Duration = Duration::from_millis(50);

/// How a poll of one region ended.
pub(super) struct PollOutcome {
    pub(super) target: usize,
    pub(super) result: Result<Arc<Listing>, ListingError>,
    pub(super) took: Duration,
}

impl PollOutcome {
    /// Returns how many tracks it has.
    pub(super) fn count_tracks(&self) -> usize {
        match &self.result {
            Ok(listing) => listing.tracks.len(),
            Err(error) => error.seen.as_ref().map_or(0, Vec::len),
        }
    }
}

/// Polls the regions of one account.
pub(super) struct Poller {
    log: Arc<AccountLog>,
    client: Arc<Client>,
    api: Arc<Mutex<ApiCounters>>,
    process: Arc<dyn Observer>,
    interval: Duration,
    /// The API's clock minus this machine's, in seconds, as the last response showed it.
    skew: AtomicI64,
}

impl Poller {
    /// Creates a poller that adds its requests to `api`.
    pub(super) fn new(
        account: &str,
        client: Arc<Client>,
        api: Arc<Mutex<ApiCounters>>,
        process: Arc<dyn Observer>,
        interval: Duration,
    ) -> Self {
        Self {
            log: Arc::new(AccountLog::new(account)),
            client,
            api,
            process,
            interval,
            skew: AtomicI64::new(0),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn log(&self) -> &Arc<AccountLog> {
        &self.log
    }

    /// Returns the counters of its requests so far.
    pub(super) fn api(&self) -> ApiCounters {
        lock(&self.api).clone()
    }

    /// Returns the UIN of the account that its keys belong to, if known.
    pub(super) fn owner(&self) -> Option<String> {
        self.client.owner()
    }

    /// Returns the state of its credentials. `None` if the key never changes.
    pub(super) fn credentials(&self) -> Option<ProviderState> {
        self.client.credentials()
    }

    /// Returns the limit of its rate limiter, in requests a second.
    pub(super) fn requests_per_second(&self) -> f64 {
        self.client.requests_per_second()
    }

    /// Returns the API's clock minus this machine's, in seconds; 0 if it is unknown.
    pub(super) fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// Polls once, within the limits: no retry starts later than an interval after the start, and
    /// the poll times out after a few intervals. `known` is what the listing has to account for.
    pub(super) async fn poll(
        &self,
        target: usize,
        region: Arc<str>,
        known: KnownTracks,
    ) -> PollOutcome {
        let began = Instant::now();
        let counting = self.observer();
        let retry_until = began + self.interval;
        let listing = self
            .client
            .list_again(&region, &known, retry_until, &counting);
        // Pinned, so that it is dropped at the end: dropping a request counts it as failed, which
        // must not replace the last real failure.
        let mut listing = pin!(listing);
        let longest = (self.interval * MAX_POLL_INTERVALS).saturating_sub(TIMEOUT_MARGIN);
        let result = match timeout(longest, listing.as_mut()).await {
            Ok(result) => result,
            Err(_) => Err(timed_out(counting.take_last_failure()).into()),
        };
        PollOutcome {
            target,
            result,
            took: began.elapsed(),
        }
    }

    /// Returns an observer that counts the requests of a poll, a search or a check.
    pub(super) fn observer(&self) -> Counting<'_> {
        Counting {
            poller: self,
            last_failure: Mutex::default(),
            sent: AtomicU32::new(0),
        }
    }

    /// Requests one page of operation records, without a retry.
    pub(super) async fn operations(
        &self,
        region: &str,
        query: &OperationsQuery,
    ) -> Result<Records, Failure> {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_secs()
        };
        let attributes = [
            (ATTRIBUTE_ACTION_TYPE, &query.action_type),
            (ATTRIBUTE_RESOURCE_TYPE, &query.resource_type),
        ];
        let attributes = attributes.into_iter();
        let attributes = attributes.filter_map(|(key, value)| Some((key, value.clone()?)));
        let query = EventsQuery {
            from: seconds(query.from),
            until: seconds(query.to),
            attributes: attributes.collect(),
            max_pages: 1,
        };
        let client = &self.client;
        let events = client
            .events(region, &query, Instant::now(), &self.observer())
            .await?;
        let operations = events.records.into_iter().map(|record| record.operation);
        Ok(Records {
            operations: operations.map(|it| (it.event_name, it.at)).collect(),
            is_complete: events.is_complete && events.unreadable == 0,
        })
    }

    /// Requests the details of these tracks, one after the other.
    pub(super) async fn describe(&self, region: Arc<str>, ids: Vec<u64>) -> Vec<DescribeResult> {
        let counting = self.observer();
        let mut results = Vec::with_capacity(ids.len());
        for id in ids {
            let retry_until = Instant::now() + self.interval;
            let details = self
                .client
                .describe(&region, id, retry_until, &counting)
                .await;
            if let Err(failure) = &details {
                self.log.not_described(&region, id, failure);
            }
            results.push((id, details));
        }
        results
    }
}

/// Returns why a poll that timed out has failed, with the class of its last failed request.
fn timed_out(last_failure: Option<Failure>) -> Failure {
    match last_failure {
        Some(failure) => Failure {
            message: format!(
                "the poll timed out after four intervals; the last failed request: {}",
                failure.message
            ),
            ..failure
        },
        None => timeout_failure("the poll timed out after four intervals; no request had failed"),
    }
}

/// Counts the requests of one poll, search or check.
pub(super) struct Counting<'a> {
    poller: &'a Poller,
    last_failure: Mutex<Option<Failure>>,
    sent: AtomicU32,
}

impl Counting<'_> {
    /// Returns how many requests were sent.
    pub(super) fn sent_requests(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    fn take_last_failure(&self) -> Option<Failure> {
        lock(&self.last_failure).take()
    }
}

impl Observer for Counting<'_> {
    fn sent(&self, call: &Sent) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut api = lock(&self.poller.api);
        *api.requests.entry(call.action).or_default() += 1;
        if call.retry {
            *api.retries.entry(call.action).or_default() += 1;
        }
        api.limiter_wait += call.waited;
        self.poller.process.sent(call);
    }

    fn ended(&self, call: &Ended<'_>) {
        if let Some(skew) = call.clock_skew {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a difference of two times in seconds fits an i64"
            )]
            let skew = skew.round() as i64;
            self.poller.skew.store(skew, Ordering::Relaxed);
        }
        if let Some(failure) = call.failure {
            let mut api = lock(&self.poller.api);
            api.failures[failure.reason] += 1;
            if failure.reason == Reason::Throttled {
                api.last_throttled = Some(self.poller.client.clock().now().wall);
            }
            let code = failure.code.to_string();
            *api.errors.entry((call.action, code)).or_default() += 1;
            *lock(&self.last_failure) = Some(failure.clone());
        }
        self.poller.process.ended(call);
    }

    fn unreadable(&self, action: &'static str, field: &str) {
        log::unreadable(self.poller.log.account(), action, field);
    }

    fn clock_corrected(&self, seconds: i64) {
        log::clock_corrected(self.poller.log.account(), seconds);
        self.poller.process.clock_corrected(seconds);
    }
}

/// The guarded values change by additions, which cannot panic, so a poisoned lock is consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
