//! `check`: what a configuration asks for; without asking anybody, unless that is wished.

// What it says, in its forms.
mod json;
mod policy;
mod text;

// What the cloud says to it, in its forms, and the way out of what is wrong.
mod online;
mod remedy;

use std::fmt;

use serde_json::{Value, json};
use tracing::warn;

use super::{Failed, print};
use crate::cli::CheckOutput;
use crate::clock::Clock;
use crate::config::{Account, Config, Organization};
use crate::fleet::{Environment, connect, inquire};
use crate::shard::Shard;

/// What this shard polls, in the order of the names.
struct Listed<'c> {
    accounts: Vec<&'c Account>,
    organizations: Vec<&'c Organization>,
    part: Option<Part>,
}

impl<'c> Listed<'c> {
    fn of(config: &'c Config) -> Self {
        let mut accounts: Vec<&Account> = config.own_accounts().collect();
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        let mut organizations: Vec<&Organization> = config.organizations.iter().collect();
        organizations.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            part: Part::of(config, accounts.len()),
            accounts,
            organizations,
        }
    }
}

/// What a shard polls of all that the configuration names, where there are other shards.
struct Part {
    shard: Shard,
    accounts: usize,
    of: usize,
    has_organizations: bool,
}

impl Part {
    fn of(config: &Config, accounts: usize) -> Option<Self> {
        config.shard.has_others().then_some(Self {
            shard: config.shard,
            accounts,
            of: config.accounts.len(),
            has_organizations: !config.organizations.is_empty(),
        })
    }

    fn json(&self) -> Value {
        json!({
            "ordinal": self.shard.ordinal(),
            "total": self.shard.total(),
            "accounts_of_all_shards": self.of,
        })
    }
}

/// A line for people.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shard,
            accounts,
            of,
            has_organizations,
        } = self;
        let members = if *has_organizations {
            ", and its part of each organisation's members"
        } else {
            ""
        };
        write!(
            f,
            "{shard}: {accounts} of {of} configured accounts{members}"
        )
    }
}

/// Says what would be polled, in one of the forms.
pub(super) async fn run(config: &Config, output: CheckOutput) -> Result<(), Failed> {
    let listed = Listed::of(config);
    let warnings = warnings(config, &[]);
    let text = match output {
        CheckOutput::Text => text::text(&listed, &warnings),
        CheckOutput::Json => json::json(&listed, config, &warnings),
    };
    print(vec![text.into()]).await
}

/// Says what whoever asks must be allowed.
pub(super) async fn policy(config: &Config) -> Result<(), Failed> {
    let listed = Listed::of(config);
    if let Some(part) = &listed.part {
        // Not among what is pasted.
        warn!("{part}; without --total-shards these are the policies for all");
    }
    print(vec![policy::policies(&listed).into()]).await
}

/// Asks the cloud about everything once, and says what it found.
pub(super) async fn online(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    output: CheckOutput,
) -> Result<(), Failed> {
    let findings = inquire(config, environment, clock, connect()).await?;
    let part = Part::of(config, findings.accounts.len());
    let warnings = warnings(config, &findings.warnings);
    let text = match output {
        CheckOutput::Text => online::text(&findings, part.as_ref(), &warnings),
        CheckOutput::Json => online::json(&findings, part.as_ref(), &warnings),
    };
    print(vec![text.into()]).await?;
    match online::wrong(&findings) {
        0 => Ok(()),
        _ => Err(Failed::new("not everything can be polled")),
    }
}

/// The warnings of the configuration, what was found besides, and organizations whose own tracks
/// stay unknown.
fn warnings(config: &Config, found: &[String]) -> Vec<String> {
    let is_blind = |organization: &&Organization| {
        let member = &organization.member;
        member.details_interval.is_none() && member.track_required
    };
    let blind = config.organizations.iter().filter(is_blind);
    let blind = blind.map(|organization| {
        format!(
            "organization {}: without poll.details_interval the organization's own tracks are not known, and each \
             member that only they cover causes an alert; set poll.details_interval, or track_required: false",
            organization.name
        )
    });
    let warnings = config.warnings.iter().chain(found).cloned();
    warnings.chain(blind).collect()
}

fn sorted(regions: &[String]) -> Vec<&String> {
    let mut regions: Vec<&String> = regions.iter().collect();
    regions.sort();
    regions
}
