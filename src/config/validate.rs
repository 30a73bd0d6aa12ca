//! Raw text → [`Config`]: each level by itself, then how they fit together.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::defaults;
use super::error::{Error, quoted};
use super::key_path::KeyPath;
use super::layers::Places;
use super::level::{Interval, Level};
use super::overrides::in_variable;
use super::raw::{RawConfig, RawHttp, RawPoll};
use super::shapes::Mapping;
use super::types::{Account, Config, Credentials, Http, Poll, Site};
use super::values::{self, spell};

/// The whole configuration.
pub(super) fn config(raw: &RawConfig, places: &Places) -> Result<Config, Error> {
    let poll = poll(&raw.poll.0, places)?;
    let http = http(&raw.http.0, places)?;
    check_names(raw, places)?;
    let top = Level::top(raw, places)?;
    let defaults = KeyPath::from(["defaults"]);
    let defaults = Level::of_account(&raw.defaults.0, &defaults, places)?;
    let mut warnings = [&top.warnings[..], &defaults.warnings[..]].concat();
    let mut accounts = Vec::new();
    for (name, Mapping(own)) in &raw.accounts.0 {
        let own = Level::of_account(own, &KeyPath::from(["accounts", name]), places)?;
        accounts.push(account(name, [&own, &defaults, &top], poll, places)?);
        warnings.extend(own.warnings);
    }
    Ok(Config {
        http,
        accounts,
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
    let offset = raw.create_time_offset.as_ref();
    if let Some(set) = places.value(offset, &path, "create_time_offset", values::offset)? {
        poll.create_time_offset = set;
    }
    Ok(poll)
}

fn http(raw: &RawHttp, places: &Places) -> Result<Http, Error> {
    let path = KeyPath::from(["http"]);
    let folder = Path::new(places.name()).parent().unwrap_or(Path::new(""));
    let beside_the_file = |text: &str| Ok(folder.join(text));
    let proxy = |text: &str| values::proxy(text).map(SecretString::from);
    Ok(Http {
        ca_file: places.value(raw.ca_file.as_ref(), &path, "ca_file", beside_the_file)?,
        proxy: places.value(raw.proxy.as_ref(), &path, "proxy", proxy)?,
    })
}

fn check_names(raw: &RawConfig, places: &Places) -> Result<(), Error> {
    let accounts = KeyPath::from(["accounts"]);
    let names = raw.accounts.0.keys();
    if names.len() == 0 {
        let message = "no account; at least one is needed, as in accounts: {prod: {}}";
        return Err(places.refuse(&accounts, message));
    }
    if names.len() > defaults::MOST_ACCOUNTS {
        let most = defaults::MOST_ACCOUNTS;
        let message = format!("{} accounts; up to {most} are allowed", names.len());
        return Err(places.refuse(&accounts, message));
    }
    let mut known = BTreeMap::new();
    for name in names {
        let refuse = |why: String| places.refuse_key(&accounts.key(name), why);
        values::account_name(name).map_err(refuse)?;
        if let Some(other) = known.insert(in_variable(name), name) {
            let variable = in_variable(name).to_uppercase();
            return Err(refuse(format!(
                "{other} and {name} would both be {variable} in the environment; rename one"
            )));
        }
    }
    Ok(())
}

/// An account from its own level, `defaults` and the top level: the nearest comes first.
fn account(name: &str, levels: [&Level; 3], poll: Poll, places: &Places) -> Result<Account, Error> {
    let site = levels.iter().find_map(|level| level.site);
    let site = site.unwrap_or_default();
    // A site brings its endpoint along, so the nearest level with either of them decides.
    let endpoint = levels.iter().find_map(|level| {
        let of_site = || level.site.map(Site::endpoint);
        level.endpoint.clone().or_else(of_site)
    });
    let rate = levels.iter().find_map(|level| level.requests_per_second);
    let regions = levels.iter().find_map(|level| level.regions.clone());
    let credentials = levels.iter().find_map(|level| level.credentials.clone());
    let farthest_first = levels.iter().rev();
    Ok(Account {
        name: name.to_owned(),
        regions: regions.unwrap_or_else(|| vec![defaults::REGION.to_owned()]),
        site,
        endpoint: endpoint.unwrap_or_else(|| site.endpoint()),
        labels: farthest_first
            .flat_map(|level| level.labels.clone())
            .collect(),
        interval: fitting_interval(levels, &poll, places)?,
        requests_per_second: rate.unwrap_or(defaults::REQUESTS_PER_SECOND),
        poll,
        credentials: credentials.unwrap_or(Credentials::Default),
    })
}

/// The interval, which no request may outlast and which must leave room to age in. Where the
/// interval is built in, the setting that does not fit it is to blame.
fn fitting_interval(levels: [&Level; 3], poll: &Poll, places: &Places) -> Result<Duration, Error> {
    let set = levels.iter().find_map(|level| level.interval.as_ref());
    let interval = set.map_or(defaults::INTERVAL, |set| set.value);
    let refuse = |key: &str, other: Duration, wrong: [&str; 2], rule: &str| {
        let other = spell(other);
        if let Some(Interval { path, text, .. }) = set {
            let why = format!(
                "{} is {} poll.{key} ({other}); {rule}",
                quoted(text),
                wrong[0]
            );
            places.refuse(path, why)
        } else {
            let interval = spell(interval);
            let why = format!("{other} is {} the interval ({interval}); {rule}", wrong[1]);
            places.refuse(&KeyPath::from(["poll", key]), why)
        }
    };
    if interval < poll.timeout {
        let wrong = ["shorter than", "longer than"];
        let rule = "an interval is at least the timeout";
        return Err(refuse("timeout", poll.timeout, wrong, rule));
    }
    let intervals = defaults::LEAST_STALE_INTERVALS;
    if poll.stale_after < interval.saturating_mul(intervals) {
        let wrong = ["too long for", "too short for"];
        let rule = format!("stale_after is at least {intervals} intervals");
        return Err(refuse("stale_after", poll.stale_after, wrong, &rule));
    }
    Ok(interval)
}
