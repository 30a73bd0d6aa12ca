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
        /// The cloud that the accounts are in; it sets the endpoints.
        site: SiteName = Site::default().as_str(),
        /// Another host, or URL, than that of the site. A host on loopback is a simulated cloud:
        /// calls to STS and to the Organization API go there too, unless the same level sets their
        /// endpoints.
        endpoint: Host,
        /// Another STS than that of the site, to identify accounts, exchange tokens and assume
        /// roles. Default: the host of the site, or an `endpoint` on loopback.
        sts_endpoint: Host,
        /// How the exporter polls accounts.
        poll: PollKeys,
        /// The most requests to the API.
        rate_limit: RateLimitKeys,
        /// Checks whether operation records arrive at the storage of tracks.
        delivery: DeliveryKeys,
        /// What the exporter persists over a restart.
        state: StateKeys,
        /// The change feed.
        changes: ChangesKeys,
        /// The search for the operators behind changes.
        attribution: AttributionKeys,
        /// How requests reach the cloud.
        http: HttpKeys,
        /// UINs of accounts whose storage is a normal destination, besides the account's own.
        trusted_storage_accounts: List<Uin, 1000>,
        /// Settings for every account that does not set them itself: the keys of an account except
        /// `uin` and `appid`.
        defaults: DefaultKeys,
        /// Files of more accounts: each a mapping like `accounts`, or a mapping with the single key
        /// `accounts`.
        account_files: AccountFiles,
        /// The accounts by name, which is the label `account`. At least one account or organization
        /// is required.
        accounts: Names<AccountName, AccountKeys, { defaults::MOST_ACCOUNTS }>,
        /// Organizations by name, which is the label `organization`: the exporter discovers and
        /// polls every member account, with a role that it assumes there.
        organizations: Names<OrganizationName, OrganizationKeys, 64>,
    }
    extra {
        "anyOf": [
            {"required": ["accounts"], "properties": {"accounts": {"minProperties": 1}}},
            {"required": ["organizations"], "properties": {"organizations": {"minProperties": 1}}},
            {"required": ["account_files"]}
        ],
        "patternProperties": {"^x-": {"description": "Free, for YAML anchors."}}
    }
}

mapping! {
    struct StateKeys as "state" {
        /// The state file. Default: `state.json` in the folder that systemd names in
        /// `STATE_DIRECTORY`; without that variable, no state file.
        file: FilePath,
    }
}

mapping! {
    struct ChangesKeys as "changes" {
        /// The number of latest changes that the exporter keeps, also in the state file; changes are
        /// dropped after 90 days at the latest.
        keep: WholeNumber<10_000> = defaults::KEEP_CHANGES,
    }
}

mapping! {
    struct HttpKeys as "http" {
        /// Certificates (PEM) to trust besides those of the system.
        ca_file: FilePath,
        /// The proxy for requests to the cloud. Default: the proxy of the environment.
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
            "Paths, relative to this file, in which `*` and `?` stand for names; up to {most} files."
        ));
        schema
    }
}
