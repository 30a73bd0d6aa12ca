//! A fragment that is rendered again only if its values change.

use std::sync::Arc;

use super::fragment::Fragment;

/// A fragment and the values that it was rendered from.
#[derive(Debug)]
pub(super) struct Cached<K>(Option<(K, Arc<Fragment>)>);

impl<K> Default for Cached<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq> Cached<K> {
    /// Returns the fragment of these values.
    pub(super) fn of(&mut self, values: K, render: impl FnOnce(&K) -> Fragment) -> Arc<Fragment> {
        match &self.0 {
            Some((rendered, fragment)) if *rendered == values => Arc::clone(fragment),
            _ => {
                let fragment = Arc::new(render(&values));
                self.0 = Some((values, Arc::clone(&fragment)));
                fragment
            }
        }
    }
}
