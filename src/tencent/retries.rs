//! Whether a failed call is tried again, and after what wait.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// The wait before the first retry, doubled for each further one: the limit that was hit counts
/// seconds.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// No wait between two tries is longer, jitter aside.
const MAX_DELAY: Duration = Duration::from_secs(8);

/// What another try would be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Nothing: it would fail alike until somebody changes something.
    Never,
    /// What failed may pass by itself.
    Later,
    /// Something in between answered, and may not the next time.
    LaterOnce,
    /// What failed has been mended. Such a retry is not one of the attempts, which are for what may
    /// pass, and is made once, because what is refused again was not mended.
    AtOnce,
}

/// The retries that one call has left.
pub(super) struct Retries {
    left: u32,
    delays: Delays,
    was_later_once: bool,
    was_at_once: bool,
}

type Delays = <ExponentialBuilder as BackoffBuilder>::Backoff;

impl Retries {
    /// For a call that is tried `attempts` times at the most.
    pub(super) fn of(attempts: u32) -> Self {
        Self {
            left: attempts.saturating_sub(1),
            // The jitter is up to as much as the wait itself, seeded anew for every call, so that
            // what failed together does not come back together.
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

    /// How long to wait before the next try, or none where there is to be none.
    pub(super) fn wait(&mut self, retry: Retry) -> Option<Duration> {
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

/// Whether it happens for the first time.
fn first(happened: &mut bool) -> bool {
    !std::mem::replace(happened, true)
}
