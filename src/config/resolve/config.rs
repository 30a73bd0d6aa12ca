//! The whole configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::account::{Account, Poll};
use super::super::defaults;
use super::super::document::{Document, Node};
use super::super::duplicates;
use super::super::key_path::KeyPath;
use super::super::keys::{AccountKeys, CommonKeys, ConfigKeys, HttpKeys, PollKeys};
use super::super::quoted::variable_in_quotes;
use super::super::reader::Reader;
use super::super::types::{Config, Http};
use super::account::{SharedSettings, account};
use super::layers::SettingsLayer;
use super::organization::organization;
use crate::proxy::{self, Proxy};
use crate::shard::Shard;

/// Reads the document, and reports every fault to `reader`. The result is complete only if there is
/// none.
pub(in crate::config) fn config(
    reader: &mut Reader,
    environment: &BTreeMap<String, String>,
) -> Config {
    let document = reader.document();
    let mut keys = ConfigKeys::of_entries(document.entries(), reader);
    check_accounts(document, reader);
    let http = http(keys.http.take(), reader, environment);
    let state_file = keys.state.take().and_then(|state| state.file);
    let state_file = state_file.map(|file| file.path);
    let keep_changes = keys.changes.take().and_then(|changes| changes.keep);
    let poll_keys = keys.poll.take().unwrap_or_default();
    let trusted = keys.trusted_storage_accounts.take();
    let shared = SharedSettings {
        poll: poll(&poll_keys),
        details_interval: poll_keys.details_interval,
        trusted_storage_accounts: Arc::new(trusted.into_iter().flatten().collect()),
    };
    let accounts = keys.accounts.take().unwrap_or_default();
    let organizations = keys.organizations.take().unwrap_or_default();
    let mut config = Config {
        keep_changes: keep_changes.unwrap_or(defaults::KEEP_CHANGES) as usize,
        state_file: state_file.or_else(|| state_file_of_systemd(environment)),
        accounts: Vec::with_capacity(accounts.len()),
        organizations: Vec::with_capacity(organizations.len()),
        shard: Shard::ALONE,
        warnings: proxy_warning(&http, environment).into_iter().collect(),
        http,
    };
    // Accounts depend on everything else, so their checks need all of it.
    if !reader.has_faults_only_below(&["accounts", "organizations"]) {
        return config;
    }
    let [defaults, top] = common_layers(keys, poll_keys.interval);
    for (name, keys) in accounts {
        let path = KeyPath::from(["accounts", &name]);
        let own = SettingsLayer { path, keys };
        let account = account(&name, [&own, &defaults, &top], &shared, reader);
        if let Some(why) = variable_in_quotes(&account.credentials, environment) {
            reader.refuse_at(&own.path, why);
        }
        config.accounts.push(Arc::new(account));
    }
    for (name, keys) in organizations {
        let organization = organization(&name, keys, [&defaults, &top], &shared, reader);
        let Some(organization) = organization else {
            continue;
        };
        if let Some(why) = variable_in_quotes(&organization.member.credentials, environment) {
            reader.refuse_at(&KeyPath::from(["organizations", &name]), why);
        }
        config.organizations.push(organization);
    }
    config
        .warnings
        .splice(0..0, duplicates::warnings(&config.accounts));
    warn_of_unused_endpoints(&config, [&defaults, &top], reader);
    config
}

/// Warns of an endpoint that has no effect, because every account sets a site or an endpoint that is
/// nearer.
fn warn_of_unused_endpoints(config: &Config, layers: [&SettingsLayer; 2], reader: &mut Reader) {
    let members = config.organizations.iter().map(|it| &it.member);
    let accounts: Vec<&Account> = config
        .accounts
        .iter()
        .map(AsRef::as_ref)
        .chain(members)
        .collect();
    // The top level has no path of its own. The layer has the path of its interval.
    for (layer, path) in layers
        .into_iter()
        .zip([KeyPath::from(["defaults"]), KeyPath::default()])
    {
        let keys = &layer.keys.common;
        let endpoints = [
            (
                "endpoint",
                &keys.endpoint,
                accounts.iter().map(|it| &it.endpoint).collect::<Vec<_>>(),
            ),
            (
                "sts_endpoint",
                &keys.sts_endpoint,
                accounts.iter().map(|it| &it.sts_endpoint).collect(),
            ),
        ];
        for (key, endpoint, used) in endpoints {
            if endpoint
                .as_ref()
                .is_some_and(|endpoint| !used.contains(&endpoint))
            {
                let path = path.key(key);
                reader.warn_at(
                    &path,
                    format!("no account uses {path}: each account has its own site or endpoint, or the one of defaults; remove the setting that you do not need"),
                );
            }
        }
    }
}

