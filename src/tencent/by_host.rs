//! Values that all transports to a host share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// One value for each host. It lives as long as a transport to the host uses it.
#[derive(Debug)]
pub(super) struct ByHost<T>(Mutex<HashMap<Arc<str>, Weak<T>>>);

impl<T> Default for ByHost<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> ByHost<T> {
    /// Returns the value of a host. If there is none, `new` creates it, and the values that nothing
    /// uses are dropped.
    pub(super) fn get(&self, host: &Arc<str>, new: impl FnOnce() -> T) -> Arc<T> {
        // Entries are inserted and removed as a whole, so a poisoned lock holds a consistent map.
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values.get(host).and_then(Weak::upgrade) {
            return value;
        }
        values.retain(|_, value| value.strong_count() > 0);
        let value = Arc::new(new());
        values.insert(Arc::clone(host), Arc::downgrade(&value));
        value
    }
}
