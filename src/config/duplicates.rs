//! Accounts that are the same Tencent Cloud account.

use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

use super::account::Account;

/// The most names in a warning.
const MOST_NAMES: usize = 5;

/// Returns a warning for each group of accounts with the same credentials. They poll, count and
/// alert on one account of the cloud several times.
pub(super) fn warnings(accounts: &[Arc<Account>]) -> Vec<String> {
    let mut first_of = HashMap::new();
    let mut same: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for account in accounts {
        let role = account.assume_role.as_ref().map(|role| &role.arn);
        match first_of.entry((account.site, &account.credentials, role)) {
            Entry::Vacant(free) => {
                free.insert(&*account.name);
            }
            Entry::Occupied(first) => same.entry(first.get()).or_default().push(&account.name),
        }
    }
    same.into_iter()
        .map(|(first, others)| warning(first, &others))
        .chain(same_uin(accounts))
        .collect()
}

/// Returns a warning for each account with other credentials for the UIN of an earlier account.
fn same_uin(accounts: &[Arc<Account>]) -> Vec<String> {
    let mut first_of = HashMap::new();
    let mut warnings = Vec::new();
    for account in accounts {
        let Some(uin) = account.uin.as_deref() else {
            continue;
        };
        let first: &&Arc<Account> = first_of
            .entry((&account.sts_endpoint, uin))
            .or_insert(account);
        if first.credentials != account.credentials || first.assume_role != account.assume_role {
            let (first, second) = (&first.name, &account.name);
            warnings.push(format!(
                "accounts {first} and {second} are the same Tencent Cloud account {uin}; one account with all regions is enough"
            ));
        }
    }
    warnings
}

fn warning(first: &str, others: &[&str]) -> String {
    let (names, more) = others.split_at(others.len().min(MOST_NAMES - 1));
    let mut names = [&[first], names].concat();
    let rest = format!("{} more", more.len());
    let last = if more.is_empty() {
        names.pop().unwrap_or(first)
    } else {
        &rest
    };
    let times = match others.len() + 1 {
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    };
    format!(
        "accounts {} and {last} have the same credentials, so they are the same Tencent Cloud account {times}; one \
         account with all regions is enough",
        names.join(", ")
    )
}
