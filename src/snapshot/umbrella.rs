//! Tracks of an organisation that record for all of its members.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Whether an organisation's own tracks record for its members, as far as that is known. Members
/// hold clones of it; whoever asks the organisation's admin account says what it found.
#[derive(Clone, Debug, Default)]
pub struct Umbrella(Arc<Mutex<Option<Instant>>>);

impl Umbrella {
    /// They do, and that may be believed for so long.
    pub fn open(&self, until: Instant) {
        *self.believed() = Some(until);
    }

    /// They do not.
    pub fn close(&self) {
        *self.believed() = None;
    }

    /// Until when it may be believed that they do. None is not known, or not so: a member may still
    /// have tracks of its own.
    pub fn until(&self) -> Option<Instant> {
        *self.believed()
    }

    fn believed(&self) -> MutexGuard<'_, Option<Instant>> {
        // It is replaced as a whole, and so is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two are equal if they are one.
impl PartialEq for Umbrella {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Umbrella {}
