//! The command `check`: prints what the exporter would poll. Only `--online` sends requests.

// The configuration, as text, JSON and CAM policies.
mod json;
mod policy;
mod storage_policy;
mod text;

// The files that it names.
mod named_files;

// The results of the requests, and remedies.
mod online;
mod remedy;

use std::fmt;

use serde_json::{Value, json};
use tracing::warn;

use self::online::Counts;
use super::{CommandError, print};
use crate::cli::{CheckOutput, Flags};
use crate::clock::Clock;
use crate::config::{Account, Config, Organization};
use crate::escape::{visible_json, visible_lines};
use crate::fleet::{Environment, transport_factory};
use crate::probe::probe;
use crate::shard::Shard;
use crate::web_config::WebConfig;

/// The accounts and organizations of this shard, sorted by name.
struct Selection<'c> {
    accounts: Vec<&'c Account>,
    organizations: Vec<&'c Organization>,
    part: Option<Part>,
    keeps_state: bool,
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
            keeps_state: config.state_file.is_some(),
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

/// Returns the warnings of the files that the configuration and the flags name.
///
/// # Errors
///
/// The file of `--web.config.file` is invalid.
pub(super) async fn file_warnings(
    config: &Config,
    flags: &Flags,
    environment: &Environment,
) -> Result<Vec<String>, CommandError> {
    let mut warnings = named_files::warnings(config, environment).await;
    if let Some(file) = flags.web_config_file() {
        let found = WebConfig::check(file).await;
        warnings.extend(found.map_err(CommandError::bad_configuration)?);
    }
    Ok(warnings)
}

/// Prints text or JSON, which has names of files, tracks and members.
async fn print_visibly(text: &str, output: CheckOutput) -> Result<(), CommandError> {
    let text = match output {
        CheckOutput::Text => visible_lines(text).into_owned(),
        CheckOutput::Json => visible_json(text),
    };
    print(vec![text.into()]).await
}

/// Prints what the exporter would poll.
pub(super) async fn run(config: &Config, output: CheckOutput) -> Result<(), CommandError> {
    let selection = Selection::of(config);
    let warnings = warnings(config, &[]);
    let text = match output {
        CheckOutput::Text => text::text(&selection, &warnings),
        CheckOutput::Json => json::json(&selection, config, &warnings),
    };
    print_visibly(&text, output).await
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

/// Tries each kind of request that the configuration needs, and prints the results. With `strict`,
/// these are errors too: tracks that are not enabled, storage targets that do not exist, and
/// expected tracks that are missing or different.
pub(super) async fn online(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    output: CheckOutput,
    strict: bool,
) -> Result<(), CommandError> {
    let findings = probe(config, environment, clock, transport_factory()).await?;
    let part = Part::of(config, findings.accounts.len());
    let warnings = warnings(config, &findings.warnings);
    let text = match output {
        CheckOutput::Text => online::text(&findings, part.as_ref(), &warnings),
        CheckOutput::Json => online::json(&findings, part.as_ref(), &warnings),
    };
    print_visibly(&text, output).await?;
    match Counts::of(&findings) {
        Counts { problems: 1.., .. } => Err(CommandError::new("some requests failed")),
        Counts {
            missing_storage: 1..,
            ..
        } if strict => Err(CommandError::new("some storage targets do not exist")),
        Counts { off: 1.., .. } if strict => Err(CommandError::new("some tracks are not enabled")),
        Counts {
            unexpected: 1.., ..
        } if strict => Err(CommandError::new(
            "some expected tracks are missing or different",
        )),
        Counts { .. } => Ok(()),
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
            "organization {}: without poll.details_interval, the organization's tracks do not count for members, and each \
             member without an enabled track causes an alert; set poll.details_interval, or track_required: false",
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
