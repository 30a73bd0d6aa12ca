//! Reads on a blocking thread, one at a time per reader, with a timeout.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::read::ReadError;

/// The most reads in flight. A hanging read occupies a thread of the runtime's blocking pool, which
/// has 512 threads; the remaining threads serve other work.
pub const MAX_READS_IN_FLIGHT: usize = 128;

/// The cap on reads in flight. Clones share it.
#[derive(Clone, Debug)]
pub struct Reads(Arc<Semaphore>);

impl Default for Reads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_READS_IN_FLIGHT)))
    }
}

impl Reads {
    /// Returns a new reader that shares the cap.
    pub fn slot(&self) -> ReadSlot {
        ReadSlot {
            one_at_a_time: Arc::new(Semaphore::new(1)),
            reads: self.clone(),
        }
    }
}

/// A reader of one file, or of a few files that belong together. Runs one read at a time. Clones share
/// the slot.
#[derive(Clone, Debug)]
pub struct ReadSlot {
    one_at_a_time: Arc<Semaphore>,
    reads: Reads,
}

impl Default for ReadSlot {
    fn default() -> Self {
        Reads::default().slot()
    }
}

impl ReadSlot {
    /// Runs `read` on a blocking thread and returns its result.
    ///
    /// A hanging read keeps the slot: later calls time out without a further thread, until the read
    /// returns. The runtime does not wait for a hanging read when it shuts down in the background.
    ///
    /// # Errors
    ///
    /// Returns [`ReadError::TimedOut`] if there is no result within `limit`, which includes the wait
    /// for the slot.
    pub async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        const NEVER_CLOSED: &str = "the semaphore is never closed";
        let result = timeout(limit, async {
            let own = Arc::clone(&self.one_at_a_time).acquire_owned().await;
            let own = own.expect(NEVER_CLOSED);
            let shared = Arc::clone(&self.reads.0).acquire_owned().await;
            let shared = shared.expect(NEVER_CLOSED);
            // The read holds both permits until it returns, even after its caller has timed out.
            spawn_blocking(move || {
                let _held = (own, shared);
                read()
            })
            .await
        });
        match result.await {
            Ok(result) => result.map_err(|_| ReadError::Panicked),
            Err(_) => Err(ReadError::TimedOut(limit)),
        }
    }
}
