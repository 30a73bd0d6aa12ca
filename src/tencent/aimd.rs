//! The AIMD limits: a throttled request halves the rate, and the rate then recovers little by little
//! (additive increase, multiplicative decrease). Other programs share the API's limits; halving
//! leaves room for them at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The API counts requests per second. Requests refused within a second of a halving were sent
/// before it, and one second without a refusal is the first sign of room.
const COUNTED_SECOND: Duration = Duration::from_secs(1);

/// The part of the configured rate that is recovered per second.
const GROWTH_PER_SECOND: f64 = 1.0 / 60.0;

/// The part of a configured rate that may be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct AimdLimit {
    fraction: f64,
    halved: Option<Instant>,
    throttled: Option<Instant>,
}

impl AimdLimit {
    /// Returns a limit that allows the whole rate.
    pub(super) fn unlimited() -> Self {
        Self {
            fraction: 1.0,
            halved: None,
            throttled: None,
        }
    }

    /// Returns the usable fraction, from 0 to 1.
    pub(super) fn fraction(&self, now: Instant) -> f64 {
        let Some(throttled) = self.throttled else {
            return self.fraction;
        };
        let calm = now.saturating_duration_since(throttled);
        let recovered = calm.saturating_sub(COUNTED_SECOND).as_secs_f64() * GROWTH_PER_SECOND;
        (self.fraction + recovered).min(1.0)
    }

    /// Halves the fraction after a throttled request, at most once per second and never below
    /// `least`.
    pub(super) fn throttled(&mut self, now: Instant, least: f64) {
        let before = self.fraction(now);
        let is_new = |halved| now.saturating_duration_since(halved) >= COUNTED_SECOND;
        self.fraction = before;
        if self.halved.is_none_or(is_new) {
            self.fraction = (before / 2.0).max(least).min(before);
            self.halved = Some(now);
        }
        self.throttled = Some(now);
    }
}

/// The limit of the source IP at one endpoint. All pacers of the process that send to the endpoint
/// share it, because they share the address. A pacer created later is slowed down too.
#[derive(Clone, Debug)]
pub struct SourceIpLimit(Arc<Mutex<AimdLimit>>);

impl SourceIpLimit {
    /// Returns the fraction of its configured rate that each pacer may use.
    pub(super) fn fraction(&self, now: Instant) -> f64 {
        self.with(|limit| limit.fraction(now))
    }

    /// Halves the fraction after a request that was throttled for its source IP. Each pacer has its
    /// own minimum.
    pub(super) fn throttled(&self, now: Instant) {
        self.with(|limit| limit.throttled(now, 0.0));
    }

    fn with<T>(&self, act: impl FnOnce(&mut AimdLimit) -> T) -> T {
        // The arithmetic cannot panic half-way, so a poisoned lock holds a consistent value.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for SourceIpLimit {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(AimdLimit::unlimited())))
    }
}
