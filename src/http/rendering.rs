//! Rendering beside the runtime: what takes milliseconds must not keep its threads from answering.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Scrapes and checks of readiness that are rendered at a time. The others wait for their turn, in
/// the order in which they came.
const MAX_SCRAPES: usize = 2;

/// Pages and responses of the API that are rendered at a time. Scrapes do not wait for these.
const MAX_PAGES: usize = 1;

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
            scrapes: semaphore(MAX_SCRAPES),
            pages: semaphore(MAX_PAGES),
            waiting_pages: semaphore(MAX_WAITING_PAGES),
        }
    }

    /// Does what a scrape needs.
    pub(super) async fn scrape<T: Send + 'static>(
        &self,
        render: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        with_permit(&self.scrapes, render).await
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
        Some(with_permit(&self.pages, render).await)
    }
}

async fn with_permit<T: Send + 'static>(
    semaphore: &Arc<Semaphore>,
    render: impl FnOnce() -> T + Send + 'static,
) -> T {
    let permit = Arc::clone(semaphore).acquire_owned().await;
    let permit = permit.expect("it is never closed");
    let rendered = spawn_blocking(move || {
        // It goes on if its client hangs up, so the turn ends with it.
        let _permit = permit;
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
