//! Warnings about the files that the configuration names. `check` needs none of them, the exporter
//! does.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use tokio::time::{Instant, timeout_at};

use crate::config::{Account, Config, Credentials, Http, LOAD_TIMEOUT};
use crate::escape::visible_path;
use crate::files::{READ_TIMEOUT, ReadSlot, Reads};
use crate::fleet::{Environment, credential_file};
use crate::state;
use crate::tencent::CaFile;

/// The most warnings about key files.
const MAX_WARNINGS: usize = 10;

/// How many key files are read at the same time.
const MAX_CONCURRENT: usize = 16;

/// Returns a warning for each file that cannot be used.
pub(super) async fn warnings(config: &Config, environment: &Environment) -> Vec<String> {
    let mut warnings = ca_file(&config.http).await;
    warnings.extend(state_file(config).await);
    warnings.extend(key_files(config, environment).await);
    warnings
}

/// Reads `http.ca_file` off the runtime and returns its warnings.
async fn ca_file(http: &Http) -> Vec<String> {
    let Some(file) = http.ca_file.clone() else {
        return Vec::new();
    };
    let at = format!("http.ca_file {}", visible_path(&file));
    let read = move || CaFile::read(&file);
    match ReadSlot::default().run(READ_TIMEOUT, read).await {
        Ok(Ok(file)) => file.warnings,
        Ok(Err(error)) => vec![error],
        Err(error) => vec![format!("{at}: {error}")],
    }
}

/// Checks the path of the state file off the runtime and returns its warning.
async fn state_file(config: &Config) -> Option<String> {
    let file = config.state_file.clone()?;
    let at = format!("state.file {}", visible_path(&file));
    let check = move || state::check_path(&file);
    let why = match ReadSlot::default().run(READ_TIMEOUT, check).await {
        Ok(checked) => checked.err()?,
        Err(error) => error.to_string(),
    };
    Some(format!("{at}: {why}"))
}

/// Reads the keys of this shard's accounts and of all organizations that are in files.
async fn key_files(config: &Config, environment: &Environment) -> Vec<String> {
    let deadline = Instant::now() + LOAD_TIMEOUT;
    let reads = Reads::default();
    let owners = owners(config);
    let reading = owners.into_iter().filter_map(|(credentials, owner)| {
        let file = credential_file(credentials, environment, None)?;
        let slot = reads.slot();
        Some(async move {
            let at = file.location();
            let read = slot.run(READ_TIMEOUT, move || file.read().map(drop));
            let why = match timeout_at(deadline, read).await {
                Ok(Ok(Ok(()))) => return None,
                Ok(Ok(Err(why))) => why,
                Ok(Err(error)) => format!("{at}: {error}"),
                Err(_) => format!("{at}: not read within {LOAD_TIMEOUT:?}, the limit for all keys"),
            };
            Some(format!("{owner}: cannot use the key: {why}"))
        })
    });
    let reading: Vec<_> = reading.collect();
    let found: Vec<Option<String>> = stream::iter(reading)
        .buffered(MAX_CONCURRENT)
        .collect()
        .await;
    let mut warnings: Vec<String> = found.into_iter().flatten().collect();
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    warnings.truncate(MAX_WARNINGS);
    if more > 0 {
        warnings.push(format!("{more} more keys cannot be used"));
    }
    warnings
}

/// Returns each credential with its accounts and organizations, in the order of their names.
fn owners(config: &Config) -> Vec<(&Credentials, String)> {
    let mut accounts: Vec<&Account> = config.own_accounts().collect();
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    let accounts = accounts
        .into_iter()
        .map(|it| (&it.credentials, format!("account {}", it.name)));
    let organizations = config.organizations.iter();
    let organizations =
        organizations.map(|it| (&it.member.credentials, format!("organization {}", it.name)));
    let mut owners: Vec<(&Credentials, String, usize)> = Vec::new();
    let mut known = HashMap::new();
    for (credentials, owner) in accounts.chain(organizations) {
        let at = *known.entry(credentials).or_insert_with(|| {
            owners.push((credentials, owner, 0));
            owners.len() - 1
        });
        owners[at].2 += 1;
    }
    let owners = owners.into_iter();
    let describe = |(credentials, first, count)| match count {
        1 => (credentials, first),
        count => (credentials, format!("{first} and {} more", count - 1)),
    };
    owners.map(describe).collect()
}
