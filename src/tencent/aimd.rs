//! Slowing down where the API says that there is too much, and getting up to speed again.
//!
//! Halving gives way at once to whoever shares the limit; adding little by little finds out when
//! they have gone. A [`AimdLimit`] is the arithmetic, without a clock of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The limits of the API count a second. What is refused within one of a halving was on its way
/// before it, and a second without a refusal is the first sign that there is room.
const COUNTED_SECOND: Duration = Duration::from_secs(1);

/// What part of the configured rate is won back in a second.
const GROWTH_PER_SECOND: f64 = 1.0 / 60.0;

/// What part of a configured rate may be used.
#[derive(Clone, Copy, Debug)]
pub struct AimdLimit {
    fraction: f64,
    halved: Option<Instant>,
    throttled: Option<Instant>,
}

impl AimdLimit {
    /// A brake that holds nothing back.
    pub fn unlimited() -> Self {
        Self {
            fraction: 1.0,
            halved: None,
            throttled: None,
        }
    }

    /// The fraction that may be used, from 0 to 1: all of it, or what the last refusal left and
    /// what has been won back since.
    pub fn fraction(&self, now: Instant) -> f64 {
        let Some(throttled) = self.throttled else {
            return self.fraction;
        };
        let calm = now.saturating_duration_since(throttled);
        let won_back = calm.saturating_sub(COUNTED_SECOND).as_secs_f64() * GROWTH_PER_SECOND;
        (self.fraction + won_back).min(1.0)
    }

    /// Takes note of a call that was throttled: halves the fraction, at most once a second, and not
    /// below `least`.
    pub fn throttled(&mut self, now: Instant, least: f64) {
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

/// The brake of the source address at one endpoint. All pacers of the process that call the endpoint
/// share it, because they share the address. Each pacer reads it, so the brake also slows a pacer
/// that is made later.
#[derive(Clone, Debug)]
pub struct SourceIpLimit(Arc<Mutex<AimdLimit>>);

impl SourceIpLimit {
    /// The fraction of its configured rate that every pacer may use.
    pub fn fraction(&self, now: Instant) -> f64 {
        self.with(|limit| limit.fraction(now))
    }

    /// Takes note of a call that was throttled for its source address. How little is left to each
    /// pacer is for the pacer to say.
    pub fn throttled(&self, now: Instant) {
        self.with(|limit| limit.throttled(now, 0.0));
    }

    fn with<T>(&self, act: impl FnOnce(&mut AimdLimit) -> T) -> T {
        // The arithmetic cannot panic half-way, so a poisoned lock holds a whole value.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for SourceIpLimit {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(AimdLimit::unlimited())))
    }
}
