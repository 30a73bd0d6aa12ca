//! Turns the members of an organization into accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Account, AccountLabel, AssumeRole, Organization};
use crate::snapshot::Member;

/// The maximum length of a label from a member's name, in characters. Member names are not under
/// the operator's control.
const MAX_LABEL_CHARS: usize = 128;

/// Returns the accounts of the members that are polled, and warnings. `taken` has the labels of the
/// configured accounts and of other organizations.
///
/// A label is the UIN or the name, as configured. Names may be empty, change, and be equal. If
/// several members share a label, or the label is taken, each of these members is labeled
/// `NAME-UIN`.
pub fn accounts(
    organization: &Organization,
    members: &[Member],
    taken: &BTreeSet<String>,
) -> (Vec<Account>, Vec<String>) {
    let polled: Vec<&Member> = members
        .iter()
        .filter(|member| is_polled(organization, member))
        .collect();
    let mut shared: BTreeMap<String, usize> = BTreeMap::new();
    for member in &polled {
        *shared.entry(label(organization, member)).or_default() += 1;
    }
    let mut accounts = Vec::new();
    let mut warnings = Vec::new();
    for member in polled {
        let mut name = label(organization, member);
        let is_shared = shared.get(&name).is_some_and(|count| *count > 1);
        if is_shared || taken.contains(&name) {
            let uin = &member.uin;
            let other = format!("{name}-{uin}");
            warnings.push(format!(
                "organization {}: member {uin} is account {other:?}, because another account also has the label {name:?}",
                organization.name
            ));
            name = other;
        }
        accounts.push(account(organization, member, name));
    }
    (accounts, warnings)
}

/// Returns a warning for each configured account that is also a member. `uins` has the known UINs,
/// by account name.
pub fn duplicate_warnings<'a>(
    uins: &BTreeMap<String, String>,
    members: impl IntoIterator<Item = &'a Account>,
) -> Vec<String> {
    let known: BTreeMap<&str, &Account> = members
        .into_iter()
        .filter_map(|member| Some((member.uin.as_deref()?, member)))
        .collect();
    let both = uins.iter().filter_map(|(name, uin)| {
        let member = known.get(&**uin)?;
        let organization = member.organization.as_deref().unwrap_or_default();
        let also = if member.name == *uin {
            String::new()
        } else {
            format!(" (account {:?})", member.name)
        };
        Some(format!(
            "account {name} is member {uin}{also} of organization {organization} too; exclude the member or remove the account"
        ))
    });
    both.collect()
}

fn is_polled(organization: &Organization, member: &Member) -> bool {
    let fits = |globs: &[crate::config::Glob]| {
        let texts = [&member.uin, &member.name, &member.node];
        let fits = |glob: &crate::config::Glob| texts.iter().any(|text| glob.matches(text));
        globs.iter().any(fits)
    };
    let included = organization.include.is_empty() || fits(&organization.include);
    included && !fits(&organization.exclude)
}

fn label(organization: &Organization, member: &Member) -> String {
    let name: String = match organization.account_label {
        AccountLabel::Uin => String::new(),
        AccountLabel::Name => member.name.trim().chars().take(MAX_LABEL_CHARS).collect(),
    };
    if name.is_empty() {
        member.uin.clone()
    } else {
        name
    }
}

fn account(organization: &Organization, member: &Member, name: String) -> Account {
    let common = &organization.member;
    let mut labels = common.labels.clone();
    for tag in &organization.member_tag_labels {
        if let Some(value) = member.tags.get(tag) {
            let value = value.chars().take(MAX_LABEL_CHARS).collect();
            labels.insert(tag.clone(), value);
        }
    }
    let (uin, role) = (&member.uin, &organization.role_name);
    Account {
        name,
        labels,
        uin: Some(uin.clone()),
        assume_role: Some(AssumeRole {
            arn: format!("qcs::cam::uin/{uin}:roleName/{role}"),
            session_name: organization.session_name.clone(),
            external_id: organization.external_id.clone(),
            duration: organization.duration,
            endpoint: common.sts_endpoint.clone(),
        }),
        organization: Some(organization.name.clone()),
        member: Some(member.clone()),
        ..common.clone()
    }
}
