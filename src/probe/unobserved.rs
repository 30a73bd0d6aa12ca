//! The observer of a probe.

use crate::tencent::{Ended, Observer, Sent};

/// Ignores the requests, because a probe has no metrics.
pub(super) struct Unobserved;

impl Observer for Unobserved {
    fn sent(&self, _: &Sent) {}

    fn ended(&self, _: &Ended<'_>) {}
}
