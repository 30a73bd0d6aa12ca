//! Raw text → [`Config`]: each level by itself, then how they fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::credentials::Credentials;
use super::defaults;
use super::error::{Error, quoted};
use super::key_path::KeyPath;
use super::layers::Places;
use super::level::{Interval, Level};
use super::lists::{self, Members};
use super::overrides::in_variable;
use super::raw::{RawConfig, RawHttp, RawPoll, RawState};
use super::secret::Secret;
use super::shapes::Mapping;
use super::types::{Account, Config, Http, Poll, Site};
use super::values::{self, spell};

/// The whole configuration.
pub(super) fn config(
    raw: &RawConfig,
    places: &Places,
    environment: &BTreeMap<String, String>,
) -> Result<Config, Error> {
    let poll = poll(&raw.poll.0, places)?;
    let http = http(&raw.http.0, places)?;
    let state_file = state_file(&raw.state.0, places, environment)?;
    let common = Common {
        poll,
        trusted_storage_accounts: trusted(raw, places)?,
    };
    check_names(raw, places)?;
    let top = Level::top(raw, places)?;
    let defaults = KeyPath::from(["defaults"]);
    let defaults = Level::of_account(&raw.defaults.0, &defaults, places)?;
    let mut warnings = [&top.warnings[..], &defaults.warnings[..]].concat();
    let mut accounts = Vec::new();
    for (name, Mapping(own)) in &raw.accounts.0 {
        let own = Level::of_account(own, &KeyPath::from(["accounts", name]), places)?;
        accounts.push(account(name, [&own, &defaults, &top], &common, places)?);
        warnings.extend(own.warnings);
    }
    Ok(Config {
        http,
        state_file,
        accounts,
        organizations: Vec::new(),
        warnings,
    })
}

/// What all accounts have alike.
struct Common {
    poll: Poll,
    trusted_storage_accounts: Arc<BTreeSet<String>>,
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
    Ok(poll)
}

fn http(raw: &RawHttp, places: &Places) -> Result<Http, Error> {
    let path = KeyPath::from(["http"]);
    let ca_file = |text: &str| Ok(beside_the_file(text, places));
    let proxy = |text: &str| values::proxy(text).map(Secret::from);
    Ok(Http {
        ca_file: places.value(raw.ca_file.as_ref(), &path, "ca_file", ca_file)?,
        proxy: places.value(raw.proxy.as_ref(), &path, "proxy", proxy)?,
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
    let file = |text: &str| Ok(beside_the_file(text, places));
    let set = places.value(raw.file.as_ref(), &path, "file", file)?;
    let by_systemd = || {
        let folder = environment.get(FOLDERS)?.split(':').next()?;
        (!folder.is_empty()).then(|| Path::new(folder).join(NAME))
    };
    Ok(set.or_else(by_systemd))
}

fn beside_the_file(text: &str, places: &Places) -> PathBuf {
    let folder = Path::new(places.name()).parent();
    folder.unwrap_or(Path::new("")).join(text)
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
fn account(
    name: &str,
    levels: [&Level; 3],
    common: &Common,
    places: &Places,
) -> Result<Account, Error> {
    let poll = common.poll;
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
    let expected = levels
        .iter()
        .find_map(|level| level.expected_tracks.clone());
    let required = levels.iter().find_map(|level| level.track_required);
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
        assume_role: None,
        uin: None,
        sts_endpoint: site.sts_endpoint(),
        organization: None,
        details_interval: None,
        expected_tracks: expected.unwrap_or_default(),
        track_required: required.unwrap_or(true),
        trusted_storage_accounts: Arc::clone(&common.trusted_storage_accounts),
    })
}

/// The interval, which no request may outlast, and in which nothing ages out and no tombstone ends. Where the
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
    if poll.tombstone_for < interval {
        let wrong = ["longer than", "shorter than"];
        let rule = "tombstone_for is at least the interval";
        return Err(refuse("tombstone_for", poll.tombstone_for, wrong, rule));
    }
    Ok(interval)
}
