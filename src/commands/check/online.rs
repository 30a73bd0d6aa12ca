//! The output of `check --online`, as text and as JSON.

use std::fmt;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::Part;
use super::remedy::{identity_unknown, remedy, who};
use super::text::count;
use crate::escape::escaped;
use crate::probe::{
    AccountFindings, Findings, MAX_MEMBERS, OrganizationFindings, ProbeError, RegionFindings,
    StorageFinding, StorageResult, TrackProblem,
};
use crate::snapshot::{Listing, Status, StorageTarget};

/// What the findings amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Failed requests that polls, searches or delivery checks need.
    pub(super) problems: usize,
    /// Tracks that are not enabled.
    pub(super) off: usize,
    /// Storage targets that do not exist.
    pub(super) missing_storage: usize,
    /// Expected tracks that are not as expected.
    pub(super) unexpected: usize,
}

impl Counts {
    pub(super) fn of(findings: &Findings) -> Self {
        let organizations = findings.organizations.iter();
        let without_members = organizations
            .clone()
            .filter(|found| matches!(found.members, Some(Err(_))));
        let members_and_admins =
            organizations.flat_map(|found| found.probed_members.iter().chain([&found.admin]));
        let accounts: Vec<&AccountFindings> =
            findings.accounts.iter().chain(members_and_admins).collect();
        let errors = accounts.iter().flat_map(|found| found.errors()).count();
        Self {
            problems: errors + without_members.count(),
            off: accounts.iter().map(|found| found.tracks_off()).sum(),
            missing_storage: accounts.iter().map(|found| found.missing_storage()).sum(),
            unexpected: accounts.iter().map(|found| found.unexpected()).sum(),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems {
            0 => f.write_str("no problems")?,
            problems => f.write_str(&count(problems, "problem"))?,
        }
        if self.off > 0 {
            write!(f, ", {} not enabled", count(self.off, "track"))?;
        }
        if self.missing_storage > 0 {
            write!(
                f,
                ", {} missing",
                count(self.missing_storage, "storage target")
            )?;
        }
        if self.unexpected > 0 {
            write!(
                f,
                ", {} missing or different",
                count(self.unexpected, "expected track")
            )?;
        }
        Ok(())
    }
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
    lines.push(format!("{}: {}", counts.join(", "), Counts::of(findings)));
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
            Ok(listing) => listed(listing),
            Err(error) => remedy(found, error),
        };
        let details = region.details.iter();
        let details = details.map(|error| format!("no details: {}", remedy(found, error)));
        let events = region.events.iter();
        let events = events.map(|error| format!("no operation records: {}", remedy(found, error)));
        let lines = std::iter::once(tracks).chain(details).chain(events);
        lines.map(|line| format!("{indent}{}: {line}", region.region))
    });
    let expected = found.expected.iter().filter_map(|expected| {
        let problem = expected.problem.as_ref()?;
        let name = escaped(&expected.name);
        Some(format!(
            "{indent}expected track {name}: {}",
            describe(problem)
        ))
    });
    let storage = found.storage.iter().map(|it| {
        let result = storage_result(found, &it.result);
        format!("{indent}{}: {result}", storage_name(&it.target))
    });
    let unchecked = (found.unchecked_storage > 0).then(|| {
        let targets = count(found.unchecked_storage, "more storage target");
        format!("{indent}{targets} not checked; the exporter checks all of them")
    });
    error
        .chain(regions)
        .chain(storage)
        .chain(unchecked)
        .chain(expected)
        .collect()
}

/// Names a storage target. Its texts come from the API.
fn storage_name(target: &StorageTarget) -> String {
    let StorageTarget {
        kind,
        region,
        name,
        prefix,
    } = target;
    let name = match &**prefix {
        "" => format!("{kind} {name} in {region}"),
        prefix => format!("{kind} {name}/{prefix} in {region}"),
    };
    escaped(&name)
}

