//! Counting calls in a sliding second, as the one who is called sees them arrive.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The arrivals of one action by one identity.
#[derive(Default)]
pub(super) struct RateMeter {
    last_second: VecDeque<Instant>,
    peak: usize,
}

impl RateMeter {
    /// Counts an arrival and tells how many there were in the second that ends now, this one
    /// included. Refused calls count too: who goes on knocking stays throttled.
    pub(super) fn arrive(&mut self, now: Instant) -> usize {
        let is_over = |then: &Instant| now.saturating_duration_since(*then) >= SECOND;
        while self.last_second.front().is_some_and(is_over) {
            self.last_second.pop_front();
        }
        if self.last_second.len() < MAX_COUNTED {
            self.last_second.push_back(now);
        }
        self.peak = self.peak.max(self.last_second.len());
        self.last_second.len()
    }

    /// The most that was ever counted.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// A flood is known as one long before this; beyond it, memory matters more than the number.
const MAX_COUNTED: usize = 100_000;
