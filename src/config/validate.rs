//! Raw text → [`Config`]: each level by itself, then how they fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::account::{Common, account};
use super::defaults;
use super::doubles;
use super::error::Error;
use super::key_path::KeyPath;
use super::layers::Places;
use super::level::Level;
use super::lists::{self, Members};
use super::organizations::organization;
use super::overrides::in_variable;
use super::quoted::variable_in_quotes;
use super::raw::{RawConfig, RawHttp, RawPoll, RawState};
use super::shapes::Mapping;
use super::types::{Config, Http, Poll};
use super::values;
use crate::proxy::{self, Proxy};
use crate::shard::Shard;

/// The whole configuration.
pub(super) fn config(
    raw: RawConfig,
    places: &Places,
    environment: &BTreeMap<String, String>,
) -> Result<Config, Error> {
    let http = http(&raw.http.0, places, environment)?;
    let state_file = state_file(&raw.state.0, places, environment)?;
    let common = Common {
        poll: poll(&raw.poll.0, places)?,
        details_interval: details_interval(&raw.poll.0, places)?,
        trusted_storage_accounts: trusted(&raw, places)?,
    };
    account_files(&raw, places)?;
    check_names(&raw, places)?;
    let top = Level::top(&raw, places)?;
    let defaults = Level::defaults(&raw.defaults.0, places)?;
    let mut warnings = [&top.warnings[..], &defaults.warnings[..]].concat();
    let mut accounts = Vec::new();
    for (name, Mapping(own)) in &raw.accounts.0 {
        let own = Level::of_account(own, &KeyPath::from(["accounts", name]), places)?;
        let account = account(name, [&own, &defaults, &top], &common, places)?;
        if let Some(message) = variable_in_quotes(&account.credentials, environment) {
            return Err(places.refuse(&KeyPath::from(["accounts", name]), message));
        }
        accounts.push(account);
        warnings.extend(own.warnings);
    }
    let mut organizations = Vec::new();
    for (name, Mapping(own)) in raw.organizations.0 {
        let around = [&defaults, &top];
        let (organization, more) = organization(&name, own, around, &common, places)?;
        if let Some(message) = variable_in_quotes(&organization.member.credentials, environment) {
            return Err(places.refuse(&KeyPath::from(["organizations", &name]), message));
        }
        organizations.push(organization);
        warnings.extend(more);
    }
    warnings.extend(doubles::warnings(&accounts));
    warnings.extend(proxy_warning(&http, environment));
    Ok(Config {
        http,
        state_file,
        accounts,
        organizations,
        shard: Shard::ALONE,
        warnings,
    })
}

fn poll(raw: &RawPoll, places: &Places) -> Result<Poll, Error> {
    let path = KeyPath::from(["poll"]);
    let timeout = |text: &_| values::duration_from(text, defaults::LEAST_TIMEOUT);
    let attempts = |text: &_| values::whole_number(text, 1, defaults::MOST_ATTEMPTS);
    let page_size = |text: &_| values::whole_number(text, 1, defaults::MOST_PAGE_SIZE);
    let mut poll = defaults::POLL;
    if let Some(set) = places.value(raw.timeout.as_ref(), &path, "timeout", timeout)? {
        poll.timeout = set;
    }
    if let Some(set) = places.value(raw.attempts.as_ref(), &path, "attempts", attempts)? {
        poll.attempts = set;
    }
    if let Some(set) = places.value(raw.page_size.as_ref(), &path, "page_size", page_size)? {
        poll.page_size = set;
    }
    let stale_after = raw.stale_after.as_ref();
    if let Some(set) = places.value(stale_after, &path, "stale_after", values::duration)? {
        poll.stale_after = set;
    }
    let tombstone_for = raw.tombstone_for.as_ref();
    if let Some(set) = places.value(tombstone_for, &path, "tombstone_for", values::duration)? {
        poll.tombstone_for = set;
    }
    let max_tracks = |text: &_| values::whole_number(text, 1, defaults::MOST_TRACKS);
    if let Some(set) = places.value(raw.max_tracks.as_ref(), &path, "max_tracks", max_tracks)? {
        poll.max_tracks =
            usize::try_from(set).expect("the most that is taken is far below what a usize holds");
    }
    let offset = raw.create_time_offset.as_ref();
    if let Some(set) = places.value(offset, &path, "create_time_offset", values::offset)? {
        poll.create_time_offset = set;
    }
    let accept = raw.accept_short_listings.as_ref();
    if let Some(set) = places.value(accept, &path, "accept_short_listings", values::boolean)? {
        poll.accept_short_listings = set;
    }
    Ok(poll)
}

fn details_interval(raw: &RawPoll, places: &Places) -> Result<Option<Duration>, Error> {
    const KEY: &str = "details_interval";
    let path = KeyPath::from(["poll"]);
    let least = |text: &_| values::duration_from(text, defaults::LEAST_INTERVAL);
    places.value(raw.details_interval.as_ref(), &path, KEY, least)
}

