//! The actions that CAM denies a key or a role.

use std::collections::BTreeSet;

/// Denied actions; none by default.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials {
    everything: Option<String>,
    actions: BTreeSet<String>,
}

impl Denials {
    /// Denies every action with this code.
    pub(super) fn deny_all(&mut self, code: &str) {
        self.everything = Some(code.to_owned());
    }

    /// Denies one action, such as `sts:AssumeRole`.
    pub(super) fn deny(&mut self, action: &str) {
        self.actions.insert(action.to_owned());
    }

    /// Returns the code that denies an action, or `None` if the action is allowed.
    pub(super) fn code(&self, action: &str) -> Option<&str> {
        let alone = self.actions.contains(action).then_some(UNAUTHORIZED);
        self.everything.as_deref().or(alone)
    }
}

pub(super) const UNAUTHORIZED: &str = "UnauthorizedOperation";
