//! Reads off the runtime: one at a time for each reader, within a time limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::read::ReadError;

/// How many reads of a process may hang at the same time. Each holds a thread of the runtime's
/// blocking pool, which has 512: the remaining threads serve reads that do not hang.
pub const MAX_READS_IN_FLIGHT: usize = 128;

/// Caps the reads in flight of everything that shares it.
#[derive(Clone, Debug)]
pub struct Reads(Arc<Semaphore>);

impl Default for Reads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_READS_IN_FLIGHT)))
    }
}

impl Reads {
    /// A reader of its own that shares the cap.
    pub fn slot(&self) -> ReadSlot {
        ReadSlot {
            turn: Arc::new(Semaphore::new(1)),
            reads: self.clone(),
        }
    }
}

/// Reads one file, or a few that belong together, one read at a time. Clones share the slot.
#[derive(Clone, Debug)]
pub struct ReadSlot {
    turn: Arc<Semaphore>,
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
    /// A read that hangs keeps the slot: later calls fail at their time limit and start no further
    /// thread. They succeed again once the hung read has returned. The runtime does not wait for
    /// a hung read when it shuts down in the background.
    ///
    /// # Errors
    ///
    /// [`ReadError::TimedOut`] if there is no result within `limit`, the wait for the slot included.
    pub async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        const NEVER_CLOSED: &str = "the semaphore is never closed";
        let result = timeout(limit, async {
            let turn = Arc::clone(&self.turn).acquire_owned().await;
            let turn = turn.expect(NEVER_CLOSED);
            let place = Arc::clone(&self.reads.0).acquire_owned().await;
            let place = place.expect(NEVER_CLOSED);
            // The read holds both permits, so they are free when it ends, even if its caller has
            // left.
            spawn_blocking(move || {
                let _held = (turn, place);
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
