//! What one level says: the top level, `defaults`, an account or an organisation; every value by
//! itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::defaults;
use super::endpoint::Endpoint;
use super::error::Error;
use super::key_path::KeyPath;
use super::layers::Places;
use super::lists::{self, Members};
use super::raw::{RawAccount, RawConfig, RawRateLimit};
use super::shapes::{Mapping, Text};
use super::sources::{self, Role, Source};
use super::types::Site;
use super::values;
use crate::snapshot::ExpectedTrack;

/// Settings of one level. What it does not say, a level farther away may.
#[derive(Default)]
pub(super) struct Level {
    pub(super) site: Option<Site>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) sts_endpoint: Option<Endpoint>,
    pub(super) interval: Option<Interval>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) regions: Option<Vec<String>>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) uin: Option<String>,
    pub(super) credentials: Option<Source>,
    pub(super) role: Option<Role>,
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
            endpoint: endpoint(raw.endpoint.as_ref(), &root, "endpoint", places)?,
            sts_endpoint: endpoint(raw.sts_endpoint.as_ref(), &root, "sts_endpoint", places)?,
            interval: interval(raw.poll.0.interval.as_ref(), &poll, places)?,
            ..Self::default()
        };
        level.read_rate_limit(&raw.rate_limit.0, &root, places)?;
        Ok(level)
    }

    /// `defaults`, which are of no account by itself.
    pub(super) fn defaults(raw: &RawAccount, places: &Places) -> Result<Self, Error> {
        let path = KeyPath::from(["defaults"]);
        if raw.uin.is_some() {
            let message = "not in defaults; it is the number of one account, and belongs to it";
            return Err(places.refuse_key(&path.key("uin"), message));
        }
        Self::of_account(raw, &path, places)
    }

    /// An account, or what is like one.
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
            endpoint: endpoint(raw.endpoint.as_ref(), path, "endpoint", places)?,
            sts_endpoint: endpoint(raw.sts_endpoint.as_ref(), path, "sts_endpoint", places)?,
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
            uin: places.value(raw.uin.as_ref(), path, "uin", values::uin)?,
            ..Self::default()
        };
        level.read_rate_limit(&raw.rate_limit.0, path, places)?;
        if let Some(Mapping(credentials)) = &raw.credentials {
            let path = path.key("credentials");
            let warning = sources::warning(credentials, &path, places);
            level.warnings.extend(warning);
            level.credentials = Some(sources::credentials(credentials, &path, places)?);
        }
        if let Some(Mapping(role)) = &raw.assume_role {
            level.role = Some(Role::read(role, &path.key("assume_role"), places)?);
        }
        Ok(level)
    }

    /// The simulated cloud that this level sends an account to, if that is where it is asked.
    pub(super) fn simulated_cloud(&self, asked: &Endpoint) -> Option<&Endpoint> {
        let own = self.endpoint.as_ref();
        own.filter(|own| *own == asked && own.is_plain())
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
}

fn endpoint(
    text: Option<&Text>,
    path: &KeyPath,
    key: &str,
    places: &Places,
) -> Result<Option<Endpoint>, Error> {
    places.value(text, path, key, Endpoint::parse)
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
