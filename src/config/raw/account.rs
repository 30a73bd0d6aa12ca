//! The keys of an account.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::schema;
use super::super::shapes::{List, Mapping, NameOr, Text};
use super::{RawAssumeRole, RawCredentials, RawRateLimit};

/// An account, and `defaults`, which has the same keys.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "account")]
pub(in crate::config) struct RawAccount {
    /// Where to ask, not where tracks deliver to.
    #[schemars(schema_with = "schema::regions")]
    pub(in crate::config) regions: Option<List<Text>>,
    /// On every series of the account; those of `defaults` and of the account are merged.
    #[schemars(schema_with = "schema::labels")]
    pub(in crate::config) labels: Mapping<BTreeMap<String, Text>>,
    /// For this account only. It brings its endpoints along.
    #[schemars(schema_with = "schema::site_of_account")]
    pub(in crate::config) site: Option<Text>,
    /// For this account only.
    #[schemars(schema_with = "schema::endpoint")]
    pub(in crate::config) endpoint: Option<Text>,
    /// For this account only.
    #[schemars(schema_with = "schema::sts_endpoint")]
    pub(in crate::config) sts_endpoint: Option<Text>,
    /// For this account only.
    #[schemars(schema_with = "schema::interval")]
    pub(in crate::config) interval: Option<Text>,
    /// For this account only.
    #[schemars(with = "RawRateLimit")]
    pub(in crate::config) rate_limit: Mapping<RawRateLimit>,
    /// The account's number. A credential of another account is refused and polls nothing. Not in
    /// `defaults`.
    #[schemars(schema_with = "schema::uin")]
    pub(in crate::config) uin: Option<Text>,
    /// The key that asks, from one source. Left out: the default chain, which looks in the
    /// environment, then for a profile, the identity of a TKE pod, the role of a CVM.
    #[schemars(with = "RawCredentials")]
    pub(in crate::config) credentials: Option<Mapping<RawCredentials>>,
    /// The role that is assumed with the key. Keys of `defaults` and of the account are merged;
    /// without an `arn` from either no role is assumed.
    #[schemars(with = "RawAssumeRole")]
    pub(in crate::config) assume_role: Option<Mapping<RawAssumeRole>>,
    /// Tracks that should be there: a name, or a mapping of a name and what must be true of the
    /// track besides, compared as written.
    #[schemars(schema_with = "schema::expected_tracks")]
    pub(in crate::config) expected_tracks: Option<List<NameOr<RawExpectedTrack>>>,
    /// Whether the account needs an enabled track of its own.
    #[schemars(schema_with = "schema::track_required")]
    pub(in crate::config) track_required: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "expected_track", extend("required" = ["name"]))]
pub(in crate::config) struct RawExpectedTrack {
    /// The track's `Name`.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) name: Option<Text>,
    /// What it records.
    #[schemars(schema_with = "schema::action_type")]
    pub(in crate::config) action_type: Option<Text>,
    /// A product's short name, or `*`.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) resource_type: Option<Text>,
    /// What it delivers to: `cos`, `cls`, `ckafka`.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) storage_type: Option<Text>,
    /// The region that it delivers to.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) storage_region: Option<Text>,
    /// The bucket, topic or instance that it delivers to.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) storage_name: Option<Text>,
    /// The prefix that it delivers under.
    #[schemars(schema_with = "schema::name")]
    pub(in crate::config) storage_prefix: Option<Text>,
    /// The UIN of the account that it delivers to.
    #[schemars(schema_with = "schema::uin")]
    pub(in crate::config) storage_account: Option<Text>,
}
