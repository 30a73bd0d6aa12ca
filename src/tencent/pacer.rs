//! The rate limit: one pacer for each identity at an endpoint, shared by all who poll with it.
//!
//! The API counts what arrives in a second, and refuses what is over. So calls are spaced evenly
//! instead of being let through in bursts: [`Pace`] is the arithmetic, without a clock of its own,
//! and [`Pacer`] is the queue in front of it. Others call with the same identity and from the same
//! address, so what the API refuses lowers the rate for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::aimd::{AimdLimit, SourceIpLimit};

/// How much wider than 1/rate a gap is. A server that counts a sliding second would otherwise find
/// one call too many whenever the first of it travelled slower than the last.
const MARGIN: f64 = 0.02;

/// How late a call may be and the next one still keep its place. Timers are a millisecond coarse;
/// without this the lateness adds up and 100 calls a second become 85. It is far below `MARGIN` of
/// a second, so that calls caught up never put one too many into any second.
const CATCH_UP: Duration = Duration::from_millis(5);

/// No refusal slows the calls below this, in calls a second: a listing has to come through some
/// day. What is configured may be slower, as the part that one of many processes has.
const SLOWEST: f64 = 1.0;

/// And no configured rate is slower: a call in a quarter of an hour.
const SLOWEST_CONFIGURED: f64 = 0.001;

/// When the next call may be sent.
#[derive(Clone, Debug)]
pub struct Pace {
    configured: f64,
    identity: AimdLimit,
    source_ip: SourceIpLimit,
    /// Where the last call stood in the row. A gap behind it, as wide as the rate then is, stands
    /// the next.
    last: Option<Instant>,
}

impl Pace {
    /// At most `per_second` calls in any second, from an address that nobody else calls from.
    pub fn new(per_second: impl Into<f64>) -> Self {
        Self::sharing(per_second, SourceIpLimit::default())
    }

    /// At most `per_second` calls in any second, and fewer while the address is braked.
    pub fn sharing(per_second: impl Into<f64>, source_ip: SourceIpLimit) -> Self {
        Self {
            configured: configured(per_second),
            identity: AimdLimit::unlimited(),
            source_ip,
            last: None,
        }
    }

    /// The ceiling in calls a second. Of the identity's brake and the address's the stricter one
    /// holds, so that two refusals in one second never quarter it.
    pub fn per_second(&self, now: Instant) -> f64 {
        let fraction = self
            .identity
            .fraction(now)
            .min(self.source_ip.fraction(now));
        (self.configured * fraction).max(self.slowest())
    }

    /// The earliest time for the next call, which may have passed. It is another one whenever the
    /// ceiling is.
    pub fn next(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| last + self.gap(now))
    }

    /// Takes note of a call that is sent `now`. It stands where it was due if it was nearly on
    /// time, else where it is.
    pub fn sent(&mut self, now: Instant) {
        self.last = Some(self.next(now).max(now - CATCH_UP));
    }

    /// Takes note of a call that the API refused for its frequency.
    pub fn throttled(&mut self, now: Instant, limit: LimitScope) {
        match limit {
            LimitScope::Identity => {
                let least = self.slowest() / self.configured;
                self.identity.throttled(now, least);
            }
            LimitScope::SourceIp => self.source_ip.throttled(now),
        }
    }

    fn gap(&self, now: Instant) -> Duration {
        Duration::from_secs_f64((1.0 + MARGIN) / self.per_second(now))
    }

    fn slowest(&self) -> f64 {
        SLOWEST.min(self.configured)
    }
}

/// A rate in calls a second that ends some day.
fn configured(per_second: impl Into<f64>) -> f64 {
    per_second.into().max(SLOWEST_CONFIGURED)
}

/// Which limit a throttled call has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// That of the identity, or of its account.
    Identity,
    /// The endpoint's limit of the address that the process calls from.
    SourceIp,
}

/// A queue of callers, in the order they came.
#[derive(Debug)]
pub struct Pacer {
    pace: Mutex<Pace>,
    head: Semaphore,
    /// Tells whoever waits at the head that it may have waited long enough.
    raised: Notify,
}

impl Pacer {
    /// A pacer that lets through `per_second` calls a second.
    pub fn new(per_second: impl Into<f64>) -> Self {
        Self::sharing(per_second, SourceIpLimit::default())
    }

    /// The same behind the brake of an address that other pacers call from too.
    pub fn sharing(per_second: impl Into<f64>, source_ip: SourceIpLimit) -> Self {
        Self {
            pace: Mutex::new(Pace::sharing(per_second, source_ip)),
            head: Semaphore::new(1),
            raised: Notify::new(),
        }
    }

    /// The ceiling in calls a second, as it is now.
    pub fn per_second(&self) -> f64 {
        self.pace().per_second(Instant::now())
    }

    /// Sets the configured rate, for those who wait too. What the API has braked stays braked.
    pub fn set_per_second(&self, per_second: impl Into<f64>) {
        self.pace().configured = configured(per_second);
        self.raised.notify_one();
    }

    /// Slows down: the API has just refused a call for its frequency.
    pub fn throttled(&self, limit: LimitScope) {
        self.pace().throttled(Instant::now(), limit);
    }

    /// Waits for the caller's turn. A caller that goes away while it waits, or that drops its turn
    /// unused, has cost nobody anything: a slot is taken by [`Permit::consume`] and by nothing else.
    pub async fn acquire(&self) -> Permit<'_> {
        let head = self
            .head
            .acquire()
            .await
            .expect("the semaphore is never closed");
        // The ceiling may be lower after the wait than it was before, or be raised in the middle of
        // it.
        while let Some(next) = self.not_before() {
            let _ = timeout_at(next, self.raised.notified()).await;
        }
        Permit {
            pacer: self,
            _head: head,
        }
    }

    /// The time for the next call, if it is still to come.
    fn not_before(&self) -> Option<Instant> {
        let now = Instant::now();
        let next = self.pace().next(now);
        (next > now).then_some(next)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // The arithmetic cannot panic half-way, so a poisoned lock holds a whole value.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to send one call now. Whoever holds it holds up the queue.
#[derive(Debug)]
#[must_use = "a turn that is dropped is given back"]
pub struct Permit<'a> {
    pacer: &'a Pacer,
    _head: SemaphorePermit<'a>,
}

impl Permit<'_> {
    /// Takes the slot: the call is being sent.
    pub fn consume(self) {
        self.pacer.pace().sent(Instant::now());
    }
}
