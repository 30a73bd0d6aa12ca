//! The configuration, checked: inside there is nothing left to check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::credentials::{AssumeRole, Credentials};
use super::endpoint::Endpoint;
use super::organization::Organization;
use crate::proxy::Proxy;
use crate::shard::Shard;
use crate::snapshot::{ExpectedTrack, Member};

/// What should run.
#[derive(Clone, Debug)]
pub struct Config {
    /// How calls to the cloud leave this machine.
    pub http: Http,
    /// Where what is known is kept over a restart; nowhere where it is none.
    pub state_file: Option<PathBuf>,
    /// Every account that somebody wrote down, by name.
    pub accounts: Vec<Account>,
    /// Every organisation, by name.
    pub organizations: Vec<Organization>,
    /// The part of all these that this process polls. No file says it, as it differs from process
    /// to process; until whoever starts them does, it is all of it.
    pub shard: Shard,
    /// What works and should not stay; no secret is in it.
    pub warnings: Vec<String>,
}

impl Config {
    /// A number that is the same as long as the configuration says the same, wherever it says it
    /// and whatever else its file holds.
    ///
    /// It is the hash of what prints of the configuration, and secrets do not print: they have no
    /// part in it, so that nobody can try guesses against it. A changed key alone leaves it as it
    /// is. Nor have what each process of several has for itself: its state file, its shard.
    pub fn hash(&self) -> u64 {
        let mut accounts: Vec<&Account> = self.accounts.iter().collect();
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        let mut organizations: Vec<&Organization> = self.organizations.iter().collect();
        organizations.sort_by(|one, other| one.name.cmp(&other.name));
        let digest = Sha256::digest(format!("{:?} {accounts:?} {organizations:?}", self.http));
        // As many bits as a Prometheus sample, a double, holds exactly, in whole bytes.
        let first = digest[..6].iter();
        first.fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// The accounts that somebody wrote down and this shard polls.
    pub fn own_accounts(&self) -> impl Iterator<Item = &Account> {
        let accounts = self.accounts.iter();
        accounts.filter(|account| self.shard.owns(&account.shard_key()))
    }
}

/// How calls to the cloud leave this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// PEM certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy of this file or of the environment.
    pub proxy: Option<Proxy>,
}

/// An account: the unit of credentials, rate limit, schedule and isolation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The label `account`.
    pub name: String,
    /// Where to ask, in the order of the configuration: at least one, each once.
    pub regions: Vec<String>,
    /// Which of the two clouds it is in.
    pub site: Site,
    /// Where the API is.
    pub endpoint: Endpoint,
    /// On every series of the account.
    pub labels: BTreeMap<String, String>,
    /// Each region is polled once in this time.
    pub interval: Duration,
    /// The most calls a second for its identity at its endpoint.
    pub requests_per_second: u32,
    /// How it is polled.
    pub poll: Poll,
    /// Who asks.
    pub credentials: Credentials,
    /// The role that is assumed with the credentials.
    pub assume_role: Option<AssumeRole>,
    /// The account that the credentials must belong to.
    pub uin: Option<String>,
    /// Whether the configuration says `uin`. If not, it follows from the ARN of the role.
    pub is_uin_configured: bool,
    /// Where identities are asked for, tokens exchanged and roles assumed, where nothing nearer to
    /// them says otherwise.
    pub sts_endpoint: Endpoint,
    /// The organisation that the account was discovered in; none where somebody wrote it down.
    pub organization: Option<String>,
    /// What that organisation says of it.
    pub member: Option<Member>,
    /// How often each track's details are asked for; none: never. The same for all accounts.
    pub details_interval: Option<Duration>,
    /// Tracks that should be there, in the order of the configuration, each name once.
    pub expected_tracks: Vec<ExpectedTrack>,
    /// Whether it needs an enabled track of its own.
    pub track_required: bool,
    /// UINs whose storage is a normal place to deliver to; the same for all accounts.
    pub trusted_storage_accounts: Arc<BTreeSet<String>>,
}

/// How an account is polled; the same for all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// For one request.
    pub timeout: Duration,
    /// For one request, the first included.
    pub attempts: u32,
    /// Tracks on one page.
    pub page_size: u32,
    /// How long the last complete listing is served.
    pub stale_after: Duration,
    /// How long a vanished track stays visible.
    pub tombstone_for: Duration,
    /// Tracks of one target that have series of their own.
    pub max_tracks: usize,
    /// What `CreateTime` is ahead of UTC, in seconds.
    pub create_time_offset: i32,
    /// Whether a listing below `TotalCount` counts as complete.
    pub accept_short_listings: bool,
}

/// Tencent Cloud is two clouds that know nothing of each other's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// The cloud whose documentation this exporter is written by.
    #[default]
    International,
    /// Mainland China's.
    China,
}

impl Site {
    /// The value of the label `site`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::International => "international",
            Self::China => "china",
        }
    }

    /// The one that it is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::International => Self::China,
            Self::China => Self::International,
        }
    }

    /// The site's own host of the CloudAudit API.
    pub fn endpoint(self) -> Endpoint {
        self.host("cloudaudit")
    }

    /// The site's own STS.
    pub fn sts_endpoint(self) -> Endpoint {
        self.host("sts")
    }

    /// The site's own host of the API for organisations.
    pub fn organization_endpoint(self) -> Endpoint {
        self.host("organization")
    }

    fn host(self, product: &str) -> Endpoint {
        Endpoint::of_host(&match self {
            Self::International => format!("{product}.intl.tencentcloudapi.com"),
            Self::China => format!("{product}.tencentcloudapi.com"),
        })
    }
}
