//! Raw text → [`Config`]: every value by itself, then how they fit together.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use super::defaults;
use super::endpoint::Endpoint;
use super::error::{Error, quoted};
use super::key_path::KeyPath;
use super::layers::Places;
use super::overrides::in_variable;
use super::raw::{RawAccount, RawConfig, RawCredentials, RawEnv, RawHttp, RawPoll, RawRateLimit};
use super::shapes::{List, Mapping, Text};
use super::types::{Account, Config, Credentials, Http, Poll, Site};
use super::values::{self, spell};

/// The whole configuration.
pub(super) fn config(raw: &RawConfig, places: &Places) -> Result<Config, Error> {
    let check = Check { places };
    let poll = check.poll(&raw.poll.0)?;
    let http = check.http(&raw.http.0)?;
    check.account_names(raw)?;
    let top = check.top_level(raw)?;
    let defaults = check.level(&raw.defaults.0, &KeyPath::from(["defaults"]))?;
    let mut own = Vec::new();
    for (name, Mapping(account)) in &raw.accounts.0 {
        own.push((
            name,
            check.level(account, &KeyPath::from(["accounts", name]))?,
        ));
    }
    let levels = [&top, &defaults]
        .into_iter()
        .chain(own.iter().map(|(_, level)| level));
    let warnings = levels.flat_map(|level| level.warnings.clone()).collect();
    let accounts = own
        .iter()
        .map(|(name, level)| check.account(name, [level, &defaults, &top], poll))
        .collect::<Result<_, _>>()?;
    Ok(Config {
        http,
        accounts,
        warnings,
    })
}

/// What one level says: the top level, `defaults`, or an account.
#[derive(Default)]
struct Level {
    site: Option<Site>,
    endpoint: Option<Endpoint>,
    interval: Option<Interval>,
    requests_per_second: Option<u32>,
    regions: Option<Vec<String>>,
    labels: BTreeMap<String, String>,
    credentials: Option<Credentials>,
    warnings: Vec<String>,
}

/// An interval, and how to name it in an error.
struct Interval {
    path: KeyPath,
    text: String,
    value: Duration,
}

struct Check<'p> {
    places: &'p Places,
}

