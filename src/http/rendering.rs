//! Rendering beside the runtime: what takes milliseconds must not keep its threads from answering.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Scrapes and checks of readiness that are rendered at a time. The others wait for their turn, in
/// the order in which they came.
const SCRAPES: usize = 2;

/// Pages and responses of the API that are rendered at a time. Scrapes do not wait for these.
const PAGES: usize = 1;

/// Pages that wait or are rendered. A connection that waits for one cannot make room for another.
const MAX_WAITING_PAGES: usize = 16;

/// Renders responses on threads that may be blocked, a few at a time.
#[derive(Debug)]
pub(super) struct Rendering {
    scrapes: Arc<Semaphore>,
    pages: Arc<Semaphore>,
    waiting_pages: Arc<Semaphore>,
}

impl Rendering {
    pub(super) fn new() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            scrapes: semaphore(SCRAPES),
            pages: semaphore(PAGES),
            waiting_pages: semaphore(MAX_WAITING_PAGES),
        }
    }

    /// Does what a scrape needs.
    pub(super) async fn scrape<T: Send + 'static>(
        &self,
        render: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        in_turn(&self.scrapes, render).await
    }

    /// Renders a page. `None` if too many are waiting.
    pub(super) async fn page<T: Send + 'static>(
        &self,
        render: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let waiting = Arc::clone(&self.waiting_pages).try_acquire_owned().ok()?;
        let render = || {
            let _waiting = waiting;
            render()
        };
        Some(in_turn(&self.pages, render).await)
    }
}

async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    render: impl FnOnce() -> T + Send + 'static,
) -> T {
    let turn = Arc::clone(turns).acquire_owned().await;
    let turn = turn.expect("it is never closed");
    let rendered = spawn_blocking(move || {
        // It goes on if its client hangs up, so the turn ends with it.
        let _turn = turn;
        render()
    });
    match rendered.await {
        Ok(rendered) => rendered,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime shuts down, and the connection with it.
            Err(_) => std::future::pending().await,
        },
    }
}
