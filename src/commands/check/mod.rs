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
use crate::config::{Account, Config, Http, Organization};
use crate::files::{READ_TIMEOUT, ReadSlot};
use crate::fleet::{Environment, connect, inquire};
use crate::shard::Shard;
use crate::tencent::CaFile;

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

/// Reads `http.ca_file` off the runtime and returns what is wrong with it.
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

/// Says what would be polled, in one of the forms.
pub(super) async fn run(config: &Config, output: CheckOutput) -> Result<(), Failed> {
    let listed = Listed::of(config);
    let text = match output {
        CheckOutput::Text => text::text(&listed, &config.warnings),
        CheckOutput::Json => json::json(&listed, config),
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
    let text = match output {
        CheckOutput::Text => online::text(&findings, part.as_ref(), &config.warnings),
        CheckOutput::Json => online::json(&findings, part.as_ref(), &config.warnings),
    };
    print(vec![text.into()]).await?;
    match online::wrong(&findings) {
        0 => Ok(()),
        _ => Err(Failed::new("not everything can be polled")),
    }
}

fn sorted(regions: &[String]) -> Vec<&String> {
    let mut regions: Vec<&String> = regions.iter().collect();
    regions.sort();
    regions
}
