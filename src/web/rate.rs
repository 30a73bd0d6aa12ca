//! How many requests are answered: `rate_limit`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A bucket that holds `burst` requests and gets one more in each `interval`.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    interval: Duration,
    burst: u32,
    /// When the bucket was, or will be, full.
    full_at: Arc<Mutex<Instant>>,
}

impl Rate {
    /// None where there is no limit.
    pub(super) fn new(interval: Duration, burst: u32) -> Option<Self> {
        (!interval.is_zero()).then(|| Self {
            interval,
            burst,
            full_at: Arc::new(Mutex::new(Instant::now())),
        })
    }

    /// Whether it is the same limit, so that its bucket can be gone on with.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.interval, self.burst) == (other.interval, other.burst)
    }

    /// Takes one request out of the bucket; false where it is empty.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now) + self.interval;
        let fits = next - now <= self.interval * self.burst;
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
        let rate = Rate::new(Duration::from_secs(1), 2).unwrap();
        let start = Instant::now();
        let at = |milliseconds| rate.allows(start + Duration::from_millis(milliseconds));
        assert!(at(1) && at(1) && !at(1));
        assert!(!at(900) && at(1_100) && !at(1_200));
        assert!(at(9_000) && at(9_000) && !at(9_000));
        assert!(Rate::new(Duration::ZERO, 2).is_none());
        assert!(!Rate::new(Duration::from_secs(1), 0).unwrap().allows(start));
    }
}