impl Check<'_> {
    fn account_names(&self, raw: &RawConfig) -> Result<(), Error> {
        let accounts = KeyPath::from(["accounts"]);
        let names = raw.accounts.0.keys();
        if names.len() == 0 {
            let message = "no account; at least one is needed, as in accounts: {prod: {}}";
            return Err(self.places.refuse(&accounts, message));
        }
        if names.len() > defaults::MOST_ACCOUNTS {
            let most = defaults::MOST_ACCOUNTS;
            let message = format!("{} accounts; up to {most} are allowed", names.len());
            return Err(self.places.refuse(&accounts, message));
        }
        let mut known = BTreeMap::new();
        for name in names {
            let refuse = |why: String| self.places.refuse_key(&accounts.key(name), why);
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

    fn top_level(&self, raw: &RawConfig) -> Result<Level, Error> {
        let root = KeyPath::default();
        let mut level = Level {
            site: self.value(raw.site.as_ref(), &root.key("site"), values::site)?,
            endpoint: self.value(
                raw.endpoint.as_ref(),
                &root.key("endpoint"),
                Endpoint::parse,
            )?,
            interval: self.interval(
                raw.poll.0.interval.as_ref(),
                &KeyPath::from(["poll", "interval"]),
            )?,
            ..Level::default()
        };
        self.rate_limit(&raw.rate_limit.0, &root, &mut level)?;
        Ok(level)
    }

    fn level(&self, raw: &RawAccount, path: &KeyPath) -> Result<Level, Error> {
        let mut level = Level {
            site: self.value(raw.site.as_ref(), &path.key("site"), values::site)?,
            endpoint: self.value(
                raw.endpoint.as_ref(),
                &path.key("endpoint"),
                Endpoint::parse,
            )?,
            interval: self.interval(raw.interval.as_ref(), &path.key("interval"))?,
            regions: self.regions(raw.regions.as_ref(), &path.key("regions"))?,
            labels: self.labels(&raw.labels.0, &path.key("labels"))?,
            ..Level::default()
        };
        self.rate_limit(&raw.rate_limit.0, path, &mut level)?;
        if let Some(Mapping(credentials)) = &raw.credentials {
            self.credentials(credentials, &path.key("credentials"), &mut level)?;
        }
        Ok(level)
    }

    /// A value, or the error with its place.
    fn value<'t, T>(
        &self,
        text: Option<&'t Text>,
        path: &KeyPath,
        read: impl FnOnce(&'t str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let value = text.map(|Text(text)| read(text)).transpose();
        value.map_err(|why| self.places.refuse(path, why))
    }

    fn interval(&self, text: Option<&Text>, path: &KeyPath) -> Result<Option<Interval>, Error> {
        let read = |text: &str| {
            Ok(Interval {
                path: path.clone(),
                text: text.to_owned(),
                value: at_least(text, defaults::LEAST_INTERVAL, "an interval")?,
            })
        };
        self.value(text, path, read)
    }

    fn rate_limit(
        &self,
        raw: &RawRateLimit,
        path: &KeyPath,
        level: &mut Level,
    ) -> Result<(), Error> {
        let path = path.key("rate_limit").key("requests_per_second");
        let number = |text| values::whole_number(text, 1, defaults::MOST_REQUESTS_PER_SECOND);
        level.requests_per_second = self.value(raw.requests_per_second.as_ref(), &path, number)?;
        let allowed = defaults::API_REQUESTS_PER_SECOND;
        if let Some(rate) = level.requests_per_second.filter(|rate| *rate > allowed) {
            let message = format!(
                "{rate} is more than the API allows ({allowed} a second for one identity); it will throttle"
            );
            level.warnings.push(self.places.warning(&path, &message));
        }
        Ok(())
    }

    fn regions(&self, list: Option<&List>, path: &KeyPath) -> Result<Option<Vec<String>>, Error> {
        let Some(List(texts)) = list else {
            return Ok(None);
        };
        if texts.len() > defaults::MOST_REGIONS {
            let message = format!("more than {} regions", defaults::MOST_REGIONS);
            return Err(self.places.refuse(path, message));
        }
        let mut regions: Vec<String> = Vec::new();
        for (index, Text(text)) in texts.iter().enumerate() {
            let refuse = |why: String| self.places.refuse(&path.index(index), why);
            let region = values::region(text).map_err(refuse)?;
            if regions.contains(&region) {
                return Err(refuse(format!(
                    "{} a second time; each region is listed once",
                    quoted(text)
                )));
            }
            regions.push(region);
        }
        Ok(Some(regions))
    }

    fn labels(
        &self,
        raw: &BTreeMap<String, Text>,
        path: &KeyPath,
    ) -> Result<BTreeMap<String, String>, Error> {
        if raw.len() > defaults::MOST_LABELS {
            let message = format!("more than {} labels", defaults::MOST_LABELS);
            return Err(self.places.refuse(path, message));
        }
        let mut labels = BTreeMap::new();
        for (name, Text(text)) in raw {
            let path = path.key(name);
            values::label_name(name).map_err(|why| self.places.refuse_key(&path, why))?;
            let value = values::label_value(text).map_err(|why| self.places.refuse(&path, why))?;
            labels.insert(name.clone(), value);
        }
        Ok(labels)
    }

    fn credentials(
        &self,
        raw: &RawCredentials,
        path: &KeyPath,
        level: &mut Level,
    ) -> Result<(), Error> {
        let inline = [
            ("secret_id", raw.secret_id.as_ref()),
            ("secret_key", raw.secret_key.as_ref()),
            ("token", raw.token.as_ref()),
        ];
        let first_inline = inline.iter().find(|(_, text)| text.is_some());
        let credentials = match (&raw.env, first_inline) {
            (Some(_), Some((key, _))) => {
                let message = "a second source of credentials beside env; exactly one is allowed";
                return Err(self.places.refuse_key(&path.key(*key), message));
            }
            (Some(Mapping(env)), None) => self.env(env, &path.key("env"))?,
            (None, Some(_)) => {
                let in_file = |(key, text): &(&str, Option<&Text>)| {
                    text.is_some() && *key != "secret_id" && self.places.is_in_file(&path.key(*key))
                };
                if inline.iter().any(in_file) {
                    let message = "a secret stands in the file, readable by whoever reads the file; env: keeps it out";
                    level.warnings.push(self.places.warning(path, message));
                }
                self.inline(raw, path)?
            }
            (None, None) => {
                let message = "empty; allowed is one of secret_id with secret_key, or env, or no credentials at all for the default chain";
                return Err(self.places.refuse(path, message));
            }
        };
        level.credentials = Some(credentials);
        Ok(())
    }

    fn inline(&self, raw: &RawCredentials, path: &KeyPath) -> Result<Credentials, Error> {
        let secret_id =
            self.needed(raw.secret_id.as_ref(), path, "secret_id", values::secret_id)?;
        let secret_key =
            self.needed(raw.secret_key.as_ref(), path, "secret_key", values::secret)?;
        let token = self.value(raw.token.as_ref(), &path.key("token"), values::secret)?;
        Ok(Credentials::Inline {
            secret_id: secret_id.to_owned(),
            secret_key: SecretString::from(secret_key),
            token: token.map(SecretString::from),
        })
    }

    fn env(&self, raw: &RawEnv, path: &KeyPath) -> Result<Credentials, Error> {
        let name = values::variable_name;
        Ok(Credentials::Env {
            secret_id: self.needed(raw.secret_id.as_ref(), path, "secret_id", name)?,
            secret_key: self.needed(raw.secret_key.as_ref(), path, "secret_key", name)?,
            token: self.value(raw.token.as_ref(), &path.key("token"), name)?,
        })
    }

    /// A value that its mapping cannot be without.
    fn needed<'t, T>(
        &self,
        text: Option<&'t Text>,
        path: &KeyPath,
        key: &str,
        read: impl FnOnce(&'t str) -> Result<T, String>,
    ) -> Result<T, Error> {
        self.value(text, &path.key(key), read)?.ok_or_else(|| {
            let message = format!("{key} is missing; it is needed with the keys that are here");
            self.places.refuse(path, message)
        })
    }

    fn poll(&self, raw: &RawPoll) -> Result<Poll, Error> {
        let path = |key: &str| KeyPath::from(["poll", key]);
        let timeout = |text| at_least(text, defaults::LEAST_TIMEOUT, "a timeout");
        let attempts = |text| values::whole_number(text, 1, defaults::MOST_ATTEMPTS);
        let page_size = |text| values::whole_number(text, 1, defaults::MOST_PAGE_SIZE);
        let offset = self.value(
            raw.create_time_offset.as_ref(),
            &path("create_time_offset"),
            values::offset,
        )?;
        let builtin = defaults::POLL;
        Ok(Poll {
            timeout: self
                .value(raw.timeout.as_ref(), &path("timeout"), timeout)?
                .unwrap_or(builtin.timeout),
            attempts: self
                .value(raw.attempts.as_ref(), &path("attempts"), attempts)?
                .unwrap_or(builtin.attempts),
            page_size: self
                .value(raw.page_size.as_ref(), &path("page_size"), page_size)?
                .unwrap_or(builtin.page_size),
            stale_after: self
                .value(
                    raw.stale_after.as_ref(),
                    &path("stale_after"),
                    values::duration,
                )?
                .unwrap_or(builtin.stale_after),
            create_time_offset: offset.unwrap_or(builtin.create_time_offset),
        })
    }

    fn http(&self, raw: &RawHttp) -> Result<Http, Error> {
        let path = |key: &str| KeyPath::from(["http", key]);
        let folder = Path::new(self.places.name()).parent();
        let beside_the_file = |text: &str| Ok(folder.unwrap_or(Path::new("")).join(text));
        let proxy = self.value(raw.proxy.as_ref(), &path("proxy"), values::proxy)?;
        Ok(Http {
            ca_file: self.value(raw.ca_file.as_ref(), &path("ca_file"), beside_the_file)?,
            proxy: proxy.map(SecretString::from),
        })
    }

    /// An account from its own level, `defaults` and the top level, the nearest first.
    fn account(&self, name: &str, levels: [&Level; 3], poll: Poll) -> Result<Account, Error> {
        let site = levels
            .iter()
            .find_map(|level| level.site)
            .unwrap_or_default();
        let endpoint = levels
            .iter()
            .find_map(|level| match (&level.endpoint, level.site) {
                (Some(endpoint), _) => Some(endpoint.clone()),
                (None, site) => site.map(Site::endpoint),
            })
            .unwrap_or_else(|| site.endpoint());
        let rates = levels.iter().find_map(|level| level.requests_per_second);
        let regions = levels.iter().find_map(|level| level.regions.clone());
        let credentials = levels.iter().find_map(|level| level.credentials.clone());
        let from_the_farthest = levels.iter().rev();
        let account = Account {
            name: name.to_owned(),
            regions: regions.unwrap_or_else(|| vec![defaults::REGION.to_owned()]),
            site,
            endpoint,
            labels: from_the_farthest
                .flat_map(|level| level.labels.clone())
                .collect(),
            interval: self.fitting_interval(levels, &poll)?,
            requests_per_second: rates.unwrap_or(defaults::REQUESTS_PER_SECOND),
            poll,
            credentials: credentials.unwrap_or(Credentials::Default),
        };
        Ok(account)
    }

    /// The interval, which no request may outlast and which must leave room to age in. Where the
    /// interval is built in, the setting that does not fit it is to blame.
    fn fitting_interval(&self, levels: [&Level; 3], poll: &Poll) -> Result<Duration, Error> {
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
                self.places.refuse(path, why)
            } else {
                let interval = spell(interval);
                let why = format!("{other} is {} the interval ({interval}); {rule}", wrong[1]);
                self.places.refuse(&KeyPath::from(["poll", key]), why)
            }
        };
        if interval < poll.timeout {
            let rule = "an interval is at least the timeout";
            return Err(refuse(
                "timeout",
                poll.timeout,
                ["shorter than", "longer than"],
                rule,
            ));
        }
        let least = interval.saturating_mul(defaults::LEAST_STALE_INTERVALS);
        if poll.stale_after < least {
            let rule = format!(
                "stale_after is at least {} intervals",
                defaults::LEAST_STALE_INTERVALS
            );
            return Err(refuse(
                "stale_after",
                poll.stale_after,
                ["too long for", "too short for"],
                &rule,
            ));
        }
        Ok(interval)
    }
}

fn at_least(text: &str, least: Duration, what: &str) -> Result<Duration, String> {
    let duration = values::duration(text)?;
    if duration < least {
        return Err(format!(
            "{} is too short; {what} is at least {}",
            quoted(text),
            spell(least)
        ));
    }
    Ok(duration)
}
