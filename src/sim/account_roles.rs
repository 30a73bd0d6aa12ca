//! The roles of an account: add, remove, change.

use crate::sim::account::{Account, NotFound};
use crate::sim::arn::arn;
use crate::sim::role::Role;

impl Account {
    /// Adds a role. It replaces a role of the same name, whose keys become invalid.
    pub fn add_role(&self, role: Role) {
        self.with_simulator(|state| {
            let account = state.accounts.entry(self.uin().to_owned()).or_default();
            let name = role.name.clone();
            if account.roles.insert(name.clone(), role).is_some() {
                state.keys.remove_role_keys(self.uin(), &name);
            }
        });
    }

    /// Deletes a role. Its keys become invalid at once.
    pub fn remove_role(&self, name: &str) -> Result<Role, NotFound> {
        let removed = self.with_simulator(|state| {
            let role = state.accounts.get_mut(self.uin())?.roles.remove(name)?;
            state.keys.remove_role_keys(self.uin(), name);
            Some(role)
        });
        removed.ok_or_else(|| NotFound::role(self.uin(), name))
    }

    /// Changes a role, for example the token of its provider. Its keys stay valid.
    pub fn change_role(
        &self,
        name: &str,
        change: impl FnOnce(Role) -> Role,
    ) -> Result<(), NotFound> {
        let changed = self.with_state(|account| {
            let role = account.roles.get_mut(name)?;
            *role = change(role.clone());
            Some(())
        });
        changed.ok_or_else(|| NotFound::role(self.uin(), name))
    }

    /// Returns the ARN of a role of this account, whether or not the role exists.
    pub fn role_arn(&self, name: &str) -> String {
        arn(self.uin(), name)
    }
}