fn http(
    raw: &RawHttp,
    places: &Places,
    environment: &BTreeMap<String, String>,
) -> Result<Http, Error> {
    let path = KeyPath::from(["http"]);
    let ca_file = |text: &str| Ok(places.beside(&path.key("ca_file"), text));
    let proxy = match places.value(raw.proxy.as_ref(), &path, "proxy", Proxy::parse)? {
        Some(proxy) => Some(proxy),
        None => Proxy::of_environment(environment)
            .map_err(|bad| Error::of_variable(bad.name, &KeyPath::default(), bad.message))?,
    };
    Ok(Http {
        ca_file: places.value(raw.ca_file.as_ref(), &path, "ca_file", ca_file)?,
        proxy: proxy.map(|proxy| proxy.with_exemptions_of(environment)),
    })
}

/// Warns of a variable that is mistaken for the proxy of all calls.
fn proxy_warning(http: &Http, environment: &BTreeMap<String, String>) -> Option<String> {
    let variable = proxy::unused_variable(environment)?;
    http.proxy.is_none().then(|| {
        format!(
            "{variable} is for plain HTTP, and calls to the cloud use HTTPS: they go out directly; set https_proxy or http.proxy if they should not"
        )
    })
}

/// Where systemd keeps the state of a unit, it says so; nobody else sets the variable.
fn state_file(
    raw: &RawState,
    places: &Places,
    environment: &BTreeMap<String, String>,
) -> Result<Option<PathBuf>, Error> {
    const FOLDERS: &str = "STATE_DIRECTORY";
    const NAME: &str = "state.json";
    let path = KeyPath::from(["state"]);
    let file = |text: &str| Ok(places.beside(&path.key("file"), text));
    let set = places.value(raw.file.as_ref(), &path, "file", file)?;
    let by_systemd = || {
        let folder = environment.get(FOLDERS)?.split(':').next()?;
        (!folder.is_empty()).then(|| Path::new(folder).join(NAME))
    };
    Ok(set.or_else(by_systemd))
}

fn trusted(raw: &RawConfig, places: &Places) -> Result<Arc<BTreeSet<String>>, Error> {
    const ACCOUNTS: Members = Members {
        one: "account",
        many: "accounts",
        most: defaults::MOST_TRUSTED_ACCOUNTS,
    };
    let list = raw.trusted_storage_accounts.as_ref();
    let path = KeyPath::from(["trusted_storage_accounts"]);
    let uins = lists::texts(list, &ACCOUNTS, &path, places, values::uin)?;
    Ok(Arc::new(uins.into_iter().flatten().collect()))
}

/// The files were read with the document; what is left is how the list of them looks.
fn account_files(raw: &RawConfig, places: &Places) -> Result<(), Error> {
    const FILES: Members = Members {
        one: "pattern",
        many: "patterns",
        most: defaults::MOST_ACCOUNT_FILES,
    };
    let list = raw.account_files.as_ref();
    let path = KeyPath::from(["account_files"]);
    lists::texts(list, &FILES, &path, places, values::file_pattern).map(drop)
}

fn check_names(raw: &RawConfig, places: &Places) -> Result<(), Error> {
    const ACCOUNTS: Members = Members {
        one: "account",
        many: "accounts",
        most: defaults::MOST_ACCOUNTS,
    };
    const ORGANIZATIONS: Members = Members {
        one: "organisation",
        many: "organisations",
        most: defaults::MOST_ORGANIZATIONS,
    };
    let accounts = KeyPath::from(["accounts"]);
    if raw.accounts.0.is_empty() && raw.organizations.0.is_empty() {
        let message =
            "no account and no organisation; at least one is needed, as in accounts: {prod: {}}";
        return Err(places.refuse(&accounts, message));
    }
    check_names_of(&ACCOUNTS, &accounts, raw.accounts.0.keys(), places)?;
    let organizations = KeyPath::from(["organizations"]);
    let names = raw.organizations.0.keys();
    check_names_of(&ORGANIZATIONS, &organizations, names, places)
}

fn check_names_of<'n>(
    Members { one, many, most }: &Members,
    path: &KeyPath,
    names: impl ExactSizeIterator<Item = &'n String>,
    places: &Places,
) -> Result<(), Error> {
    if names.len() > *most {
        let message = format!("{} {many}; up to {most} are allowed", names.len());
        return Err(places.refuse(path, message));
    }
    let mut known = BTreeMap::new();
    for name in names {
        let refuse = |why: String| places.refuse_key(&path.key(name), why);
        values::name_of(one, name).map_err(refuse)?;
        if let Some(other) = known.insert(in_variable(name), name) {
            let variable = in_variable(name).to_uppercase();
            return Err(refuse(format!(
                "{other} and {name} would both be {variable} in the environment; rename one"
            )));
        }
    }
    Ok(())
}
