//! Decides when the file is written, from differences and the time.

use std::time::Duration;

use tokio::time::Instant;

/// Changed facts reach the disk within five seconds: this wait, the next check, and the write.
/// Waiting lets the changes of many polls share a write.
pub const FACTS_WAIT: Duration = Duration::from_secs(3);

/// Times change with every poll. Losing a minute of them makes restored times older, not wrong.
pub const TIMES_WAIT: Duration = Duration::from_mins(1);

/// The wait after a failed write.
pub const RETRY_WAIT: Duration = Duration::from_secs(10);

/// How the reports differ from the last written ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Not at all.
    Nothing,
    /// In times and counters.
    Times,
    /// In listings, changes or tombstones.
    Facts,
}

/// When to write next.
#[derive(Debug, Default)]
pub struct Policy {
    due: Option<Instant>,
    not_before: Option<Instant>,
}

impl Policy {
    /// Records a difference. The first one counts.
    pub fn saw(&mut self, difference: Difference, now: Instant) {
        let due = match difference {
            Difference::Nothing => return,
            Difference::Times => now + TIMES_WAIT,
            Difference::Facts => now + FACTS_WAIT,
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Returns when to write. `None` if nothing differs.
    pub fn next_write(&self) -> Option<Instant> {
        self.due.max(self.due.and(self.not_before))
    }

    /// Records that a write begins.
    pub fn began(&mut self) {
        self.due = None;
    }

    /// Records that the write failed. The next check finds the difference again.
    pub fn failed(&mut self, now: Instant) {
        self.not_before = Some(now + RETRY_WAIT);
    }
}
