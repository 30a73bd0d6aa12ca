//! Polls in flight.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

/// At most one poll for each of a few places, such as an account's targets.
///
/// A wake-up polls every future, which is cheap for the few targets of an account. A
/// `FuturesUnordered` polls only the future that was woken, but with a single future it wakes its
/// own task again, which wakes another thread.
pub(super) struct InFlightPolls<'a, T>(Vec<Option<BoxFuture<'a, T>>>);

impl<'a, T> InFlightPolls<'a, T> {
    /// Creates this many places, all without a poll.
    pub(super) fn none(places: usize) -> Self {
        Self((0..places).map(|_| None).collect())
    }

    /// Returns whether this place has a poll.
    pub(super) fn has(&self, place: usize) -> bool {
        self.0[place].is_some()
    }

    /// Returns whether any place has a poll.
    pub(super) fn has_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Returns a place without a poll.
    pub(super) fn free_place(&self) -> Option<usize> {
        self.0.iter().position(Option::is_none)
    }

    /// Adds a poll, and drops the previous one of this place.
    pub(super) fn begin(&mut self, place: usize, poll: impl Future<Output = T> + Send + 'a) {
        self.0[place] = Some(Box::pin(poll));
    }

    /// Waits for the next poll to end, or forever if there is none. Cancel safe: dropping this
    /// future loses no poll.
    pub(super) async fn next(&mut self) -> T {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<T> {
        for place in &mut self.0 {
            if let Some(poll) = place
                && let Poll::Ready(outcome) = poll.as_mut().poll(context)
            {
                *place = None;
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    }
}
