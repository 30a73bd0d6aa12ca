//! Rendered samples and the time in which they are true.

use std::sync::Arc;

use tokio::time::Instant;

use super::fragment::Fragment;

/// A fragment and the time in which it may be shown.
#[derive(Clone, Debug)]
pub struct Part {
    /// Hidden before this.
    pub from: Option<Instant>,
    /// Hidden from this on.
    pub until: Option<Instant>,
    /// What is shown.
    pub fragment: Arc<Fragment>,
}

impl Part {
    /// Whether it is shown at `now`.
    pub fn is_shown(&self, now: Instant) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// When that changes next.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        [self.from, self.until]
            .into_iter()
            .flatten()
            .filter(|time| *time > now)
            .min()
    }

    pub(super) fn always(fragment: Arc<Fragment>) -> Self {
        Self::between(None, None, fragment)
    }

    pub(super) fn between(
        from: Option<Instant>,
        until: Option<Instant>,
        fragment: Arc<Fragment>,
    ) -> Self {
        Self {
            from,
            until,
            fragment,
        }
    }
}
