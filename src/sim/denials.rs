//! What CAM refuses a key or a role.

use std::collections::BTreeSet;

/// Nothing at first.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials {
    everything: Option<String>,
    actions: BTreeSet<String>,
}

impl Denials {
    /// Refuses everything from here on, with this code.
    pub(super) fn deny_all(&mut self, code: &str) {
        self.everything = Some(code.to_owned());
    }

    /// Refuses one action, as `sts:AssumeRole`.
    pub(super) fn deny(&mut self, action: &str) {
        self.actions.insert(action.to_owned());
    }

    /// The code with which this action is refused; none if it is allowed.
    pub(super) fn code(&self, action: &str) -> Option<&str> {
        let alone = self.actions.contains(action).then_some(UNAUTHORIZED);
        self.everything.as_deref().or(alone)
    }
}

pub(super) const UNAUTHORIZED: &str = "UnauthorizedOperation";
