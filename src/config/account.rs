//! An account, and how the exporter polls it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::credentials::{AssumeRole, Credentials};
use super::delivery::Delivery;
use super::endpoint::Endpoint;
use super::site::Site;
use crate::snapshot::{ExpectedTrack, Member};

/// An account: the unit of credentials, rate limit, schedule and isolation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The label `account`.
    pub name: String,
    /// The regions to poll, in the order of the configuration: at least one, each once.
    pub regions: Vec<String>,
    /// The cloud of the account.
    pub site: Site,
    /// The host of the CloudAudit API.
    pub endpoint: Endpoint,
    /// Labels on every series of the account.
    pub labels: BTreeMap<String, String>,
    /// The time between two polls of a region.
    pub interval: Duration,
    /// The most requests a second for its identity at its endpoint.
    pub requests_per_second: u32,
    /// How the exporter polls it.
    pub poll: Poll,
    /// Where the key for the API comes from.
    pub credentials: Credentials,
    /// The role to assume with the credentials.
    pub assume_role: Option<AssumeRole>,
    /// The UIN of the account that the credentials must belong to.
    pub uin: Option<String>,
    /// Whether the configuration sets `uin`. If not, `uin` comes from the ARN of the role, if any.
    pub is_uin_configured: bool,
    /// The STS that identifies accounts, and that exchanges tokens and assumes roles unless the
    /// credentials or the role set another STS.
    pub sts_endpoint: Endpoint,
    /// The organization of a discovered account, `None` for an account of the configuration.
    pub organization: Option<String>,
    /// What the organization knows about the account.
    #[serde(skip)] // Discovered, not configured.
    pub member: Option<Member>,
    /// The time between two requests for the details of a track, `None` to request none. The same
    /// for all accounts.
    pub details_interval: Option<Duration>,
    /// The search for the operators who made changes. `None` if it is disabled.
    pub attribution: Option<Attribution>,
    /// The APPID of the account, if the configuration sets it.
    pub app_id: Option<String>,
    /// The checks of its storage targets. `None` if they are disabled.
    pub delivery: Option<Delivery>,
    /// Tracks that must exist, in the order of the configuration, each name once.
    pub expected_tracks: Vec<ExpectedTrack>,
    /// Whether the account needs an enabled track of its own, or coverage by its organization.
    pub track_required: bool,
    /// UINs of accounts whose storage is a normal destination. The same for all accounts.
    #[serde(serialize_with = "serialize_shared")]
    pub trusted_storage_accounts: Arc<BTreeSet<String>>,
}

/// The search for the operators who made changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// The time between two sweeps, `None` to search only after a change.
    pub sweep_interval: Option<Duration>,
    /// Whether the operator's name is a label.
    pub operator_label: bool,
}

/// How the exporter polls an account. The same for all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Poll {
    /// The time limit of each attempt of a request.
    pub timeout: Duration,
    /// The most attempts for a request, the first included.
    pub attempts: u32,
    /// The number of tracks on a page.
    pub page_size: u32,
    /// How long the exporter serves the last complete listing.
    pub stale_after: Duration,
    /// How long a deleted track stays visible.
    pub tombstone_for: Duration,
    /// The most tracks of a target that have series of their own.
    pub max_tracks: usize,
    /// How far `CreateTime` is ahead of UTC, in seconds.
    pub create_time_offset: i32,
    /// Whether a listing with fewer tracks than `TotalCount` counts as complete.
    pub accept_short_listings: bool,
}

fn serialize_shared<S: Serializer>(
    set: &Arc<BTreeSet<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    set.as_ref().serialize(serializer)
}
