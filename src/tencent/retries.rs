//! Counts the attempts of one call, and computes the delay before the next one.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// The delay before the first retry, doubled for each further one. Rate limits count seconds, so a
/// shorter delay would be useless.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// The longest delay, without jitter.
const MAX_DELAY: Duration = Duration::from_secs(8);

/// Whether a retry can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// It cannot: the failure lasts until the configuration changes.
    Never,
    /// The failure may pass.
    Later,
    /// A proxy or gateway responded in place of the API; the next request may reach the API.
    LaterOnce,
    /// The cause was removed. Such a retry does not count as an attempt, and happens once: if it fails
    /// again, the cause was another one.
    AtOnce,
}

/// The remaining retries of one call.
pub(super) struct Retries {
    left: u32,
    delays: Delays,
    was_later_once: bool,
    was_at_once: bool,
}

type Delays = <ExponentialBuilder as BackoffBuilder>::Backoff;

impl Retries {
    /// Allows `attempts` requests for a call.
    pub(super) fn new(attempts: u32) -> Self {
        Self {
            left: attempts.saturating_sub(1),
            // The jitter is up to the delay itself, with a new seed for each call, so that requests
            // that failed together are not retried together.
            delays: ExponentialBuilder::new()
                .with_min_delay(FIRST_DELAY)
                .with_max_delay(MAX_DELAY)
                .with_jitter()
                .without_max_times()
                .build(),
            was_later_once: false,
            was_at_once: false,
        }
    }

    /// Returns the delay before the next retry, or `None` if there is none.
    pub(super) fn delay(&mut self, retry: Retry) -> Option<Duration> {
        match retry {
            Retry::Never => None,
            Retry::AtOnce => first(&mut self.was_at_once).then_some(Duration::ZERO),
            Retry::LaterOnce if !first(&mut self.was_later_once) => None,
            Retry::Later | Retry::LaterOnce => {
                self.left = self.left.checked_sub(1)?;
                self.delays.next()
            }
        }
    }
}

/// Returns whether it is the first time.
fn first(happened: &mut bool) -> bool {
    !std::mem::replace(happened, true)
}
