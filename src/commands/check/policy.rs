//! The least-privilege CAM policies, to paste into the CAM console.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Selection;
use super::storage_policy::{self, StorageStatement};
use crate::config::{Account, Credentials, Organization};

/// Returns one policy, or a list of policies with their principals if their permissions differ.
pub(super) fn policies(selection: &Selection) -> String {
    let mut principals = Principals {
        keeps_state: selection.keeps_state,
        ..Principals::default()
    };
    selection
        .accounts
        .iter()
        .for_each(|it| principals.account(it));
    let organizations = selection.organizations.iter();
    organizations.for_each(|it| principals.organization(it));
    let mut policies = principals.by_policy();
    let answer = if policies.len() == 1 {
        policies.remove(0).0.policy()
    } else {
        let each = policies.into_iter().map(
            |(permissions, principals)| json!({"for": principals, "policy": permissions.policy()}),
        );
        each.collect()
    };
    format!("{answer:#}\n")
}

/// What a principal may do.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Permissions {
    /// Actions that support no resource.
    actions: BTreeSet<&'static str>,
    /// Roles that the principal assumes.
    roles: BTreeSet<String>,
    /// Buckets that the principal lists.
    storage: BTreeSet<StorageStatement>,
}

impl Permissions {
    /// Adds the actions of a poll.
    fn add_poll(&mut self, account: &Account) {
        self.actions.insert("cloudaudit:DescribeAuditTracks");
        if account.details_interval.is_some() {
            self.actions.insert("cloudaudit:DescribeAuditTrack");
        }
    }

    /// Adds the action of a search for operators.
    fn add_attribution(&mut self, account: &Account) {
        if account.attribution.is_some() {
            self.actions.insert("cloudaudit:DescribeEvents");
        }
    }

    /// Adds the actions of checks of storage targets.
    fn add_delivery(&mut self, account: &Account) {
        let (actions, statements) = storage_policy::permissions(account);
        self.actions.extend(actions);
        self.storage.extend(statements);
    }

    fn policy(&self) -> Value {
        let mut statements = Vec::new();
        if !self.actions.is_empty() {
            statements.push(json!({"effect": "allow", "action": self.actions, "resource": ["*"]}));
        }
        if !self.roles.is_empty() {
            let action = ["sts:AssumeRole"];
            statements.push(json!({"effect": "allow", "action": action, "resource": self.roles}));
        }
        statements.extend(self.storage.iter().map(StorageStatement::json));
        json!({"version": "2.0", "statement": statements})
    }
}

/// Returns whether the exporter verifies the account of the keys although no `uin` is set.
fn verifies_owner(account: &Account, keeps_state: bool) -> bool {
    let is_fixed = matches!(
        account.credentials,
        Credentials::Inline { .. } | Credentials::Env { .. }
    );
    // A restart with a fixed key of another account must not continue the history of the state file.
    // A check of storage must know whether the storage belongs to the account.
    (!is_fixed || keeps_state || account.delivery.is_some()) && account.assume_role.is_none()
}

/// A key or a role, what it is used for, and the permissions that it needs.
#[derive(Default)]
struct Principal<'c> {
    accounts: Vec<&'c str>,
    organizations: Vec<&'c str>,
    permissions: Permissions,
}

/// The configured credentials, and the roles that are assumed with them.
#[derive(Default)]
struct Principals<'c> {
    /// Equal credentials are one principal. In the order of the configuration.
    credentials: Vec<(&'c Credentials, Principal<'c>)>,
    roles: BTreeMap<String, Principal<'c>>,
    /// Whether there is a state file.
    keeps_state: bool,
}

impl<'c> Principals<'c> {
    fn account(&mut self, account: &'c Account) {
        let keeps_state = self.keeps_state;
        let base = self.with(&account.credentials);
        base.accounts.push(&account.name);
        let polls = match &account.assume_role {
            None => base,
            Some(role) => {
                base.permissions.roles.insert(role.arn.clone());
                let principal = self.roles.entry(role.arn.clone()).or_default();
                principal.accounts.push(&account.name);
                principal
            }
        };
        polls.permissions.add_poll(account);
        polls.permissions.add_attribution(account);
        polls.permissions.add_delivery(account);
        if account.uin.is_some() || verifies_owner(account, keeps_state) {
            polls.permissions.actions.insert("sts:GetCallerIdentity");
        }
    }

    fn organization(&mut self, organization: &'c Organization) {
        let member = &organization.member;
        let role = format!("qcs::cam::uin/*:roleName/{}", organization.role_name);
        let base = self.with(&member.credentials);
        base.organizations.push(&organization.name);
        let members = "organization:DescribeOrganizationMembers";
        base.permissions.actions.insert(members);
        base.permissions.roles.insert(role.clone());
        if member.details_interval.is_some() {
            // The admin account may have tracks of the whole organization.
            base.permissions.add_poll(member);
        }
        let principal = self.roles.entry(role).or_default();
        principal.organizations.push(&organization.name);
        principal.permissions.add_poll(member);
        principal.permissions.add_attribution(member);
        principal.permissions.add_delivery(member);
        // The key of each member is verified before it polls.
        principal
            .permissions
            .actions
            .insert("sts:GetCallerIdentity");
    }

    fn with(&mut self, credentials: &'c Credentials) -> &mut Principal<'c> {
        let mut known = self.credentials.iter();
        let place = known.position(|(known, _)| *known == credentials);
        let place = place.unwrap_or_else(|| {
            self.credentials.push((credentials, Principal::default()));
            self.credentials.len() - 1
        });
        &mut self.credentials[place].1
    }

    /// Returns each distinct policy with its principals, keys before roles.
    fn by_policy(self) -> Vec<(Permissions, Vec<Value>)> {
        let credentials = self
            .credentials
            .into_iter()
            .map(|(credentials, principal)| {
                let mut who = json!({"credentials": credentials.kind()});
                (principal.describe(&mut who), who)
            });
        let roles = self.roles.into_iter().map(|(role, principal)| {
            let mut who = json!({"role": role});
            (principal.describe(&mut who), who)
        });
        let mut policies: Vec<(Permissions, Vec<Value>)> = Vec::new();
        for (permissions, who) in credentials.chain(roles) {
            match policies.iter_mut().find(|(known, _)| *known == permissions) {
                Some((_, principals)) => principals.push(who),
                None => policies.push((permissions, vec![who])),
            }
        }
        policies
    }
}

impl Principal<'_> {
    /// Adds the names of the accounts and organizations to `who`. Returns the permissions.
    fn describe(self, who: &mut Value) -> Permissions {
        for (key, names) in [
            ("accounts", self.accounts),
            ("organizations", self.organizations),
        ] {
            if !names.is_empty() {
                who[key] = json!(names);
            }
        }
        self.permissions
    }
}
