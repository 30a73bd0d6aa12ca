//! The least that whoever asks must be allowed, as CAM policies to paste into its console.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Listed;
use crate::config::{Account, Credentials, Organization};

/// One policy where everybody needs the same; else each with whom it is for.
pub(super) fn policies(listed: &Listed) -> String {
    let mut callers = Callers::default();
    listed.accounts.iter().for_each(|it| callers.account(it));
    let organizations = listed.organizations.iter();
    organizations.for_each(|it| callers.organization(it));
    let mut policies = callers.by_policy();
    let answer = if policies.len() == 1 {
        policies.remove(0).0.policy()
    } else {
        let each = policies
            .into_iter()
            .map(|(needs, callers)| json!({"for": callers, "policy": needs.policy()}));
        each.collect()
    };
    format!("{answer:#}\n")
}

/// What a caller does.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    /// Actions that know no resource.
    actions: BTreeSet<&'static str>,
    /// Roles that are assumed.
    roles: BTreeSet<String>,
}

impl Needs {
    /// Lists tracks, and asks for their details where the configuration says so.
    fn poll(&mut self, account: &Account) {
        self.actions.insert("cloudaudit:DescribeAuditTracks");
        if account.details_interval.is_some() {
            self.actions.insert("cloudaudit:DescribeAuditTrack");
        }
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
        json!({"version": "2.0", "statement": statements})
    }
}

/// Whether the account behind the keys is verified although no `uin` is set.
fn asks_whose_key(account: &Account) -> bool {
    // The default chain may end at a profile.
    let may_be_in_files = matches!(
        account.credentials,
        Credentials::Files { .. } | Credentials::Profile { .. } | Credentials::Default
    );
    may_be_in_files && account.assume_role.is_none()
}

/// Somebody who calls, what for, and what that takes.
#[derive(Default)]
struct Caller<'c> {
    accounts: Vec<&'c str>,
    organizations: Vec<&'c str>,
    needs: Needs,
}

/// All who call: whoever has a key, and the roles that are assumed with it.
#[derive(Default)]
struct Callers<'c> {
    /// The same credentials are the same caller. In the order in which they are met.
    credentials: Vec<(&'c Credentials, Caller<'c>)>,
    roles: BTreeMap<String, Caller<'c>>,
}

impl<'c> Callers<'c> {
    fn account(&mut self, account: &'c Account) {
        let base = self.with(&account.credentials);
        base.accounts.push(&account.name);
        let polls = match &account.assume_role {
            None => base,
            Some(role) => {
                base.needs.roles.insert(role.arn.clone());
                let caller = self.roles.entry(role.arn.clone()).or_default();
                caller.accounts.push(&account.name);
                caller
            }
        };
        polls.needs.poll(account);
        if account.uin.is_some() || asks_whose_key(account) {
            polls.needs.actions.insert("sts:GetCallerIdentity");
        }
    }

    fn organization(&mut self, organization: &'c Organization) {
        let member = &organization.member;
        let role = format!("qcs::cam::uin/*:roleName/{}", organization.role_name);
        let base = self.with(&member.credentials);
        base.organizations.push(&organization.name);
        let members = "organization:DescribeOrganizationMembers";
        base.needs.actions.insert(members);
        base.needs.roles.insert(role.clone());
        if member.details_interval.is_some() {
            // The admin account's own tracks may be those of the whole organisation.
            base.needs.poll(member);
        }
        let caller = self.roles.entry(role).or_default();
        caller.organizations.push(&organization.name);
        caller.needs.poll(member);
        // The key of each member is verified before it polls.
        caller.needs.actions.insert("sts:GetCallerIdentity");
    }

    fn with(&mut self, credentials: &'c Credentials) -> &mut Caller<'c> {
        let mut known = self.credentials.iter();
        let place = known.position(|(known, _)| *known == credentials);
        let place = place.unwrap_or_else(|| {
            self.credentials.push((credentials, Caller::default()));
            self.credentials.len() - 1
        });
        &mut self.credentials[place].1
    }

    /// Each policy that there is, with those who need just that, keys before roles.
    fn by_policy(self) -> Vec<(Needs, Vec<Value>)> {
        let credentials = self.credentials.into_iter().map(|(credentials, caller)| {
            let mut who = json!({"credentials": credentials.kind()});
            (caller.name(&mut who), who)
        });
        let roles = self.roles.into_iter().map(|(role, caller)| {
            let mut who = json!({"role": role});
            (caller.name(&mut who), who)
        });
        let mut policies: Vec<(Needs, Vec<Value>)> = Vec::new();
        for (needs, who) in credentials.chain(roles) {
            match policies.iter_mut().find(|(known, _)| *known == needs) {
                Some((_, callers)) => callers.push(who),
                None => policies.push((needs, vec![who])),
            }
        }
        policies
    }
}

impl Caller<'_> {
    /// Says for whom it calls, and returns what it needs.
    fn name(self, who: &mut Value) -> Needs {
        for (key, names) in [
            ("accounts", self.accounts),
            ("organizations", self.organizations),
        ] {
            if !names.is_empty() {
                who[key] = json!(names);
            }
        }
        self.needs
    }
}
