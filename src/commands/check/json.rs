//! The output of `check` as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Part, Selection, sorted};
use crate::config::{Account, AssumeRole, Attribution, Config, Delivery, Glob, Organization};
use crate::snapshot::ExpectedTrack;

pub(super) fn json(selection: &Selection, config: &Config, warnings: &[String]) -> String {
    let accounts = selection.accounts.iter().map(|it| account(it));
    let organizations = selection.organizations.iter().map(|it| organization(it));
    format!(
        "{:#}\n",
        json!({
            "accounts": accounts.collect::<Vec<Value>>(),
            "organizations": organizations.collect::<Vec<Value>>(),
            "shard": selection.part.as_ref().map(Part::json),
            "state_file": config.state_file,
            "warnings": warnings,
        })
    )
}

fn account(account: &Account) -> Value {
    let mut keys = common(account);
    keys.insert("account".into(), account.name.as_str().into());
    keys.insert("uin".into(), account.uin.as_deref().into());
    keys.insert("appid".into(), account.app_id.as_deref().into());
    let role = account.assume_role.as_ref();
    keys.insert("assume_role".into(), role.map(assume_role).into());
    keys.into()
}

fn organization(organization: &Organization) -> Value {
    let patterns = |globs: &[Glob]| -> Vec<String> {
        let patterns = globs.iter().map(Glob::as_str);
        patterns.map(str::to_owned).collect()
    };
    json!({
        "organization": organization.name,
        "endpoint": organization.endpoint.to_string(),
        "refresh_seconds": organization.refresh.as_secs_f64(),
        "role_name": organization.role_name,
        "session_name": organization.session_name,
        "duration_seconds": organization.duration.as_secs_f64(),
        "external_id": organization.external_id.is_some(),
        "account_label": organization.account_label.as_str(),
        "member_tag_labels": organization.member_tag_labels,
        "include": patterns(&organization.include),
        "exclude": patterns(&organization.exclude),
        "member": common(&organization.member),
    })
}

/// Shows whether there is an external id, but not its value, which may be a secret.
fn assume_role(role: &AssumeRole) -> Value {
    json!({
        "arn": role.arn,
        "session_name": role.session_name,
        "external_id": role.external_id.is_some(),
        "duration_seconds": role.duration.as_secs_f64(),
        "endpoint": role.endpoint.to_string(),
    })
}

/// Returns the keys that an account and the members of an organization share.
fn common(account: &Account) -> Map<String, Value> {
    let details = account.details_interval.as_ref();
    let tracks = account.expected_tracks.iter().map(expected_track);
    let keys = [
        ("site", json!(account.site.as_str())),
        ("endpoint", json!(account.endpoint.to_string())),
        ("sts_endpoint", json!(account.sts_endpoint.to_string())),
        ("regions", json!(sorted(&account.regions))),
        ("interval_seconds", json!(account.interval.as_secs_f64())),
        (
            "details_interval_seconds",
            json!(details.map(Duration::as_secs_f64)),
        ),
        (
            "stale_after_seconds",
            json!(account.poll.stale_after.as_secs_f64()),
        ),
        (
            "tombstone_for_seconds",
            json!(account.poll.tombstone_for.as_secs_f64()),
        ),
        ("timeout_seconds", json!(account.poll.timeout.as_secs_f64())),
        ("attempts", json!(account.poll.attempts)),
        ("page_size", json!(account.poll.page_size)),
        ("max_tracks", json!(account.poll.max_tracks)),
        (
            "accept_short_listings",
            json!(account.poll.accept_short_listings),
        ),
        (
            "attribution",
            account.attribution.as_ref().map(attribution).into(),
        ),
        ("requests_per_second", json!(account.requests_per_second)),
        ("credentials", json!(account.credentials.kind())),
        ("labels", json!(account.labels)),
        ("track_required", json!(account.track_required)),
        ("delivery", json!(account.delivery.as_ref().map(delivery))),
        ("expected_tracks", tracks.collect()),
        (
            "trusted_storage_accounts",
            json!(account.trusted_storage_accounts.as_ref()),
        ),
    ];
    let keys = keys.into_iter();
    keys.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn attribution(attribution: &Attribution) -> Value {
    let sweep = attribution.sweep_interval.as_ref();
    json!({
        "sweep_interval_seconds": sweep.map(Duration::as_secs_f64),
        "operator_label": attribution.operator_label,
    })
}

fn delivery(delivery: &Delivery) -> Value {
    let cos = delivery.cos_endpoint.as_ref();
    json!({
        "interval_seconds": delivery.interval.as_secs_f64(),
        "grace_seconds": delivery.grace.as_secs_f64(),
        "cos_endpoint": cos.map(ToString::to_string),
        "cls_endpoint": delivery.cls_endpoint.to_string(),
        "ckafka_endpoint": delivery.ckafka_endpoint.to_string(),
        "cam_endpoint": delivery.cam_endpoint.to_string(),
    })
}

/// The name of the track, and the fields that must match.
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
