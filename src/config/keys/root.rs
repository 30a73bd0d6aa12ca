//! The top level of the configuration file.

use serde_json::{Value as Json, json};

use super::super::defaults;
use super::super::definitions::{Definitions, LIMITS};
use super::super::document::Node;
use super::super::leaf::{
    AccountName, FilePath, FilePattern, Host, OrganizationName, ProxyUrl, SiteName, Uin,
    WholeNumber,
};
use super::super::reader::Reader;
use super::super::site::Site;
use super::super::value_types::{List, Names, Setting};
use super::account::{AccountKeys, DefaultKeys};
use super::attribution::AttributionKeys;
use super::delivery::DeliveryKeys;
use super::mapping::mapping;
use super::organization::OrganizationKeys;
use super::poll::PollKeys;
use super::rate_limit::RateLimitKeys;

mapping! {
    struct ConfigKeys as "cloudaudit-exporter" {
        /// The Tencent Cloud site of the accounts. The site determines the default endpoints.
        site: SiteName = Site::default().as_str(),
        /// The host of CloudAudit. If the value begins with `http://`, as for a simulated cloud, it
        /// is also the default host of the other services. Default: the site's CloudAudit host.
        endpoint: Host,
        /// The host of STS, which identifies accounts and issues temporary keys. Default:
        /// `endpoint` if it begins with `http://`, else the site's STS host.
        sts_endpoint: Host,
        /// How the exporter polls accounts.
        poll: PollKeys,
        /// The rate limit for requests to the API.
        rate_limit: RateLimitKeys,
        /// How the exporter checks whether operation records arrive in the storage of tracks.
        delivery: DeliveryKeys,
        /// The state file, which keeps the history over a restart.
        state: StateKeys,
        /// How many changes to tracks the exporter keeps.
        changes: ChangesKeys,
        /// How the exporter finds out who changed a track.
        attribution: AttributionKeys,
        /// The proxy and the CA certificates for requests to the cloud.
        http: HttpKeys,
        /// UINs of other accounts that tracks may deliver to. `CloudAuditTrackStorageForeign` does
        /// not fire for their storage.
        trusted_storage_accounts: List<Uin, 1000>,
        /// Default settings of accounts and organizations: all keys of an account except `uin` and
        /// `appid`. Organizations ignore `assume_role`.
        defaults: DefaultKeys,
        /// Files with more accounts. Each file is a mapping of accounts by name, or has the key
        /// `accounts`.
        account_files: AccountFiles,
        /// The accounts by name. The name is the value of the label `account`. At least one account
        /// or organization is required.
        accounts: Names<AccountName, AccountKeys, { defaults::MOST_ACCOUNTS }>,
        /// The organizations by name. The name is the value of the label `organization`. The
        /// exporter lists the members, assumes a role in each selected member account, and polls
        /// the account.
        organizations: Names<OrganizationName, OrganizationKeys, 64>,
    }
    extra {
        "anyOf": [
            {"required": ["accounts"], "properties": {"accounts": {"minProperties": 1}}},
            {"required": ["organizations"], "properties": {"organizations": {"minProperties": 1}}},
            {"required": ["account_files"]}
        ],
        "patternProperties": {"^x-": {"description": "The exporter ignores keys that begin with x-: use them for YAML anchors."}}
    }
}

mapping! {
    struct StateKeys as "state" {
        /// The state file. A changed path needs a restart. Default: `state.json` in the folder that
        /// `STATE_DIRECTORY` names, else no state file.
        file: FilePath,
    }
}

mapping! {
    struct ChangesKeys as "changes" {
        /// How many changes the exporter keeps, in memory and in the state file. The exporter drops
        /// a change after 90 days.
        keep: WholeNumber<10_000> = defaults::KEEP_CHANGES,
    }
}

mapping! {
    struct HttpKeys as "http" {
        /// A file with CA certificates (PEM) that the exporter trusts in addition to the CA
        /// certificates of the system.
        ca_file: FilePath,
        /// The proxy for requests to the cloud. Default: the first of these variables that is not
        /// empty: `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`.
        proxy: ProxyUrl,
    }
}

/// The patterns of account files, which are part of the document already.
pub(in crate::config) struct AccountFiles;

type Patterns = List<FilePattern, { defaults::MOST_ACCOUNT_FILES }>;

impl Setting for AccountFiles {
    type Value = Vec<String>;

    fn read(node: &Node, reader: &mut Reader) -> Option<Vec<String>> {
        Patterns::read(node, reader)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let mut schema = Patterns::schema(definitions);
        let most = defaults::MOST_ACCOUNT_FILES;
        schema[LIMITS] = json!(format!(
            "Paths are relative to the configuration file. `*` and `?` match parts of a name. Up to {most} files."
        ));
        schema
    }
}
