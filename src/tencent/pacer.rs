//! The rate limiter: one pacer for each identity at an endpoint, shared by all its clients.
//!
//! The API counts the requests of each second and refuses those above its limit. The pacer therefore
//! spaces requests evenly instead of sending bursts: `Pace` is the arithmetic, without a clock of
//! its own, and [`Pacer`] is the queue in front of it. Other programs use the same identity and the
//! same source IP, so a throttled request lowers the rate for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::aimd::SourceIpLimit;
use super::pace::{LimitScope, Pace};

/// A queue of requests, in order of arrival.
#[derive(Debug)]
pub struct Pacer {
    pace: Mutex<Pace>,
    head: Semaphore,
    /// Wakes the waiter at the head of the queue after the rate was raised.
    raised: Notify,
}

impl Pacer {
    /// Creates a pacer for `per_second` requests per second, which shares the limit of the source IP
    /// with other pacers.
    pub fn new(per_second: impl Into<f64>, source_ip: SourceIpLimit) -> Self {
        Self {
            pace: Mutex::new(Pace::new(per_second, source_ip)),
            head: Semaphore::new(1),
            raised: Notify::new(),
        }
    }

    /// Returns the current ceiling in requests per second.
    pub fn per_second(&self) -> f64 {
        self.pace().per_second(Instant::now())
    }

    /// Sets the configured rate, also for requests that already wait. A lowered rate stays lowered.
    pub fn set_per_second(&self, per_second: impl Into<f64>) {
        self.pace().configure(per_second);
        self.raised.notify_one();
    }

    /// Lowers the rate: the API has just throttled a request.
    pub fn throttled(&self, scope: LimitScope) {
        self.pace().throttled(Instant::now(), scope);
    }

    /// Waits until a request may be sent. Cancelling the wait or dropping the permit costs no slot:
    /// only [`Permit::consume`] uses one.
    pub async fn acquire(&self) -> Permit<'_> {
        let head = self
            .head
            .acquire()
            .await
            .expect("the semaphore is never closed");
        // The ceiling may fall or rise during the wait.
        while let Some(next) = self.not_before() {
            let _ = timeout_at(next, self.raised.notified()).await;
        }
        Permit {
            pacer: self,
            _head: head,
        }
    }

    /// Returns the time of the next slot, or `None` if it has come.
    fn not_before(&self) -> Option<Instant> {
        let now = Instant::now();
        let next = self.pace().next(now);
        (next > now).then_some(next)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // The arithmetic cannot panic half-way, so a poisoned lock holds a consistent value.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to send one request now. Holding it blocks the queue.
#[derive(Debug)]
#[must_use = "a dropped permit returns its slot"]
pub struct Permit<'a> {
    pacer: &'a Pacer,
    _head: SemaphorePermit<'a>,
}

impl Permit<'_> {
    /// Uses the slot: the request is being sent.
    pub fn consume(self) {
        self.pacer.pace().sent(Instant::now());
    }
}
