//! What the cloud says to a configuration: for people, and for scripts.

use serde_json::{Value, json};

use super::Part;
use super::remedy::{not_told, remedy, who};
use super::text::count;
use crate::fleet::{
    AccountFound, Findings, MEMBERS_TRIED, OrganizationFound, RegionFound, Trouble,
};
use crate::tencent::reasons::escaped;

/// How many things are wrong.
pub(super) fn wrong(findings: &Findings) -> usize {
    let organizations = findings.organizations.iter();
    let without_members = organizations
        .clone()
        .filter(|found| matches!(found.members, Some(Err(_))));
    let theirs = organizations.flat_map(|found| found.tried.iter().chain([&found.admin]));
    let accounts = findings.accounts.iter().chain(theirs);
    accounts.flat_map(AccountFound::troubles).count() + without_members.count()
}

pub(super) fn text(findings: &Findings, part: Option<&Part>, warnings: &[String]) -> String {
    let mut lines = Vec::new();
    for found in &findings.accounts {
        lines.push(format!("account {}: {}", found.account, identity(found)));
        lines.extend(answers(found, "  "));
    }
    for found in &findings.organizations {
        lines.push(format!(
            "organization {}: {}",
            found.organization,
            identity(&found.admin)
        ));
        lines.extend(answers(&found.admin, "  "));
        lines.extend(members(found));
        for member in &found.tried {
            let role = member.role.as_deref().unwrap_or_default();
            lines.push(format!("  member {}: {role}", escaped(&member.account)));
            lines.extend(answers(member, "    "));
        }
    }
    let mut counts = vec![count(findings.accounts.len(), "account")];
    if !findings.organizations.is_empty() {
        counts.push(count(findings.organizations.len(), "organization"));
    }
    lines.push(match wrong(findings) {
        0 => format!("{}: all is well", counts.join(", ")),
        wrong => format!("{}: {} wrong", counts.join(", "), count(wrong, "thing")),
    });
    lines.extend(part.map(Part::to_string));
    let warnings = warnings.iter();
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    lines.join("\n") + "\n"
}

/// Where the keys come from, and whose they are.
fn identity(found: &AccountFound) -> String {
    let whose = match &found.identity {
        None => "nobody was asked whose it is".to_owned(),
        Some(Ok(identity)) => format!("{} of {}", who(found), escaped(&identity.uin)),
        // It is said below.
        Some(Err(_)) if found.trouble.is_some() => "not told".to_owned(),
        Some(Err(trouble)) => not_told(found, trouble),
    };
    format!("{}, {whose}", found.provider)
}

fn answers(found: &AccountFound, indent: &str) -> Vec<String> {
    let trouble = found.trouble.iter();
    let trouble = trouble.map(|trouble| format!("{indent}keys: {}", remedy(found, trouble)));
    let regions = found.regions.iter().flat_map(|region| {
        let tracks = match &region.tracks {
            Ok(tracks) => format!("ok, {}", count(*tracks, "track")),
            Err(trouble) => remedy(found, trouble),
        };
        let details = region.details.iter();
        let details = details.map(|trouble| format!("no details: {}", remedy(found, trouble)));
        let lines = std::iter::once(tracks).chain(details);
        lines.map(|line| format!("{indent}{}: {line}", region.region))
    });
    trouble.chain(regions).collect()
}

fn members(found: &OrganizationFound) -> Option<String> {
    Some(match found.members.as_ref()? {
        Err(trouble) => format!("  members: {}", remedy(&found.admin, trouble)),
        Ok([members, polled]) => format!(
            "  {}, {polled} of them polled; the first {MEMBERS_TRIED} are tried",
            count(*members, "member")
        ),
    })
}

pub(super) fn json(findings: &Findings, part: Option<&Part>, warnings: &[String]) -> String {
    let accounts = findings.accounts.iter().map(account);
    let organizations = findings.organizations.iter().map(|found| {
        let members = found.members.as_ref().and_then(|it| it.as_ref().ok());
        let trouble = found.members.as_ref().and_then(|it| it.as_ref().err());
        json!({
            "organization": found.organization,
            "admin": account(&found.admin),
            "members": members.map(|[members, _]| members),
            "polled_members": members.map(|[_, polled]| polled),
            "problem": problem(&found.admin, trouble),
            "tried_members": found.tried.iter().map(account).collect::<Vec<_>>(),
        })
    });
    format!(
        "{:#}\n",
        json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "organizations": organizations.collect::<Vec<_>>(),
            "problems": wrong(findings),
            "shard": part.map(Part::json),
            "warnings": warnings,
        })
    )
}

fn account(found: &AccountFound) -> Value {
    let identity = found.identity.as_ref().and_then(|it| it.as_ref().ok());
    let not_known = found.identity.as_ref().and_then(|it| it.as_ref().err());
    let regions = found.regions.iter().map(|it| region(found, it));
    json!({
        "account": found.account,
        "provider": found.provider,
        "role": found.role,
        "arn": identity.map(|identity| &identity.arn),
        "uin": identity.map(|identity| &identity.uin),
        "identity_problem": not_known.map(|trouble| not_told(found, trouble)),
        "problem": problem(found, found.trouble.as_ref()),
        "regions": regions.collect::<Vec<_>>(),
    })
}

fn region(found: &AccountFound, region: &RegionFound) -> Value {
    json!({
        "region": region.region,
        "tracks": region.tracks.as_ref().ok(),
        "problem": problem(found, region.tracks.as_ref().err()),
        "details_problem": problem(found, region.details.as_ref()),
    })
}

fn problem(found: &AccountFound, trouble: Option<&Trouble>) -> Option<String> {
    trouble.map(|trouble| remedy(found, trouble))
}
