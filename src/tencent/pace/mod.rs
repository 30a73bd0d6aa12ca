//! The arithmetic of the rate limit: when the next request may be sent.

use std::time::Duration;

use tokio::time::Instant;

use super::aimd::{AimdLimit, SourceIpLimit};

#[cfg(test)]
mod tests;

/// How much wider than 1/rate a gap is. A server that counts a sliding second would otherwise count
/// one request too many if the first one travels slower than the last one.
const MARGIN: f64 = 0.02;

/// How late a request may be without delaying the next one. Timers are a millisecond coarse; without
/// this the delays add up and 100 requests per second become 85. It is far below `MARGIN` of a
/// second, so requests that catch up never put one too many into any second.
const CATCH_UP: Duration = Duration::from_millis(5);

/// Throttling never lowers the rate below this, in requests per second, so that a listing still
/// completes. A configured rate may be lower, for example in one of many shards.
const SLOWEST: f64 = 1.0;

/// The lowest configurable rate: one request in about a quarter of an hour.
const SLOWEST_CONFIGURED: f64 = 0.001;

/// The limit that a throttled request has hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// The limit of the identity or its account.
    Identity,
    /// The endpoint's limit of the source IP.
    SourceIp,
}

/// Spaces requests evenly, at most at the configured rate.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    configured: f64,
    identity: AimdLimit,
    source_ip: SourceIpLimit,
    /// The slot of the last request. The next slot follows one gap later, at the rate that applies
    /// then.
    last: Option<Instant>,
}

impl Pace {
    /// Allows at most `per_second` requests in any second, and fewer while `source_ip` is lowered.
    pub(super) fn new(per_second: impl Into<f64>, source_ip: SourceIpLimit) -> Self {
        Self {
            configured: at_least_slowest(per_second),
            identity: AimdLimit::unlimited(),
            source_ip,
            last: None,
        }
    }

    /// Replaces the configured rate and keeps what throttling has lowered.
    pub(super) fn configure(&mut self, per_second: impl Into<f64>) {
        self.configured = at_least_slowest(per_second);
    }

    /// Returns the current ceiling in requests per second. The stricter of the two limits holds, so
    /// two refusals in one second never quarter the rate.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let fraction = f64::min(self.identity.fraction(now), self.source_ip.fraction(now));
        (self.configured * fraction).max(self.slowest())
    }

    /// Returns the earliest time for the next request, which may have passed. It changes with the
    /// ceiling.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| last + self.gap(now))
    }

    /// Records a request that is sent `now`. It takes the slot in which it was due if it is nearly
    /// on time.
    pub(super) fn sent(&mut self, now: Instant) {
        self.last = Some(self.next(now).max(now - CATCH_UP));
    }

    /// Lowers the rate after a throttled request.
    pub(super) fn throttled(&mut self, now: Instant, scope: LimitScope) {
        match scope {
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

fn at_least_slowest(per_second: impl Into<f64>) -> f64 {
    per_second.into().max(SLOWEST_CONFIGURED)
}
