//! Counts calls in a sliding second, by their arrival.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The calls of one action by one principal.
#[derive(Default)]
pub(super) struct RateMeter {
    last_second: VecDeque<Instant>,
    peak: usize,
}

impl RateMeter {
    /// Counts a call. Returns the number of calls in the second that ends now, including this call
    /// and refused calls: a client that keeps calling stays throttled.
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

    /// Returns the highest count so far.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// The highest count, which limits the memory for a flood of calls.
const MAX_COUNTED: usize = 100_000;
