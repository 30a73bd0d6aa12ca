//! When the file is to be written: arithmetic, told what differs and what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// Changed facts are on the disk within five seconds; what is left of them is for looking and
/// writing. Waiting at all lets the changes of a whole round of polls share a write.
pub const FACTS_WAIT: Duration = Duration::from_secs(3);

/// Times move on with every poll. Losing a minute of them makes nothing untrue, only older.
pub const TIMES_WAIT: Duration = Duration::from_mins(1);

/// A disk that was full a moment ago is full.
pub const RETRY_WAIT: Duration = Duration::from_secs(10);

/// How what is known differs from what was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// In nothing.
    Nothing,
    /// In when something was last seen or counted.
    Times,
    /// In what was seen.
    Facts,
}

/// When to write next.
#[derive(Debug, Default)]
pub struct Policy {
    due: Option<Instant>,
    not_before: Option<Instant>,
}

impl Policy {
    /// Somebody has looked, as is done again and again. The first look at a difference counts.
    pub fn saw(&mut self, difference: Difference, now: Instant) {
        let due = match difference {
            Difference::Nothing => return,
            Difference::Times => now + TIMES_WAIT,
            Difference::Facts => now + FACTS_WAIT,
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// When to write; never, where nothing differs.
    pub fn next_write(&self) -> Option<Instant> {
        self.due.max(self.due.and(self.not_before))
    }

    /// What was known at the last look is being written.
    pub fn began(&mut self) {
        self.due = None;
    }

    /// It was not written after all; the next look sees the difference again.
    pub fn failed(&mut self, now: Instant) {
        self.not_before = Some(now + RETRY_WAIT);
    }
}
