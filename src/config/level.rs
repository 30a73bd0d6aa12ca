//! What one level says: the top level, `defaults`, or an account; every value by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::credentials::Credentials;
use super::defaults;
use super::endpoint::Endpoint;
use super::error::Error;
use super::key_path::KeyPath;
use super::layers::Places;
use super::lists::{self, Members};
use super::raw::{RawAccount, RawConfig, RawCredentials, RawEnv, RawRateLimit};
use super::secret::Secret;
use super::shapes::{Mapping, Text};
use super::types::Site;
use super::values;
use crate::snapshot::ExpectedTrack;

/// Settings of one level. What it does not say, a level farther away may.
#[derive(Default)]
pub(super) struct Level {
    pub(super) site: Option<Site>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) interval: Option<Interval>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) regions: Option<Vec<String>>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) credentials: Option<Credentials>,
    pub(super) expected_tracks: Option<Vec<ExpectedTrack>>,
    pub(super) track_required: Option<bool>,
    pub(super) warnings: Vec<String>,
}

/// An interval, and how an error names it.
pub(super) struct Interval {
    pub(super) path: KeyPath,
    pub(super) text: String,
    pub(super) value: Duration,
}

impl Level {
    /// The top level, whose interval stands under `poll`.
    pub(super) fn top(raw: &RawConfig, places: &Places) -> Result<Self, Error> {
        let root = KeyPath::default();
        let poll = root.key("poll");
        let mut level = Self {
            site: places.value(raw.site.as_ref(), &root, "site", values::site)?,
            endpoint: places.value(raw.endpoint.as_ref(), &root, "endpoint", Endpoint::parse)?,
            interval: interval(raw.poll.0.interval.as_ref(), &poll, places)?,
            ..Self::default()
        };
        level.read_rate_limit(&raw.rate_limit.0, &root, places)?;
        Ok(level)
    }

    /// `defaults`, or an account.
    pub(super) fn of_account(
        raw: &RawAccount,
        path: &KeyPath,
        places: &Places,
    ) -> Result<Self, Error> {
        let regions = raw.regions.as_ref();
        let tracks = raw.expected_tracks.as_ref();
        let required = raw.track_required.as_ref();
        let mut level = Self {
            site: places.value(raw.site.as_ref(), path, "site", values::site)?,
            endpoint: places.value(raw.endpoint.as_ref(), path, "endpoint", Endpoint::parse)?,
            interval: interval(raw.interval.as_ref(), path, places)?,
            regions: lists::texts(
                regions,
                &REGIONS,
                &path.key("regions"),
                places,
                values::region,
            )?,
            labels: labels(&raw.labels.0, &path.key("labels"), places)?,
            expected_tracks: lists::expected_tracks(tracks, &path.key("expected_tracks"), places)?,
            track_required: places.value(required, path, "track_required", values::boolean)?,
            ..Self::default()
        };
        level.read_rate_limit(&raw.rate_limit.0, path, places)?;
        if let Some(Mapping(credentials)) = &raw.credentials {
            level.read_credentials(credentials, &path.key("credentials"), places)?;
        }
        Ok(level)
    }

    fn read_rate_limit(
        &mut self,
        raw: &RawRateLimit,
        path: &KeyPath,
        places: &Places,
    ) -> Result<(), Error> {
        const KEY: &str = "requests_per_second";
        let path = path.key("rate_limit");
        let number = |text: &_| values::whole_number(text, 1, defaults::MOST_REQUESTS_PER_SECOND);
        let rate = places.value(raw.requests_per_second.as_ref(), &path, KEY, number)?;
        let allowed = defaults::API_REQUESTS_PER_SECOND;
        if let Some(rate) = rate.filter(|rate| *rate > allowed) {
            let message = format!(
                "{rate} is more than the API allows ({allowed} a second for one identity); it will throttle"
            );
            self.warnings.push(places.warning(&path.key(KEY), &message));
        }
        self.requests_per_second = rate;
        Ok(())
    }

    /// Exactly one source of credentials.
    fn read_credentials(
        &mut self,
        raw: &RawCredentials,
        path: &KeyPath,
        places: &Places,
    ) -> Result<(), Error> {
        let secret_id = raw.secret_id.as_ref().map(|_| "secret_id");
        let secret_key = raw.secret_key.as_ref().map(|_| "secret_key");
        let token = raw.token.as_ref().map(|_| "token");
        let credentials = match (&raw.env, secret_id.or(secret_key).or(token)) {
            (Some(_), Some(key)) => {
                let message = "a second source of credentials beside env; exactly one is allowed";
                return Err(places.refuse_key(&path.key(key), message));
            }
            (Some(Mapping(env)), None) => from_variables(env, &path.key("env"), places)?,
            (None, Some(_)) => {
                let mut secrets = secret_key.into_iter().chain(token);
                if secrets.any(|key| places.is_in_file(&path.key(key))) {
                    let message = "a secret stands in the file, readable by whoever reads the file; env: keeps it out";
                    self.warnings.push(places.warning(path, message));
                }
                inline(raw, path, places)?
            }
            (None, None) => {
                let message = "empty; allowed is one of secret_id with secret_key, or env, or no credentials at all for the default chain";
                return Err(places.refuse(path, message));
            }
        };
        self.credentials = Some(credentials);
        Ok(())
    }
}

fn interval(
    text: Option<&Text>,
    path: &KeyPath,
    places: &Places,
) -> Result<Option<Interval>, Error> {
    const KEY: &str = "interval";
    let read = |text: &str| {
        Ok(Interval {
            path: path.key(KEY),
            text: text.to_owned(),
            value: values::duration_from(text, defaults::LEAST_INTERVAL)?,
        })
    };
    places.value(text, path, KEY, read)
}

const REGIONS: Members = Members {
    one: "region",
    many: "regions",
    most: defaults::MOST_REGIONS,
};

fn labels(
    raw: &BTreeMap<String, Text>,
    path: &KeyPath,
    places: &Places,
) -> Result<BTreeMap<String, String>, Error> {
    if raw.len() > defaults::MOST_LABELS {
        let message = format!(
            "{} labels; up to {} are allowed",
            raw.len(),
            defaults::MOST_LABELS
        );
        return Err(places.refuse(path, message));
    }
    let read = |(name, Text(text)): (&String, &Text)| {
        let path = path.key(name);
        values::label_name(name).map_err(|why| places.refuse_key(&path, why))?;
        let value = values::label_value(text).map_err(|why| places.refuse(&path, why))?;
        Ok((name.clone(), value))
    };
    raw.iter().map(read).collect()
}

fn inline(raw: &RawCredentials, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let secret = |text: &str| values::secret(text).map(Secret::from);
    let secret_id = raw.secret_id.as_ref();
    let secret_key = raw.secret_key.as_ref();
    Ok(Credentials::Inline {
        secret_id: places.needed(secret_id, path, "secret_id", values::secret_id)?,
        secret_key: places.needed(secret_key, path, "secret_key", secret)?,
        token: places.value(raw.token.as_ref(), path, "token", secret)?,
    })
}

fn from_variables(raw: &RawEnv, path: &KeyPath, places: &Places) -> Result<Credentials, Error> {
    let name = values::variable_name;
    Ok(Credentials::Env {
        secret_id: places.needed(raw.secret_id.as_ref(), path, "secret_id", name)?,
        secret_key: places.needed(raw.secret_key.as_ref(), path, "secret_key", name)?,
        token: places.value(raw.token.as_ref(), path, "token", name)?,
    })
}
