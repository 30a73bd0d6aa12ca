//! What is rendered once.

use std::sync::Arc;

use super::fragment::Fragment;

/// A fragment, and what it says. It is rendered again when there is something else to say.
#[derive(Debug)]
pub(super) struct Cached<K>(Option<(K, Arc<Fragment>)>);

impl<K> Default for Cached<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq> Cached<K> {
    /// The fragment that says `what`.
    pub(super) fn of(&mut self, what: K, render: impl FnOnce(&K) -> Fragment) -> Arc<Fragment> {
        match &self.0 {
            Some((said, fragment)) if *said == what => Arc::clone(fragment),
            _ => {
                let fragment = Arc::new(render(&what));
                self.0 = Some((what, Arc::clone(&fragment)));
                fragment
            }
        }
    }
}
