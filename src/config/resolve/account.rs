//! An account from three layers: its own settings, `defaults` and the top level.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::account::{Account, Attribution, Poll};
use super::super::credentials::{AssumeRole, Credentials};
use super::super::defaults;
use super::super::endpoint::Endpoint;
use super::super::key_path::KeyPath;
use super::super::keys::{AccountKeys, AssumeRoleKeys};
use super::super::reader::Reader;
use super::delivery::delivery;
use super::layers::{Hosts, Layers};
use crate::duration::format_duration;

/// The settings that all accounts share.
pub(super) struct SharedSettings {
    pub(super) poll: Poll,
    pub(super) details_interval: Option<Duration>,
    pub(super) trusted_storage_accounts: Arc<BTreeSet<String>>,
}

/// Resolves an account. Reports a fault if its settings do not fit together.
pub(super) fn account(
    name: &str,
    layers: Layers,
    shared: &SharedSettings,
    reader: &mut Reader,
) -> Account {
    let own = &layers[0].keys;
    let hosts = Hosts::of(layers);
    let delivery = delivery(layers, &hosts, shared.poll.timeout, reader);
    let Hosts {
        site,
        cloudaudit,
        sts,
    } = hosts;
    let farthest_first = layers.iter().rev();
    let labels = farthest_first.filter_map(|layer| layer.keys.common.labels.clone());
    let credentials = nearest(layers, |keys| keys.credentials.as_ref());
    let rate = nearest(layers, |keys| {
        keys.common
            .rate_limit
            .as_ref()?
            .requests_per_second
            .as_ref()
    });
    let regions = nearest(layers, |keys| keys.common.regions.as_ref());
    let assume_role = role(layers, &sts, reader);
    // The account of a role is the account that its ARN names.
    let of_role = assume_role.as_ref().and_then(AssumeRole::uin);
    let uin = own.uin.clone().or(of_role.map(str::to_owned));
    check_interval(layers, &shared.poll, reader);
    Account {
        name: name.to_owned(),
        regions: regions.unwrap_or_else(|| vec![defaults::REGION.to_owned()]),
        site,
        endpoint: cloudaudit,
        labels: labels.flatten().collect(),
        interval: nearest(layers, |keys| keys.common.interval.as_ref())
            .unwrap_or(defaults::INTERVAL),
        requests_per_second: rate.unwrap_or(defaults::REQUESTS_PER_SECOND),
        poll: shared.poll,
        credentials: credentials.map_or(Credentials::Default, |source| source.with_sts(&sts)),
        uin,
        is_uin_configured: own.uin.is_some(),
        assume_role,
        sts_endpoint: sts,
        organization: None,
        member: None,
        details_interval: shared.details_interval,
        attribution: attribution(layers),
        app_id: own.appid.clone(),
        delivery,
        expected_tracks: nearest(layers, |keys| keys.common.expected_tracks.as_ref())
            .unwrap_or_default(),
        track_required: nearest(layers, |keys| keys.common.track_required.as_ref()).unwrap_or(true),
        trusted_storage_accounts: Arc::clone(&shared.trusted_storage_accounts),
    }
}

/// Returns `None` if attribution is disabled.
fn attribution(layers: Layers) -> Option<Attribution> {
    let keys = || {
        let layers = layers.iter();
        layers.filter_map(|layer| layer.keys.common.attribution.as_ref())
    };
    let is_enabled = keys().find_map(|keys| keys.enabled).unwrap_or(false);
    is_enabled.then(|| Attribution {
        sweep_interval: keys().find_map(|keys| keys.sweep_interval),
        operator_label: keys().find_map(|keys| keys.operator_label).unwrap_or(false),
    })
}

/// Returns a setting of the nearest layer that has it.
fn nearest<T: Clone>(layers: Layers, get: impl Fn(&AccountKeys) -> Option<&T>) -> Option<T> {
    layers.iter().find_map(|layer| get(&layer.keys)).cloned()
}

fn role(layers: Layers, sts: &Endpoint, reader: &mut Reader) -> Option<AssumeRole> {
    let roles = layers
        .iter()
        .filter_map(|layer| layer.keys.assume_role.clone());
    let role = roles.fold(AssumeRoleKeys::default(), AssumeRoleKeys::or);
    let Some(arn) = role.arn else {
        if layers[0].keys.assume_role.is_some() {
            let path = layers[0].path.key("assume_role");
            reader.refuse_at(
                &path,
                "arn is missing, here and in defaults; add the ARN of the role",
            );
        }
        return None;
    };
    let session_name = role.session_name;
    Some(AssumeRole {
        arn,
        session_name: session_name.unwrap_or_else(|| defaults::SESSION_NAME.to_owned()),
        external_id: role.external_id,
        duration: role.duration.unwrap_or(defaults::ROLE_DURATION),
        endpoint: role.endpoint.unwrap_or_else(|| sts.clone()),
    })
}

/// Checks the interval: no request may take longer, no data may become stale and no tombstone
/// expire within it. The fault names the interval, or the setting that does not fit the default.
fn check_interval(layers: Layers, poll: &Poll, reader: &mut Reader) {
    let set = layers
        .iter()
        .find(|layer| layer.keys.common.interval.is_some());
    let interval = set
        .and_then(|layer| layer.keys.common.interval)
        .unwrap_or(defaults::INTERVAL);
    let intervals = defaults::LEAST_STALE_INTERVALS;
    let stale = format!("stale_after is at least {intervals} intervals");
    let rules = [
        (
            interval < poll.timeout,
            ("timeout", poll.timeout),
            ["shorter than", "longer than"],
            "an interval is at least the timeout",
        ),
        (
            poll.stale_after < interval.saturating_mul(intervals),
            ("stale_after", poll.stale_after),
            ["too long for", "too short for"],
            &stale,
        ),
        (
            poll.tombstone_for < interval,
            ("tombstone_for", poll.tombstone_for),
            ["longer than", "shorter than"],
            "tombstone_for is at least the interval",
        ),
    ];
    let interval = format_duration(interval);
    for (is_broken, (key, other), [wrong, wrong_other], rule) in rules {
        let other = format_duration(other);
        match set {
            _ if !is_broken => {}
            Some(layer) => {
                let why = format!("{interval} is {wrong} poll.{key} ({other}); {rule}");
                reader.refuse_at(&layer.path.key("interval"), why);
            }
            None => {
                let why = format!("{other} is {wrong_other} the interval ({interval}); {rule}");
                reader.refuse_at(&KeyPath::from(["poll", key]), why);
            }
        }
    }
}
