//! The configuration as it is written: which keys there are, all of them text still.
//!
//! What each key means stands here, once, for people and for editors: the comments below are the
//! descriptions in the schema, and so in the reference. They are sentences about the setting, and
//! what the schema knows by itself (defaults, limits) is added to them there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::key_path::KeyPath;
use super::schema;
use super::shapes::{List, Mapping, NameOr, Text};

/// The configuration of cloudaudit-exporter.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "cloudaudit-exporter",
    extend("required" = ["accounts"]),
    extend("patternProperties" = {"^x-": {"description": "Free, as a place for YAML anchors."}})
)]
pub(super) struct RawConfig {
    /// Which of the two clouds the accounts are in; it sets the endpoint.
    #[schemars(schema_with = "schema::site")]
    pub(super) site: Option<Text>,
    /// Another host, or URL, than the site's own.
    #[schemars(schema_with = "schema::endpoint")]
    pub(super) endpoint: Option<Text>,
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
    /// UINs of the accounts whose storage is a normal place to deliver to, besides an account's own.
    #[schemars(schema_with = "schema::trusted_storage_accounts")]
    pub(super) trusted_storage_accounts: Option<List<Text>>,
    /// What every account has unless it says otherwise: the keys of an account.
    #[schemars(with = "RawAccount")]
    pub(super) defaults: Mapping<RawAccount>,
    /// The accounts by name, which is the label `account`.
    #[schemars(schema_with = "schema::accounts")]
    pub(super) accounts: Mapping<BTreeMap<String, Mapping<RawAccount>>>,
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
    /// Tracks of a target with series of their own, those with the lowest ids; more are counted as dropped.
    #[schemars(schema_with = "schema::max_tracks")]
    pub(super) max_tracks: Option<Text>,
    /// What the API's `CreateTime` is ahead of UTC.
    #[schemars(schema_with = "schema::create_time_offset")]
    pub(super) create_time_offset: Option<Text>,
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
    /// The state file. Left out: `state.json` in the folder that systemd names in `STATE_DIRECTORY`, and without that none.
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

/// An account, and `defaults`, which has the same keys.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "account")]
pub(super) struct RawAccount {
    /// Where to ask, not where tracks deliver to.
    #[schemars(schema_with = "schema::regions")]
    pub(super) regions: Option<List<Text>>,
    /// On every series of the account; those of `defaults` and of the account are merged.
    #[schemars(schema_with = "schema::labels")]
    pub(super) labels: Mapping<BTreeMap<String, Text>>,
    /// For this account only. It brings its endpoint along.
    #[schemars(schema_with = "schema::site_of_account")]
    pub(super) site: Option<Text>,
    /// For this account only.
    #[schemars(schema_with = "schema::endpoint")]
    pub(super) endpoint: Option<Text>,
    /// For this account only.
    #[schemars(schema_with = "schema::interval")]
    pub(super) interval: Option<Text>,
    /// For this account only.
    #[schemars(with = "RawRateLimit")]
    pub(super) rate_limit: Mapping<RawRateLimit>,
    /// The key that asks, from one source. Left out: `TENCENTCLOUD_SECRET_ID`, `TENCENTCLOUD_SECRET_KEY` and, for temporary keys, `TENCENTCLOUD_TOKEN`.
    #[schemars(with = "RawCredentials")]
    pub(super) credentials: Option<Mapping<RawCredentials>>,
    /// Tracks that should be there: a name, or a mapping of a name and what must be true of the track besides, compared as written.
    #[schemars(schema_with = "schema::expected_tracks")]
    pub(super) expected_tracks: Option<List<NameOr<RawExpectedTrack>>>,
    /// Whether the account needs an enabled track of its own.
    #[schemars(schema_with = "schema::track_required")]
    pub(super) track_required: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "expected_track", extend("required" = ["name"]))]
pub(super) struct RawExpectedTrack {
    /// The track's `Name`.
    #[schemars(schema_with = "schema::name")]
    pub(super) name: Option<Text>,
    /// What it records.
    #[schemars(schema_with = "schema::action_type")]
    pub(super) action_type: Option<Text>,
    /// A product's short name, or `*`.
    #[schemars(schema_with = "schema::name")]
    pub(super) resource_type: Option<Text>,
    /// What it delivers to: `cos`, `cls`, `ckafka`.
    #[schemars(schema_with = "schema::name")]
    pub(super) storage_type: Option<Text>,
    /// The region that it delivers to.
    #[schemars(schema_with = "schema::name")]
    pub(super) storage_region: Option<Text>,
    /// The bucket, topic or instance that it delivers to.
    #[schemars(schema_with = "schema::name")]
    pub(super) storage_name: Option<Text>,
    /// The prefix that it delivers under.
    #[schemars(schema_with = "schema::name")]
    pub(super) storage_prefix: Option<Text>,
    /// The UIN of the account that it delivers to.
    #[schemars(schema_with = "schema::uin")]
    pub(super) storage_account: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "credentials",
    extend("not" = {
        "required": ["env"],
        "anyOf": [{"required": ["secret_id"]}, {"required": ["secret_key"]}, {"required": ["token"]}]
    })
)]
pub(super) struct RawCredentials {
    /// The public half of the key, in the file itself.
    #[schemars(schema_with = "schema::secret_id")]
    pub(super) secret_id: Option<Text>,
    /// The key itself, in the file: it works, with a warning.
    #[schemars(schema_with = "schema::secret")]
    pub(super) secret_key: Option<Text>,
    /// The token of a temporary key, in the file: it works, with a warning.
    #[schemars(schema_with = "schema::secret")]
    pub(super) token: Option<Text>,
    /// The names of the environment variables to read. A source of its own: nothing stands beside it.
    #[schemars(with = "RawEnv")]
    pub(super) env: Option<Mapping<RawEnv>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "env")]
pub(super) struct RawEnv {
    /// The variable that holds the secret id.
    #[schemars(schema_with = "schema::variable")]
    pub(super) secret_id: Option<Text>,
    /// The variable that holds the secret key.
    #[schemars(schema_with = "schema::variable")]
    pub(super) secret_key: Option<Text>,
    /// The variable that holds the token of a temporary key. Left out: the key has none.
    #[schemars(schema_with = "schema::variable")]
    pub(super) token: Option<Text>,
}

/// Whether an unknown key is one that a later version will know. It is refused all the same: an
/// exporter that is trusted as evidence must not pretend to act on what it skips.
pub(super) fn comes_later(path: &KeyPath) -> bool {
    matches!(
        path.keys()[..],
        ["account_files" | "organizations"]
            | ["poll", "details_interval"]
            | ["defaults", "uin" | "assume_role"]
            | ["accounts", _, "uin" | "assume_role"]
            | [
                ..,
                "credentials",
                "secret_id_file"
                    | "secret_key_file"
                    | "token_file"
                    | "profile"
                    | "cvm_role"
                    | "tke_oidc"
            ]
    )
}
