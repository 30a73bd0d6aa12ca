//! Roles, and which principals may assume them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::sim::denials::Denials;

/// A role of an account. A new role trusts no principal.
#[derive(Clone)]
pub struct Role {
    pub(super) name: String,
    accounts: BTreeSet<String>,
    external_id: Option<String>,
    /// The valid token of each trusted provider.
    providers: BTreeMap<String, String>,
    pub(super) denials: Denials,
}

impl Role {
    /// Creates a role with this name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            accounts: BTreeSet::new(),
            external_id: None,
            providers: BTreeMap::new(),
            denials: Denials::default(),
        }
    }

    /// Lets every key of this account assume the role.
    #[must_use]
    pub fn trusts_account(mut self, uin: &str) -> Self {
        self.accounts.insert(uin.to_owned());
        self
    }

    /// Requires this external id of trusted accounts.
    #[must_use]
    pub fn external_id(mut self, external_id: &str) -> Self {
        self.external_id = Some(external_id.to_owned());
        self
    }

    /// Lets a bearer of this token of this OIDC provider assume the role. A second call for the
    /// same provider replaces the token.
    #[must_use]
    pub fn trusts_provider(mut self, provider_id: &str, token: &str) -> Self {
        self.providers
            .insert(provider_id.to_owned(), token.to_owned());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether a key of this account may assume the role.
    pub(super) fn trusts(&self, uin: &str, external_id: Option<&str>) -> bool {
        let has_external_id =
            self.external_id.is_none() || self.external_id.as_deref() == external_id;
        self.accounts.contains(uin) && has_external_id
    }

    /// Returns the valid token of this provider, or `None` if the provider is not trusted.
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
