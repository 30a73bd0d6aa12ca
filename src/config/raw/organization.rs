//! The keys of an organisation: those of an account, for every member, and its own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::schema;
use super::super::shapes::{List, Mapping, NameOr, Text};
use super::{RawAccount, RawCredentials, RawExpectedTrack, RawRateLimit};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "organization")]
pub(in crate::config) struct RawOrganization {
    /// The role that is assumed in each member account; needed.
    #[schemars(schema_with = "schema::role_name")]
    pub(in crate::config) role_name: Option<Text>,
    /// The key of the organisation's admin account, from one source: it asks for the members and
    /// assumes their roles. Left out: the default chain.
    #[schemars(with = "RawCredentials")]
    pub(in crate::config) credentials: Option<Mapping<RawCredentials>>,
    /// What a member's label `account` is: its UIN, or its name in the organisation, which may
    /// change.
    #[schemars(schema_with = "schema::account_label")]
    pub(in crate::config) account_label: Option<Text>,
    /// Tags of members that become labels of their series; names that `labels` already gives are
    /// refused.
    #[schemars(schema_with = "schema::member_tag_labels")]
    pub(in crate::config) member_tag_labels: Option<List<Text>>,
    /// Members that are polled, by their UIN, name or organisation node. Left out: all.
    #[schemars(schema_with = "schema::member_globs")]
    pub(in crate::config) include: Option<List<Text>>,
    /// And of these, members that are not.
    #[schemars(schema_with = "schema::member_globs")]
    pub(in crate::config) exclude: Option<List<Text>>,
    /// How often the members are asked for.
    #[schemars(schema_with = "schema::refresh")]
    pub(in crate::config) refresh: Option<Text>,
    /// What the trust policies of the members' roles may ask for.
    #[schemars(schema_with = "schema::external_id")]
    pub(in crate::config) external_id: Option<Text>,
    /// What the members' audit logs call the session.
    #[schemars(schema_with = "schema::session_name")]
    pub(in crate::config) session_name: Option<Text>,
    /// How long a temporary key is good for; it is renewed in time.
    #[schemars(schema_with = "schema::role_duration")]
    pub(in crate::config) duration: Option<Text>,
    /// Another host, or URL, of the API for organisations than the site's own.
    #[schemars(schema_with = "schema::organization_endpoint")]
    pub(in crate::config) organization_endpoint: Option<Text>,
    /// Where to ask, not where tracks deliver to, in every member account.
    #[schemars(schema_with = "schema::regions")]
    pub(in crate::config) regions: Option<List<Text>>,
    /// On every series of the members; those of `defaults` and of the organisation are merged.
    #[schemars(schema_with = "schema::labels")]
    pub(in crate::config) labels: Mapping<BTreeMap<String, Text>>,
    /// For this organisation only. It brings its endpoints along.
    #[schemars(schema_with = "schema::site_of_account")]
    pub(in crate::config) site: Option<Text>,
    /// Where CloudAudit is asked, for this organisation only.
    #[schemars(schema_with = "schema::endpoint")]
    pub(in crate::config) endpoint: Option<Text>,
    /// For this organisation only.
    #[schemars(schema_with = "schema::sts_endpoint")]
    pub(in crate::config) sts_endpoint: Option<Text>,
    /// For each member of this organisation.
    #[schemars(schema_with = "schema::interval")]
    pub(in crate::config) interval: Option<Text>,
    /// For each member of this organisation.
    #[schemars(with = "RawRateLimit")]
    pub(in crate::config) rate_limit: Mapping<RawRateLimit>,
    /// Tracks that should be in every member account: a name, or a mapping of a name and what must
    /// be true of the track besides, compared as written.
    #[schemars(schema_with = "schema::expected_tracks")]
    pub(in crate::config) expected_tracks: Option<List<NameOr<RawExpectedTrack>>>,
    /// Whether every member needs an enabled track of its own.
    #[schemars(schema_with = "schema::track_required")]
    pub(in crate::config) track_required: Option<Text>,
}

impl RawOrganization {
    /// Takes out what it says of its members, as an account would say it.
    pub(in crate::config) fn take_member(&mut self) -> RawAccount {
        use std::mem::take;
        RawAccount {
            regions: take(&mut self.regions),
            labels: take(&mut self.labels),
            site: take(&mut self.site),
            endpoint: take(&mut self.endpoint),
            sts_endpoint: take(&mut self.sts_endpoint),
            interval: take(&mut self.interval),
            rate_limit: take(&mut self.rate_limit),
            uin: None,
            credentials: take(&mut self.credentials),
            assume_role: None,
            expected_tracks: take(&mut self.expected_tracks),
            track_required: take(&mut self.track_required),
        }
    }
}
