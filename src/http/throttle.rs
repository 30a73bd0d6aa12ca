//! Limits log lines that clients can cause.

use std::time::Duration;

use tokio::time::Instant;

/// Lets one line through in each [`INTERVAL`] and counts the events in between.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last_line: Option<Instant>,
    events: u64,
}

/// The time between two lines.
const INTERVAL: Duration = Duration::from_mins(1);

impl Throttle {
    /// Counts an event. Returns the number of events since the last line, this one included, if a
    /// line is due.
    pub(super) fn count(&mut self) -> Option<u64> {
        let now = Instant::now();
        self.events += 1;
        if self.last_line.is_some_and(|last| now - last < INTERVAL) {
            return None;
        }
        self.last_line = Some(now);
        Some(std::mem::take(&mut self.events))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_a_minute_with_a_count() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.count(), Some(1));
        for _ in 0..1_000 {
            assert_eq!(throttle.count(), None);
        }
        advance(INTERVAL).await;
        assert_eq!(throttle.count(), Some(1_001));
        assert_eq!(throttle.count(), None);
    }
}
