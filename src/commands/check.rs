//! `check`: what a configuration asks for, without asking anybody.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Failed;
use crate::cli::CheckOutput;
use crate::config::{Account, Config};
use crate::snapshot::ExpectedTrack;
use crate::tencent::reasons::escaped;

pub(super) fn run(config: &Config, output: CheckOutput) -> Result<(), Failed> {
    let mut accounts: Vec<&Account> = config.accounts.iter().collect();
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    let text = match output {
        CheckOutput::Text => text(&accounts, &config.warnings),
        CheckOutput::Json => json(&accounts, config),
    };
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

/// A line for each target, its columns aligned.
fn text(accounts: &[&Account], warnings: &[String]) -> String {
    let mut rows = vec![
        [
            "ACCOUNT",
            "REGION",
            "ENDPOINT",
            "INTERVAL",
            "CREDENTIALS",
            "REQUIRED",
            "EXPECTED",
            "LABELS",
        ]
        .map(str::to_owned),
    ];
    for account in accounts {
        for region in sorted(&account.regions) {
            rows.push([
                account.name.clone(),
                region.clone(),
                account.endpoint.to_string(),
                humantime::format_duration(account.interval).to_string(),
                account.credentials.kind().to_owned(),
                required(account).to_owned(),
                escaped(&expected(account)),
                escaped(&labels(account)),
            ]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let targets = rows.len() - 1;
    let end = format!(
        "{}, {}\n",
        count(accounts.len(), "account"),
        count(targets, "target")
    );
    let mut end = vec![end];
    end.extend(
        warnings
            .iter()
            .map(|warning| format!("warning: {warning}\n")),
    );
    text + &end.concat()
}

fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

fn json(accounts: &[&Account], config: &Config) -> String {
    let account = |account: &&Account| -> Value {
        json!({
            "account": account.name,
            "site": account.site.as_str(),
            "endpoint": account.endpoint.to_string(),
            "regions": sorted(&account.regions),
            "interval_seconds": account.interval.as_secs_f64(),
            "stale_after_seconds": account.poll.stale_after.as_secs_f64(),
            "tombstone_for_seconds": account.poll.tombstone_for.as_secs_f64(),
            "timeout_seconds": account.poll.timeout.as_secs_f64(),
            "attempts": account.poll.attempts,
            "page_size": account.poll.page_size,
            "max_tracks": account.poll.max_tracks,
            "requests_per_second": account.requests_per_second,
            "credentials": account.credentials.kind(),
            "labels": account.labels,
            "track_required": account.track_required,
            "expected_tracks": account.expected_tracks.iter().map(expected_track).collect::<Vec<_>>(),
            "trusted_storage_accounts": account.trusted_storage_accounts.as_ref(),
        })
    };
    let accounts: Vec<Value> = accounts.iter().map(account).collect();
    format!(
        "{:#}\n",
        json!({
            "accounts": accounts,
            "state_file": config.state_file,
            "warnings": config.warnings,
        })
    )
}

/// The name, and the fields that must hold.
fn expected_track(track: &ExpectedTrack) -> Value {
    let fields = [
        ("name", Some(&track.name)),
        ("action_type", track.action_type.as_ref()),
        ("resource_type", track.resource_type.as_ref()),
        ("storage_type", track.storage_type.as_ref()),
        ("storage_region", track.storage_region.as_ref()),
        ("storage_name", track.storage_name.as_ref()),
        ("storage_prefix", track.storage_prefix.as_ref()),
        ("storage_account", track.storage_account.as_ref()),
    ];
    let set = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.as_str())));
    set.collect()
}

fn required(account: &Account) -> &'static str {
    if account.track_required { "yes" } else { "no" }
}

/// The names alone, and of many only the first: a line is for people.
fn expected(account: &Account) -> String {
    const SHOWN: usize = 3;
    let tracks = &account.expected_tracks;
    let names = tracks.iter().take(SHOWN).map(|track| track.name.as_str());
    let more = (tracks.len() > SHOWN).then_some("…");
    let names: Vec<&str> = names.chain(more).collect();
    if names.is_empty() {
        "-".into()
    } else {
        names.join(",")
    }
}

fn labels(account: &Account) -> String {
    let pairs = account
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

fn sorted(regions: &[String]) -> Vec<&String> {
    let mut regions: Vec<&String> = regions.iter().collect();
    regions.sort();
    regions
}
