//! The rate limit: one pacer for each identity at an endpoint, shared by all who poll with it.
//!
//! The API counts what arrives in a second, and refuses what is over. So calls are spaced evenly
//! instead of being let through in bursts: [`Pace`] is the arithmetic, without a clock of its own,
//! and [`Pacer`] is the queue in front of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep_until};

/// How much wider than 1/rate a gap is. A server that counts a sliding second would otherwise find
/// one call too many whenever the first of it travelled slower than the last.
const MARGIN: f64 = 0.02;

/// How late a call may be and the next one still keep its place. Timers are a millisecond coarse;
/// without this the lateness adds up and 100 calls a second become 85. It is far below `MARGIN` of a
/// second, so that calls caught up never put one too many into any second.
const CATCH_UP: Duration = Duration::from_millis(5);

/// When the next call may be sent.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: f64,
    next: Option<Instant>,
}

impl Pace {
    /// At most `per_second` calls in any second.
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            next: None,
        }
    }

    /// The ceiling in calls a second.
    pub fn per_second(&self) -> f64 {
        self.per_second
    }

    /// The earliest time for the next call, which may have passed.
    pub fn next(&self, now: Instant) -> Instant {
        self.next.unwrap_or(now)
    }

    /// Takes note of a call that is sent `now`. The next one is a gap away: from where this one was
    /// due if it was nearly on time, else from now.
    pub fn sent(&mut self, now: Instant) {
        let due = self.next.map_or(now, |due| due.max(now - CATCH_UP));
        self.next = Some(due + self.gap());
    }

    fn gap(&self) -> Duration {
        Duration::from_secs_f64((1.0 + MARGIN) / self.per_second)
    }
}

/// A queue of callers, in the order they came.
#[derive(Debug)]
pub struct Pacer {
    pace: Mutex<Pace>,
    head: Semaphore,
}

impl Pacer {
    /// A pacer that lets through `per_second` calls a second.
    pub fn new(per_second: u32) -> Self {
        Self {
            pace: Mutex::new(Pace::new(per_second)),
            head: Semaphore::new(1),
        }
    }

    /// The ceiling in calls a second.
    pub fn per_second(&self) -> f64 {
        self.pace().per_second()
    }

    /// Sets the ceiling, from the next call on.
    pub fn set_per_second(&self, per_second: u32) {
        self.pace().per_second = Pace::new(per_second).per_second;
    }

    /// Waits for the caller's turn. A caller that goes away while it waits, or that drops its turn
    /// unused, has cost nobody anything: a slot is taken by [`Turn::take`] and by nothing else.
    pub async fn turn(&self) -> Turn<'_> {
        let head = self
            .head
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let next = self.pace().next(Instant::now());
        sleep_until(next).await;
        Turn {
            pacer: self,
            _head: head,
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // The arithmetic cannot panic half-way, so a poisoned lock holds a whole value.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to send one call now. Whoever holds it holds up the queue.
#[derive(Debug)]
#[must_use = "a turn that is dropped is given back"]
pub struct Turn<'a> {
    pacer: &'a Pacer,
    _head: SemaphorePermit<'a>,
}

impl Turn<'_> {
    /// Takes the slot: the call is being sent.
    pub fn take(self) {
        self.pacer.pace().sent(Instant::now());
    }
}
