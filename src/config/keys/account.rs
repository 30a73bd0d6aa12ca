//! The keys of an account.

use serde_json::{Value as Json, json};

use super::super::defaults;
use super::super::definitions::Definitions;
use super::super::document::Node;
use super::super::leaf::{
    AppId, Boolean, Host, Interval, LabelName, LabelValue, Region, SiteName, Uin,
};
use super::super::reader::Reader;
use super::super::value_types::{List, Names, Setting};
use super::attribution::AttributionKeys;
use super::credentials::AssumeRoleKeys;
use super::delivery::DeliveryKeys;
use super::mapping::mapping;
use super::rate_limit::RateLimitKeys;
use super::source::Source;
use super::track::Track;

mapping! {
    /// The keys of an account and of the members of an organization.
    struct CommonKeys as "common" {
        /// The API regions to poll, not the regions that tracks deliver to.
        regions: List<Region, 64> = [defaults::REGION],
        /// Labels on the series of an account, merged with the labels of `defaults`.
        labels: Names<LabelName, LabelValue, { defaults::MOST_LABELS }>,
        /// The Tencent Cloud site of the account. Default: the `site` of the top level.
        site: SiteName,
        /// The host of CloudAudit. Default: the CloudAudit host of `site` if the same level sets
        /// `site`, else the `endpoint` of the next level.
        endpoint: Host,
        /// The host of STS. Default: `endpoint` if it begins with `http://`, else the STS host of
        /// `site` if the same level sets `site`, else the `sts_endpoint` of the next level.
        sts_endpoint: Host,
        /// The time between two polls of each region. Not shorter than `poll.timeout`. Default:
        /// `poll.interval`.
        interval: Interval,
        /// The rate limit for requests to the API. Default: the `rate_limit` of the top level.
        rate_limit: RateLimitKeys,
        /// How the exporter finds out who changed a track.
        attribution: AttributionKeys,
        /// Tracks that must exist and be enabled. Each item is a name, or a mapping with a name and
        /// the expected values of other fields.
        expected_tracks: List<Track, 100>,
        /// Whether the account needs an enabled track: its own, or tracks of its organization that
        /// record all its operations. Set `false` for a sandbox. Without `poll.details_interval`,
        /// also set `false` for an organization whose members have no tracks of their own.
        track_required: Boolean = true,
        /// How the exporter checks whether operation records arrive in the storage of tracks.
        delivery: DeliveryKeys,
    }
}

mapping! {
    /// One layer of settings: an account, `defaults`, or the members of an organization.
    struct AccountKeys as "account" with common: CommonKeys {
        /// The UIN of the account. The exporter refuses an API key of another account. Default:
        /// the UIN in `assume_role.arn`. Not allowed in `defaults`.
        uin: Uin,
        /// The APPID of the account, a part of the host of each bucket. The exporter uses it for
        /// tracks that the API returns without an APPID. Default: the APPID that Cloud Access
        /// Management returns. Not allowed in `defaults`.
        appid: AppId,
        /// The source of the API key. Set exactly one source. Default: the first source that
        /// exists, in this order: the environment, a profile, the identity of a TKE pod, the
        /// role of a CVM.
        credentials: Source,
        /// The role that the exporter assumes with the API key from `credentials`. An account's
        /// role needs `arn`, here or in `defaults`.
        assume_role: AssumeRoleKeys,
    }
}

/// The keys that belong to a single account.
const OF_ONE_ACCOUNT: [&str; 2] = ["uin", "appid"];

/// `defaults`: the keys of an account, except `uin` and `appid`.
pub(in crate::config) struct DefaultKeys;

impl Setting for DefaultKeys {
    type Value = AccountKeys;

    fn read(node: &Node, reader: &mut Reader) -> Option<AccountKeys> {
        let keys = AccountKeys::read(node, reader);
        for key in OF_ONE_ACCOUNT {
            if node.entries().iter().any(|entry| entry.key == key) {
                reader.refuse_key(
                    key,
                    "not allowed in defaults; set it in the account that it belongs to",
                );
            }
        }
        keys
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let excluded = OF_ONE_ACCOUNT.map(|key| json!({"required": [key]}));
        json!({"allOf": [AccountKeys::schema(definitions)], "not": {"anyOf": excluded}})
    }
}
