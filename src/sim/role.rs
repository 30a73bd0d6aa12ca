//! Roles: who may become one, and what an account does with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::sim::account::{Account, NotFound};
use crate::sim::denials::Denials;

/// A role of an account. A new one trusts nobody.
#[derive(Clone)]
pub struct Role {
    name: String,
    accounts: BTreeSet<String>,
    external_id: Option<String>,
    /// The token that each trusted provider vouches for.
    providers: BTreeMap<String, String>,
    pub(super) denials: Denials,
}

impl Role {
    /// A role by its name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            accounts: BTreeSet::new(),
            external_id: None,
            providers: BTreeMap::new(),
            denials: Denials::default(),
        }
    }

    /// Every key of this account may assume it.
    #[must_use]
    pub fn trusts_account(mut self, uin: &str) -> Self {
        self.accounts.insert(uin.to_owned());
        self
    }

    /// Whoever assumes it from an account must know this text.
    #[must_use]
    pub fn external_id(mut self, external_id: &str) -> Self {
        self.external_id = Some(external_id.to_owned());
        self
    }

    /// Whoever has this token of this OIDC provider may assume it. Said again for the same
    /// provider, the token before is void.
    #[must_use]
    pub fn trusts_provider(mut self, provider_id: &str, token: &str) -> Self {
        self.providers
            .insert(provider_id.to_owned(), token.to_owned());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a key of this account may assume it.
    pub(super) fn trusts(&self, uin: &str, external_id: Option<&str>) -> bool {
        let knows_it = self.external_id.is_none() || self.external_id.as_deref() == external_id;
        self.accounts.contains(uin) && knows_it
    }

    /// The token that this provider vouches for, if it is trusted.
    pub(super) fn token_of(&self, provider_id: &str) -> Option<&str> {
        self.providers.get(provider_id).map(String::as_str)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Role")
            .field("name", &self.name)
            .field("accounts", &self.accounts)
            .field("denials", &self.denials)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Adds a role. One of the same name is gone, with every key that was issued for it.
    pub fn add_role(&self, role: Role) {
        self.with_world(|state| {
            let account = state.accounts.entry(self.uin().to_owned()).or_default();
            let name = role.name.clone();
            if account.roles.insert(name.clone(), role).is_some() {
                state.keys.end_role(self.uin(), &name);
            }
        });
    }

    /// Deletes a role; the keys that were issued for it end at once.
    pub fn remove_role(&self, name: &str) -> Result<Role, NotFound> {
        let removed = self.with_world(|state| {
            let role = state.accounts.get_mut(self.uin())?.roles.remove(name)?;
            state.keys.end_role(self.uin(), name);
            Some(role)
        });
        removed.ok_or_else(|| NotFound::role(self.uin(), name))
    }

    /// Changes a role, as another token of its provider does; the keys that were issued for it
    /// stay.
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

    /// What a role of this account is called by others, whether or not it is there.
    pub fn role_arn(&self, name: &str) -> String {
        arn(self.uin(), name)
    }
}

pub(super) fn arn(uin: &str, name: &str) -> String {
    format!("qcs::cam::uin/{uin}:roleName/{name}")
}

/// The account and the name in an ARN, if it is a role's.
pub(super) fn parse_arn(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("qcs::cam::uin/")?
        .split_once(":roleName/")
        .filter(|(uin, name)| !uin.is_empty() && !name.is_empty())
}
