//! Limits the rate of requests: `rate_limit`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Longer intervals are shortened to this one, which also allows one burst in the life of a process.
/// A clock can still represent its end.
const LONGEST_INTERVAL: Duration = Duration::from_hours(24 * 365 * 100);

/// A bucket that holds `burst` requests and gets one more in each `interval`.
#[derive(Clone, Debug)]
pub(super) struct RateLimiter {
    interval: Duration,
    burst: u32,
    /// When the bucket was or will be full.
    full_at: Arc<Mutex<Instant>>,
}

impl RateLimiter {
    /// Creates a limit. `None` if `interval` is zero, which means no limit. As in Go, a negative burst
    /// counts as 0.
    pub(super) fn new(interval: Duration, burst: i64) -> Option<Self> {
        (!interval.is_zero()).then(|| Self {
            interval: interval.min(LONGEST_INTERVAL),
            burst: u32::try_from(burst.max(0)).unwrap_or(u32::MAX),
            full_at: Arc::new(Mutex::new(Instant::now())),
        })
    }

    /// Returns whether the limit is the same, so that its bucket can be kept.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        (self.interval, self.burst) == (other.interval, other.burst)
    }

    /// Takes one request out of the bucket. Returns false if the bucket is empty.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = (*full_at).max(now).checked_add(self.interval) else {
            return false;
        };
        let fits = next - now <= self.interval.saturating_mul(self.burst);
        if fits {
            *full_at = next;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_in_each_interval() {
        let rate = RateLimiter::new(Duration::from_secs(1), 2).unwrap();
        let start = Instant::now();
        let at = |milliseconds| rate.allows(start + Duration::from_millis(milliseconds));
        assert!(at(1) && at(1) && !at(1));
        assert!(!at(900) && at(1_100) && !at(1_200));
        assert!(at(9_000) && at(9_000) && !at(9_000));
        assert!(RateLimiter::new(Duration::ZERO, 2).is_none());
        assert!(
            !RateLimiter::new(Duration::from_secs(1), 0)
                .unwrap()
                .allows(start)
        );
    }

    #[test]
    fn absurd_settings_are_counted_with() {
        for interval in [
            Duration::MAX,
            Duration::from_secs(u64::MAX / 2),
            LONGEST_INTERVAL,
        ] {
            for burst in [1, 2, i64::from(u32::MAX), i64::MAX] {
                let rate = RateLimiter::new(interval, burst).unwrap();
                let start = Instant::now();
                assert!(rate.allows(start), "{interval:?} {burst}");
                assert_eq!(rate.allows(start), burst > 1, "{interval:?} {burst}");
                for none in [0, -1, i64::MIN] {
                    let rate = RateLimiter::new(interval, none).unwrap();
                    assert!(!rate.allows(Instant::now()));
                }
            }
        }
        let busy = RateLimiter::new(Duration::from_nanos(1), i64::from(u32::MAX)).unwrap();
        let start = Instant::now();
        assert!((0..1_000).all(|_| busy.allows(start)));
    }
}
