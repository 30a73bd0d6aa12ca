//! Whether the runtime still turns: a heart that beats on it, and whoever feels for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// How often it beats.
const BEAT: Duration = Duration::from_secs(1);

/// How long it may miss before it counts as dead: far longer than any pause of a loaded machine.
const DEAD_AFTER: Duration = Duration::from_secs(15);

/// A heart.
#[derive(Debug)]
pub struct Pulse {
    last_beat: Mutex<Instant>,
}

impl Pulse {
    /// It has just beaten.
    pub fn new(now: Instant) -> Self {
        Self {
            last_beat: Mutex::new(now),
        }
    }

    /// Beats for ever, where the schedule runs: if timers stop there, so does it.
    pub async fn beat(&self) {
        let mut beats = interval(BEAT);
        loop {
            let now = beats.tick().await;
            *self
                .last_beat
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = now;
        }
    }

    /// Feels for it.
    ///
    /// # Errors
    ///
    /// How long it has not beaten.
    pub fn feel(&self, now: Instant) -> Result<(), String> {
        let last = *self
            .last_beat
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let silent = now.saturating_duration_since(last);
        if silent < DEAD_AFTER {
            Ok(())
        } else {
            Err(format!(
                "the scheduler has not ticked for {} s",
                silent.as_secs()
            ))
        }
    }
}
