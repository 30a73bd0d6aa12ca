//! Renders responses on threads for blocking work, so that rendering does not delay other requests.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Concurrent renderings of scrapes and readiness checks. The others wait in order of arrival.
const MAX_SCRAPES: usize = 2;

/// Concurrent renderings of pages and API responses. Scrapes do not wait for these.
const MAX_PAGES: usize = 1;

/// The most pages that wait or are being rendered. A connection that waits for a page cannot be
/// closed to make room for another.
const MAX_WAITING_PAGES: usize = 16;

/// Renders a few responses at a time on threads for blocking work.
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

    /// Renders the response to a scrape or a readiness check.
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
        // Rendering continues if the client disconnects, so the closure holds the permit.
        let _permit = permit;
        render()
    });
    match rendered.await {
        Ok(rendered) => rendered,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and the connection with it.
            Err(_) => std::future::pending().await,
        },
    }
}
