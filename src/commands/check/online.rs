//! The output of `check --online`, as text and as JSON.

use serde_json::{Value, json};

use super::Part;
use super::remedy::{identity_unknown, remedy, who};
use super::text::count;
use crate::probe::{
    AccountFindings, Findings, MAX_MEMBERS, OrganizationFindings, ProbeError, RegionFindings,
};
use crate::tencent::reasons::escaped;

/// Returns the number of problems.
pub(super) fn problems(findings: &Findings) -> usize {
    let organizations = findings.organizations.iter();
    let without_members = organizations
        .clone()
        .filter(|found| matches!(found.members, Some(Err(_))));
    let members_and_admins =
        organizations.flat_map(|found| found.probed_members.iter().chain([&found.admin]));
    let accounts = findings.accounts.iter().chain(members_and_admins);
    accounts.flat_map(AccountFindings::errors).count() + without_members.count()
}

pub(super) fn text(findings: &Findings, part: Option<&Part>, warnings: &[String]) -> String {
    let mut lines = Vec::new();
    for found in &findings.accounts {
        lines.push(format!("account {}: {}", found.account, identity(found)));
        lines.extend(results(found, "  "));
    }
    for found in &findings.organizations {
        lines.push(format!(
            "organization {}: {}",
            found.organization,
            identity(&found.admin)
        ));
        lines.extend(results(&found.admin, "  "));
        lines.extend(members(found));
        for member in &found.probed_members {
            let role = member.role.as_deref().unwrap_or_default();
            lines.push(format!("  member {}: {role}", escaped(&member.account)));
            lines.extend(results(member, "    "));
        }
    }
    let mut counts = vec![count(findings.accounts.len(), "account")];
    if !findings.organizations.is_empty() {
        counts.push(count(findings.organizations.len(), "organization"));
    }
    lines.push(match problems(findings) {
        0 => format!("{}: no problems", counts.join(", ")),
        problems => format!("{}: {}", counts.join(", "), count(problems, "problem")),
    });
    lines.extend(part.map(Part::to_string));
    let warnings = warnings.iter();
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    lines.join("\n") + "\n"
}

/// Describes the source of the keys, and the identity.
fn identity(found: &AccountFindings) -> String {
    let owner = match &found.identity {
        None => "identity not checked".to_owned(),
        Some(Ok(identity)) => format!("{} of {}", who(found), escaped(&identity.uin)),
        // The line about the keys says why.
        Some(Err(_)) if found.error.is_some() => "identity unknown".to_owned(),
        Some(Err(error)) => identity_unknown(found, error),
    };
    format!("{}, {owner}", found.provider)
}

fn results(found: &AccountFindings, indent: &str) -> Vec<String> {
    let error = found.error.iter();
    let error = error.map(|error| format!("{indent}keys: {}", remedy(found, error)));
    let regions = found.regions.iter().flat_map(|region| {
        let tracks = match &region.tracks {
            Ok(tracks) => format!("ok, {}", count(*tracks, "track")),
            Err(error) => remedy(found, error),
        };
        let details = region.details.iter();
        let details = details.map(|error| format!("no details: {}", remedy(found, error)));
        let lines = std::iter::once(tracks).chain(details);
        lines.map(|line| format!("{indent}{}: {line}", region.region))
    });
    error.chain(regions).collect()
}

fn members(found: &OrganizationFindings) -> Option<String> {
    Some(match found.members.as_ref()? {
        Err(error) => format!("  members: {}", remedy(&found.admin, error)),
        Ok([members, polled]) => format!(
            "  {}, {polled} of them polled; the first {MAX_MEMBERS} are checked",
            count(*members, "member")
        ),
    })
}

pub(super) fn json(findings: &Findings, part: Option<&Part>, warnings: &[String]) -> String {
    let accounts = findings.accounts.iter().map(account);
    let organizations = findings.organizations.iter().map(|found| {
        let members = found.members.as_ref().and_then(|it| it.as_ref().ok());
        let error = found.members.as_ref().and_then(|it| it.as_ref().err());
        json!({
            "organization": found.organization,
            "admin": account(&found.admin),
            "members": members.map(|[members, _]| members),
            "polled_members": members.map(|[_, polled]| polled),
            "problem": problem(&found.admin, error),
            "tried_members": found.probed_members.iter().map(account).collect::<Vec<_>>(),
        })
    });
    format!(
        "{:#}\n",
        json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "organizations": organizations.collect::<Vec<_>>(),
            "problems": problems(findings),
            "shard": part.map(Part::json),
            "warnings": warnings,
        })
    )
}

fn account(found: &AccountFindings) -> Value {
    let identity = found.identity.as_ref().and_then(|it| it.as_ref().ok());
    let unknown = found.identity.as_ref().and_then(|it| it.as_ref().err());
    let regions = found.regions.iter().map(|it| region(found, it));
    json!({
        "account": found.account,
        "provider": found.provider,
        "role": found.role,
        "arn": identity.map(|identity| &identity.arn),
        "uin": identity.map(|identity| &identity.uin),
        "identity_problem": unknown.map(|error| identity_unknown(found, error)),
        "problem": problem(found, found.error.as_ref()),
        "regions": regions.collect::<Vec<_>>(),
    })
}

fn region(found: &AccountFindings, region: &RegionFindings) -> Value {
    json!({
        "region": region.region,
        "tracks": region.tracks.as_ref().ok(),
        "problem": problem(found, region.tracks.as_ref().err()),
        "details_problem": problem(found, region.details.as_ref()),
    })
}

fn problem(found: &AccountFindings, error: Option<&ProbeError>) -> Option<String> {
    error.map(|error| remedy(found, error))
}