fn storage_result(found: &AccountFindings, result: &StorageResult) -> String {
    match result {
        StorageResult::Seen(Some(newest)) => format!("ok, newest arrival {}", utc(*newest)),
        StorageResult::Seen(None) => "ok, but nothing has arrived".to_owned(),
        StorageResult::Missing(what) => {
            format!("{}; create it, or correct the track", escaped(what))
        }
        StorageResult::Impossible(why) => format!("cannot be checked: {}", escaped(why)),
        StorageResult::Failed(error) => remedy(found, error),
    }
}

fn utc(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Counts the tracks, and those that are not enabled.
fn listed(listing: &Listing) -> String {
    let all = count(listing.all().count(), "track");
    match off(listing) {
        0 => format!("ok, {all}"),
        off => format!("ok, {all}, {off} not enabled"),
    }
}

fn off(listing: &Listing) -> usize {
    let tracks = listing.all();
    tracks
        .filter(|track| track.status != Status::Enabled)
        .count()
}

fn describe(problem: &TrackProblem) -> String {
    match problem {
        TrackProblem::NotListed => "not listed; create it, or correct expected_tracks".to_owned(),
        TrackProblem::Off => "not enabled; enable it".to_owned(),
        TrackProblem::Different(fields) => format!(
            "different {}; correct the track or expected_tracks",
            fields.join(", ")
        ),
        TrackProblem::Unknown => "not known: not every region was listed".to_owned(),
    }
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
    let counts = Counts::of(findings);
    format!(
        "{:#}\n",
        json!({
            "accounts": accounts.collect::<Vec<_>>(),
            "organizations": organizations.collect::<Vec<_>>(),
            "problems": counts.problems,
            "tracks_off": counts.off,
            "storage_missing": counts.missing_storage,
            "expected_tracks_wrong": counts.unexpected,
            "shard": part.map(Part::json),
            "warnings": warnings,
        })
    )
}

fn account(found: &AccountFindings) -> Value {
    let identity = found.identity.as_ref().and_then(|it| it.as_ref().ok());
    let unknown = found.identity.as_ref().and_then(|it| it.as_ref().err());
    let regions = found.regions.iter().map(|it| region(found, it));
    let expected = found
        .expected
        .iter()
        .map(|it| json!({"name": it.name, "problem": it.problem.as_ref().map(describe)}));
    json!({
        "account": found.account,
        "provider": found.provider,
        "role": found.role,
        "arn": identity.map(|identity| &identity.arn),
        "uin": identity.map(|identity| &identity.uin),
        "identity_problem": unknown.map(|error| identity_unknown(found, error)),
        "problem": problem(found, found.error.as_ref()),
        "regions": regions.collect::<Vec<_>>(),
        "storage": found.storage.iter().map(|it| storage(found, it)).collect::<Vec<_>>(),
        "storage_not_checked": found.unchecked_storage,
        "expected_tracks": expected.collect::<Vec<_>>(),
    })
}

fn region(found: &AccountFindings, region: &RegionFindings) -> Value {
    let listing = region.tracks.as_ref().ok();
    json!({
        "region": region.region,
        "tracks": listing.map(|listing| listing.all().count()),
        "tracks_off": listing.map(|listing| off(listing)),
        "problem": problem(found, region.tracks.as_ref().err()),
        "details_problem": problem(found, region.details.as_ref()),
        "events_problem": problem(found, region.events.as_ref()),
    })
}

fn storage(found: &AccountFindings, it: &StorageFinding) -> Value {
    let (newest, is_seen) = match &it.result {
        StorageResult::Seen(newest) => (newest.map(utc), true),
        _ => (None, false),
    };
    json!({
        "type": it.target.kind,
        "region": it.target.region,
        "name": it.target.name,
        "prefix": it.target.prefix,
        "last_arrival": newest,
        "missing": matches!(it.result, StorageResult::Missing(_)),
        "problem": (!is_seen).then(|| storage_result(found, &it.result)),
    })
}

fn problem(found: &AccountFindings, error: Option<&ProbeError>) -> Option<String> {
    error.map(|error| remedy(found, error))
}
