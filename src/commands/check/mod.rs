//! `check`: what a configuration asks for; without asking anybody, unless that is wished.

// What it says, in its forms.
mod json;
mod policy;
mod text;

// What the cloud says to it, in its forms, and the way out of what is wrong.
mod online;
mod remedy;

use std::io::{self, Write};

use super::Failed;
use crate::cli::CheckOutput;
use crate::clock::Clock;
use crate::config::{Account, Config, Organization};
use crate::fleet::{Environment, connect, inquire};

/// What is polled, in the order of the names.
struct Listed<'c> {
    accounts: Vec<&'c Account>,
    organizations: Vec<&'c Organization>,
}

impl<'c> Listed<'c> {
    fn of(config: &'c Config) -> Self {
        let mut accounts: Vec<&Account> = config.accounts.iter().collect();
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        let mut organizations: Vec<&Organization> = config.organizations.iter().collect();
        organizations.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            accounts,
            organizations,
        }
    }
}

/// Says what would be polled, in one of the forms.
pub(super) fn run(config: &Config, output: CheckOutput) -> Result<(), Failed> {
    let listed = Listed::of(config);
    print(&match output {
        CheckOutput::Text => text::text(&listed, &config.warnings),
        CheckOutput::Json => json::json(&listed, config),
    })
}

/// Says what whoever asks must be allowed.
pub(super) fn policy(config: &Config) -> Result<(), Failed> {
    print(&policy::policies(&Listed::of(config)))
}

/// Asks the cloud about everything once, and says what it found.
pub(super) async fn online(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    output: CheckOutput,
) -> Result<(), Failed> {
    let findings = inquire(config, environment, clock, Box::new(connect)).await?;
    print(&match output {
        CheckOutput::Text => online::text(&findings, &config.warnings),
        CheckOutput::Json => online::json(&findings, &config.warnings),
    })?;
    match online::wrong(&findings) {
        0 => Ok(()),
        _ => Err(Failed::new("not everything can be polled")),
    }
}

fn print(text: &str) -> Result<(), Failed> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        // Whoever reads only the first lines has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failed::new(format!("cannot write to stdout: {error}"))),
    }
}

fn sorted(regions: &[String]) -> Vec<&String> {
    let mut regions: Vec<&String> = regions.iter().collect();
    regions.sort();
    regions
}
