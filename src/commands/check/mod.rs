//! The command `check`: prints what the exporter would poll. Only `--online` sends requests.

// The configuration, as text, JSON and CAM policies.
mod json;
mod policy;
mod text;

// The results of the requests, and remedies.
mod online;
mod remedy;

use std::fmt;

use serde_json::{Value, json};
use tracing::warn;

use super::{CommandError, print};
use crate::cli::CheckOutput;
use crate::clock::Clock;
use crate::config::{Account, Config, Http, Organization};
use crate::files::{READ_TIMEOUT, ReadSlot};
use crate::fleet::{Environment, transport_factory};
use crate::probe::probe;
use crate::shard::Shard;
use crate::tencent::CaFile;

/// The accounts and organizations of this shard, sorted by name.
struct Selection<'c> {
    accounts: Vec<&'c Account>,
    organizations: Vec<&'c Organization>,
    part: Option<Part>,
}

impl<'c> Selection<'c> {
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

/// How many of the configured accounts this shard polls, if there are several shards.
struct Part {
    shard: Shard,
    accounts: usize,
    of: usize,
    has_organizations: bool,
}

impl Part {
    fn of(config: &Config, accounts: usize) -> Option<Self> {
        config.shard.is_sharded().then_some(Self {
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

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shard,
            accounts,
            of,
            has_organizations,
        } = self;
        let members = if *has_organizations {
            ", and a part of each organization's members"
        } else {
            ""
        };
        write!(
            f,
            "{shard}: {accounts} of {of} configured accounts{members}"
        )
    }
}

/// Reads `http.ca_file` off the runtime and returns its warnings.
pub(super) async fn ca_file_warnings(http: &Http) -> Vec<String> {
    let Some(file) = http.ca_file.clone() else {
        return Vec::new();
    };
    let at = format!("http.ca_file {}", file.display());
    let read = move || CaFile::read(&file);
    match ReadSlot::default().run(READ_TIMEOUT, read).await {
        Ok(Ok(file)) => file.warnings,
        Ok(Err(error)) => vec![error],
        Err(error) => vec![format!("{at}: {error}")],
    }
}

/// Prints what the exporter would poll.
pub(super) async fn run(config: &Config, output: CheckOutput) -> Result<(), CommandError> {
    let selection = Selection::of(config);
    let warnings = warnings(config, &[]);
    let text = match output {
        CheckOutput::Text => text::text(&selection, &warnings),
        CheckOutput::Json => json::json(&selection, config, &warnings),
    };
    print(vec![text.into()]).await
}

/// Prints the CAM policies that the exporter needs.
pub(super) async fn policy(config: &Config) -> Result<(), CommandError> {
    let selection = Selection::of(config);
    if let Some(part) = &selection.part {
        // Logged rather than printed: the output is pasted into the console.
        warn!("{part}; run without --total-shards for the policies of all accounts");
    }
    print(vec![policy::policies(&selection).into()]).await
}

/// Sends one request per target and prints the results.
pub(super) async fn online(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    output: CheckOutput,
) -> Result<(), CommandError> {
    let findings = probe(config, environment, clock, transport_factory()).await?;
    let part = Part::of(config, findings.accounts.len());
    let warnings = warnings(config, &findings.warnings);
    let text = match output {
        CheckOutput::Text => online::text(&findings, part.as_ref(), &warnings),
        CheckOutput::Json => online::json(&findings, part.as_ref(), &warnings),
    };
    print(vec![text.into()]).await?;
    match online::problems(&findings) {
        0 => Ok(()),
        _ => Err(CommandError::new("some targets cannot be polled")),
    }
}

/// Returns the warnings of the configuration and of `found`, and a warning for each organization
/// whose own tracks stay unknown.
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
