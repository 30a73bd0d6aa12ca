//! One poll of one region, within its limits, and the count of its calls.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::details::Told;
use super::log::{self, AccountLog};
use crate::failure::Failure;
use crate::snapshot::{ApiCounters, KnownTracks, Listing};
use crate::tencent::credentials::ProviderState;
use crate::tencent::reasons::timeout_failure;
use crate::tencent::{Client, Ended, ListingError, Observer, Sent};

/// No poll runs longer than so many intervals.
const LONGEST_POLL: u32 = 4;

/// How much sooner it is cut. Polls that are due at its end would otherwise find it still running,
/// timers being a little late, and a cut poll would cost one more than it must.
const CUT_EARLY: Duration = Duration::from_millis(50);

/// How a poll of one region ended.
pub(super) struct Outcome {
    pub(super) target: usize,
    pub(super) result: Result<Arc<Listing>, ListingError>,
    pub(super) took: Duration,
}

/// What every poll of an account uses.
pub(super) struct Asker {
    log: Arc<AccountLog>,
    client: Arc<Client>,
    api: Arc<Mutex<ApiCounters>>,
    process: Arc<dyn Observer>,
    interval: Duration,
}

impl Asker {
    /// Asks for each of these tracks by itself, one after the other.
    pub(super) async fn details(&self, region: Arc<str>, ids: Vec<u64>) -> Vec<Told> {
        let counting = Counting {
            asker: self,
            last_failure: Mutex::default(),
        };
        let mut told = Vec::with_capacity(ids.len());
        for id in ids {
            let retry_until = Instant::now() + self.interval;
            let details = self
                .client
                .describe(&region, id, retry_until, &counting)
                .await;
            if let Err(failure) = &details {
                self.log.not_described(&region, id, failure);
            }
            told.push((id, details));
        }
        told
    }

    /// `api` is what earlier calls of the account came to, and goes on from there.
    pub(super) fn new(
        log: Arc<AccountLog>,
        client: Arc<Client>,
        api: Arc<Mutex<ApiCounters>>,
        process: Arc<dyn Observer>,
        interval: Duration,
    ) -> Self {
        Self {
            log,
            client,
            api,
            process,
            interval,
        }
    }

    /// What its calls came to so far.
    pub(super) fn api(&self) -> ApiCounters {
        lock(&self.api).clone()
    }

    /// What became of its keys so far; none where there is one that never changes.
    pub(super) fn credentials(&self) -> Option<ProviderState> {
        self.client.credentials()
    }

    /// The UIN of the account that its keys belong to, if known.
    pub(super) fn owner(&self) -> Option<String> {
        self.client.owner()
    }

    /// The ceiling of the pacer, in calls a second.
    pub(super) fn requests_per_second(&self) -> f64 {
        self.client.requests_per_second()
    }

    /// One poll, within its limits: no retry starts later than an interval after its beginning, and
    /// it is cut after a few. `known` is what the listing has to account for.
    pub(super) async fn poll(
        &self,
        target: usize,
        region: Arc<str>,
        known: KnownTracks,
    ) -> Outcome {
        let began = Instant::now();
        let counting = Counting {
            asker: self,
            last_failure: Mutex::default(),
        };
        let retry_until = began + self.interval;
        let listing = self
            .client
            .list_again(&region, &known, retry_until, &counting);
        // It is dropped at the end: a call that is cut then counts as failed, and must not hide
        // what failed before.
        let mut listing = pin!(listing);
        let longest = (self.interval * LONGEST_POLL).saturating_sub(CUT_EARLY);
        let result = match timeout(longest, listing.as_mut()).await {
            Ok(result) => result,
            Err(_) => Err(cut(counting.take_last_failure()).into()),
        };
        Outcome {
            target,
            result,
            took: began.elapsed(),
        }
    }
}

/// Why a poll that ran too long has failed: of what its last failed call did.
fn cut(last_failure: Option<Failure>) -> Failure {
    match last_failure {
        Some(failure) => Failure {
            message: format!(
                "cut after four intervals; the last failed call: {}",
                failure.message
            ),
            ..failure
        },
        None => timeout_failure("cut after four intervals, and none of its calls had failed"),
    }
}

/// Counts the calls of one poll.
struct Counting<'a> {
    asker: &'a Asker,
    last_failure: Mutex<Option<Failure>>,
}

impl Counting<'_> {
    fn take_last_failure(&self) -> Option<Failure> {
        lock(&self.last_failure).take()
    }
}

impl Observer for Counting<'_> {
    fn sent(&self, call: &Sent) {
        let mut api = lock(&self.asker.api);
        *api.requests.entry(call.action).or_default() += 1;
        if call.retry {
            *api.retries.entry(call.action).or_default() += 1;
        }
        api.limiter_wait += call.waited;
        self.asker.process.sent(call);
    }

    fn ended(&self, call: &Ended<'_>) {
        if let Some(failure) = call.failure {
            let mut api = lock(&self.asker.api);
            api.failures[failure.reason as usize] += 1;
            let code = failure.code.to_string();
            *api.errors.entry((call.action, code)).or_default() += 1;
            *lock(&self.last_failure) = Some(failure.clone());
        }
        self.asker.process.ended(call);
    }

    fn unreadable(&self, action: &'static str, field: &str) {
        log::unreadable(self.asker.log.account(), action, field);
    }

    fn clock_corrected(&self, seconds: i64) {
        log::clock_corrected(self.asker.log.account(), seconds);
        self.asker.process.clock_corrected(seconds);
    }
}

/// What these locks guard is changed by additions that cannot panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
