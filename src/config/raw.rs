//! The configuration as it is written: which keys there are, all of them text still.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::key_path::KeyPath;
use super::shapes::{List, Mapping, NameOr, Text};

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) site: Option<Text>,
    pub(super) endpoint: Option<Text>,
    pub(super) poll: Mapping<RawPoll>,
    pub(super) rate_limit: Mapping<RawRateLimit>,
    pub(super) state: Mapping<RawState>,
    pub(super) http: Mapping<RawHttp>,
    pub(super) trusted_storage_accounts: Option<List<Text>>,
    pub(super) defaults: Mapping<RawAccount>,
    pub(super) accounts: Mapping<BTreeMap<String, Mapping<RawAccount>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPoll {
    pub(super) interval: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) attempts: Option<Text>,
    pub(super) page_size: Option<Text>,
    pub(super) stale_after: Option<Text>,
    pub(super) tombstone_for: Option<Text>,
    pub(super) max_tracks: Option<Text>,
    pub(super) create_time_offset: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRateLimit {
    pub(super) requests_per_second: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawState {
    pub(super) file: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawHttp {
    pub(super) ca_file: Option<Text>,
    pub(super) proxy: Option<Text>,
}

/// An account, and `defaults`, which has the same keys.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAccount {
    pub(super) regions: Option<List<Text>>,
    pub(super) labels: Mapping<BTreeMap<String, Text>>,
    pub(super) site: Option<Text>,
    pub(super) endpoint: Option<Text>,
    pub(super) interval: Option<Text>,
    pub(super) rate_limit: Mapping<RawRateLimit>,
    pub(super) credentials: Option<Mapping<RawCredentials>>,
    pub(super) expected_tracks: Option<List<NameOr<RawExpectedTrack>>>,
    pub(super) track_required: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawExpectedTrack {
    pub(super) name: Option<Text>,
    pub(super) action_type: Option<Text>,
    pub(super) resource_type: Option<Text>,
    pub(super) storage_type: Option<Text>,
    pub(super) storage_region: Option<Text>,
    pub(super) storage_name: Option<Text>,
    pub(super) storage_prefix: Option<Text>,
    pub(super) storage_account: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCredentials {
    pub(super) secret_id: Option<Text>,
    pub(super) secret_key: Option<Text>,
    pub(super) token: Option<Text>,
    pub(super) env: Option<Mapping<RawEnv>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawEnv {
    pub(super) secret_id: Option<Text>,
    pub(super) secret_key: Option<Text>,
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