/// Returns `defaults` and the top level, whose interval is below `poll`.
fn common_layers(keys: ConfigKeys, interval: Option<Duration>) -> [SettingsLayer; 2] {
    let defaults = SettingsLayer {
        path: KeyPath::from(["defaults"]),
        keys: keys.defaults.unwrap_or_default(),
    };
    let top = SettingsLayer {
        path: KeyPath::from(["poll"]),
        keys: AccountKeys {
            common: CommonKeys {
                site: keys.site,
                endpoint: keys.endpoint,
                sts_endpoint: keys.sts_endpoint,
                rate_limit: keys.rate_limit,
                interval,
                attribution: keys.attribution,
                delivery: keys.delivery,
                ..CommonKeys::default()
            },
            ..AccountKeys::default()
        },
    };
    [defaults, top]
}

fn check_accounts(document: &Document, reader: &mut Reader) {
    let is_empty = |key: &str| match document.get(&KeyPath::from([key])) {
        Some(Node { value, .. }) => value.is_empty_map(),
        None => true,
    };
    if is_empty("accounts") && is_empty("organizations") {
        let why = "no account and no organization; add at least one, as in accounts: {prod: {}}";
        reader.refuse_at(&KeyPath::from(["accounts"]), why);
    }
}

fn poll(keys: &PollKeys) -> Poll {
    let default = defaults::POLL;
    Poll {
        timeout: keys.timeout.unwrap_or(default.timeout),
        attempts: keys.attempts.unwrap_or(default.attempts),
        page_size: keys.page_size.unwrap_or(default.page_size),
        stale_after: keys.stale_after.unwrap_or(default.stale_after),
        tombstone_for: keys.tombstone_for.unwrap_or(default.tombstone_for),
        max_tracks: keys
            .max_tracks
            .map_or(default.max_tracks, |most| most as usize),
        create_time_offset: keys
            .create_time_offset
            .unwrap_or(default.create_time_offset),
        accept_short_listings: (keys.accept_short_listings)
            .unwrap_or(default.accept_short_listings),
    }
}

fn http(
    keys: Option<HttpKeys>,
    reader: &mut Reader,
    environment: &BTreeMap<String, String>,
) -> Http {
    let keys = keys.unwrap_or_default();
    let proxy = keys
        .proxy
        .or_else(|| match Proxy::from_environment(environment) {
            Ok(proxy) => proxy,
            Err(bad) => {
                reader.refuse_variable(bad.name, bad.message);
                None
            }
        });
    Http {
        ca_file: keys.ca_file.map(|file| file.path),
        proxy: proxy.map(|proxy| proxy.with_exemptions_of(environment)),
    }
}

/// Warns of a variable that has no effect, but looks like the proxy for all requests.
fn proxy_warning(http: &Http, environment: &BTreeMap<String, String>) -> Option<String> {
    let variable = proxy::unused_variable(environment)?;
    http.proxy.is_none().then(|| {
        format!(
            "{variable} applies to plain HTTP only, and requests to the cloud use HTTPS: they bypass the proxy; set https_proxy or http.proxy to use one"
        )
    })
}

/// Returns the state file in the folder that systemd provides; only systemd sets this variable.
fn state_file_of_systemd(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folder = environment.get("STATE_DIRECTORY")?.split(':').next()?;
    (!folder.is_empty()).then(|| Path::new(folder).join("state.json"))
}
