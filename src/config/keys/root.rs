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
        /// The site of the accounts; it sets the endpoints.
        site: SiteName = Site::default().as_str(),
        /// The host of CloudAudit. On loopback it is a simulated cloud: requests to the other
        /// services go there too, unless the same level sets their endpoints. Default: the site's
        /// CloudAudit host.
        endpoint: Host,
        /// The host of STS, which identifies accounts and issues temporary keys. Default:
        /// `endpoint` if on loopback, else the site's STS host.
        sts_endpoint: Host,
        /// How the exporter polls accounts.
        poll: PollKeys,
        /// The rate limit for requests to the API.
        rate_limit: RateLimitKeys,
        /// Checks whether operation records arrive at the storage of tracks.
        delivery: DeliveryKeys,
        /// What survives a restart.
        state: StateKeys,
        /// The change feed.
        changes: ChangesKeys,
        /// The search for the operators behind changes.
        attribution: AttributionKeys,
        /// How requests reach the cloud.
        http: HttpKeys,
        /// UINs of accounts, besides the polled account, whose storage is a normal destination.
        trusted_storage_accounts: List<Uin, 1000>,
        /// Settings for every account that does not set them: the keys of an account except `uin`
        /// and `appid`.
        defaults: DefaultKeys,
        /// Files of more accounts: a mapping like `accounts`, or a mapping with the single key
        /// `accounts`.
        account_files: AccountFiles,
        /// The accounts by name, the label `account`. At least one account or organization is
        /// required.
        accounts: Names<AccountName, AccountKeys, { defaults::MOST_ACCOUNTS }>,
        /// Organizations by name, the label `organization`: the exporter discovers and polls every
        /// member account, with a role in each.
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
        /// The state file. Default: `state.json` in the folder of `STATE_DIRECTORY`, which systemd
        /// sets; else no state file.
        file: FilePath,
    }
}

mapping! {
    struct ChangesKeys as "changes" {
        /// How many of the latest changes the exporter keeps, also in the state file. It drops
        /// changes after 90 days.
        keep: WholeNumber<10_000> = defaults::KEEP_CHANGES,
    }
}

mapping! {
    struct HttpKeys as "http" {
        /// Additional CA certificates (PEM) to trust.
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
