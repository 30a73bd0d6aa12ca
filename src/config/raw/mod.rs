//! The configuration as it is written: which keys there are, all of them text still.
//!
//! What each key means stands here, once, for people and for editors: the comments below are the
//! descriptions in the schema, and so in the reference. They are sentences about the setting, and
//! what the schema knows by itself (defaults, limits) is added to them there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::account::{RawAccount, RawExpectedTrack};
pub(super) use self::credentials::{
    RawAssumeRole, RawCredentials, RawCvmRole, RawEnv, RawProfile, RawTkeOidc,
};
pub(super) use self::organization::RawOrganization;
use super::schema;
use super::shapes::{List, Mapping, Text};

// An account, and what all members of an organisation are.
mod account;
mod organization;

// Who asks.
mod credentials;

/// The configuration of cloudaudit-exporter.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "cloudaudit-exporter",
    extend("anyOf" = [
        {"required": ["accounts"], "properties": {"accounts": {"minProperties": 1}}},
        {"required": ["organizations"], "properties": {"organizations": {"minProperties": 1}}},
        {"required": ["account_files"]}
    ]),
    extend("patternProperties" = {"^x-": {"description": "Free, as a place for YAML anchors."}})
)]
pub(super) struct RawConfig {
    /// Which of the two clouds the accounts are in; it sets the endpoints.
    #[schemars(schema_with = "schema::site")]
    pub(super) site: Option<Text>,
    /// Another host, or URL, than the site's own.
    #[schemars(schema_with = "schema::endpoint")]
    pub(super) endpoint: Option<Text>,
    /// Another STS than the site's own: where identities are asked for, tokens exchanged and roles
    /// assumed.
    #[schemars(schema_with = "schema::sts_endpoint")]
    pub(super) sts_endpoint: Option<Text>,
    /// How accounts are polled.
    #[schemars(with = "RawPoll")]
    pub(super) poll: Mapping<RawPoll>,
    /// How often the API is asked at most.
    #[schemars(with = "RawRateLimit")]
    pub(super) rate_limit: Mapping<RawRateLimit>,
    /// What is kept over a restart.
    #[schemars(with = "RawState")]
    pub(super) state: Mapping<RawState>,
    /// How calls to the cloud leave this machine.
    #[schemars(with = "RawHttp")]
    pub(super) http: Mapping<RawHttp>,
    /// UINs of the accounts whose storage is a normal place to deliver to, besides an account's
    /// own.
    #[schemars(schema_with = "schema::trusted_storage_accounts")]
    pub(super) trusted_storage_accounts: Option<List<Text>>,
    /// What every account has unless it says otherwise: the keys of an account but `uin`.
    #[schemars(with = "RawAccount", extend("not" = {"required": ["uin"]}))]
    pub(super) defaults: Mapping<RawAccount>,
    /// Files of more accounts: each a mapping like `accounts`, or one with the single key
    /// `accounts`.
    #[schemars(schema_with = "schema::account_files")]
    pub(super) account_files: Option<List<Text>>,
    /// The accounts by name, which is the label `account`. At least one account or organisation is
    /// needed.
    #[schemars(schema_with = "schema::accounts")]
    pub(super) accounts: Mapping<BTreeMap<String, Mapping<RawAccount>>>,
    /// Organisations by name, which is the label `organization`: every member account is discovered
    /// and polled, with a role assumed in it.
    #[schemars(schema_with = "schema::organizations")]
    pub(super) organizations: Mapping<BTreeMap<String, Mapping<RawOrganization>>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "poll")]
pub(super) struct RawPoll {
    /// Each region of each account is polled once in this time.
    #[schemars(schema_with = "schema::poll_interval")]
    pub(super) interval: Option<Text>,
    /// For one request.
    #[schemars(schema_with = "schema::timeout")]
    pub(super) timeout: Option<Text>,
    /// For one request, the first included; only throttled and transient failures are repeated.
    #[schemars(schema_with = "schema::attempts")]
    pub(super) attempts: Option<Text>,
    /// Tracks asked for at a time.
    #[schemars(schema_with = "schema::page_size")]
    pub(super) page_size: Option<Text>,
    /// How long the last good data is served when there is no newer.
    #[schemars(schema_with = "schema::stale_after")]
    pub(super) stale_after: Option<Text>,
    /// How long a vanished track stays visible.
    #[schemars(schema_with = "schema::tombstone_for")]
    pub(super) tombstone_for: Option<Text>,
    /// Tracks of a target with series of their own, those with the lowest ids; more are counted as
    /// dropped.
    #[schemars(schema_with = "schema::max_tracks")]
    pub(super) max_tracks: Option<Text>,
    /// What the API's `CreateTime` is ahead of UTC.
    #[schemars(schema_with = "schema::create_time_offset")]
    pub(super) create_time_offset: Option<Text>,
    /// Whether a listing with fewer tracks than its `TotalCount` counts as complete, for an API
    /// that counts tracks that it does not list. Otherwise such a poll fails as `incomplete`.
    #[schemars(schema_with = "schema::accept_short_listings")]
    pub(super) accept_short_listings: Option<Text>,
    /// How often each track is asked for what its listing does not say: whether it is
    /// organisation-wide, and its filters. Left out: never.
    #[schemars(schema_with = "schema::details_interval")]
    pub(super) details_interval: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "rate_limit")]
pub(super) struct RawRateLimit {
    /// For one key at one endpoint.
    #[schemars(schema_with = "schema::requests_per_second")]
    pub(super) requests_per_second: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "state")]
pub(super) struct RawState {
    /// The state file. Left out: `state.json` in the folder that systemd names in
    /// `STATE_DIRECTORY`, and without that none.
    #[schemars(schema_with = "schema::file")]
    pub(super) file: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "http")]
pub(super) struct RawHttp {
    /// Certificates (PEM) to trust besides the system's.
    #[schemars(schema_with = "schema::file")]
    pub(super) ca_file: Option<Text>,
    /// The proxy for calls to the cloud. Left out: the proxy of the environment.
    #[schemars(schema_with = "schema::proxy")]
    pub(super) proxy: Option<Text>,
}
