//! The polls that are under way.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

/// At the most one for each of a few places, such as an account's targets.
///
/// Whenever one is woken all are asked, which costs nothing where there are as few as an account
/// has. A `FuturesUnordered` asks only the one, but where it is the only one wakes its own task
/// once more, and with that another thread.
pub(super) struct Running<'a, T>(Vec<Option<BoxFuture<'a, T>>>);

impl<'a, T> Running<'a, T> {
    /// Nothing is under way, at so many places.
    pub(super) fn none(places: usize) -> Self {
        Self((0..places).map(|_| None).collect())
    }

    /// Whether one is at this place.
    pub(super) fn has(&self, place: usize) -> bool {
        self.0[place].is_some()
    }

    /// Whether any is.
    pub(super) fn has_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// From now on this one is, in the place of any before it.
    pub(super) fn begin(&mut self, place: usize, poll: impl Future<Output = T> + Send + 'a) {
        self.0[place] = Some(Box::pin(poll));
    }

    /// What the next one to end comes to. Where none is under way, none ends. Whoever stops waiting
    /// loses nothing.
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
