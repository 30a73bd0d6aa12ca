//! The results of a probe.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::{self, Site};
use crate::failure::Failure;
use crate::snapshot::{Listing, Status, StorageTarget};
use crate::tencent::sts::CallerIdentity;

/// The findings of a probe, sorted by name.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The configured accounts of this shard.
    pub accounts: Vec<AccountFindings>,
    /// The organizations.
    pub organizations: Vec<OrganizationFindings>,
    /// Accounts that are the same Tencent Cloud account under two names.
    pub warnings: Vec<String>,
}

/// The findings about an account.
#[derive(Clone, Debug)]
pub struct AccountFindings {
    /// The name of the account.
    pub account: String,
    /// The provider of its credentials, as in the label `provider`.
    pub provider: &'static str,
    /// The ARN of the role that it assumes, if any.
    pub role: Option<String>,
    /// The identity that STS reports for the role, or for the credentials if the role cannot be
    /// assumed. `None` if STS was not called.
    pub identity: Option<Result<CallerIdentity, ProbeError>>,
    /// Why no region can be polled.
    pub error: Option<ProbeError>,
    /// The other site, if only that site knows the key.
    pub known_at_site: Option<Site>,
    /// The regions, sorted by name.
    pub regions: Vec<RegionFindings>,
    /// The storage targets of enabled tracks, if delivery is checked; at most
    /// [`MAX_TARGETS`](super::MAX_TARGETS).
    pub storage: Vec<StorageFinding>,
    /// The number of other storage targets, which were not checked.
    pub unchecked_storage: usize,
    /// The expected tracks, in the order of the configuration. Empty if no region was listed.
    pub expected: Vec<ExpectedFinding>,
}

impl AccountFindings {
    /// Returns all errors of the account.
    pub fn errors(&self) -> impl Iterator<Item = &ProbeError> {
        let regions = self.regions.iter();
        let of_regions = regions.flat_map(|region| {
            [
                region.tracks.as_ref().err(),
                region.details.as_ref(),
                region.events.as_ref(),
            ]
        });
        let storage = self.storage.iter().filter_map(|it| match &it.result {
            StorageResult::Failed(error) => Some(error),
            _ => None,
        });
        self.error.iter().chain(of_regions.flatten()).chain(storage)
    }

    /// Returns the number of storage targets that do not exist.
    pub fn missing_storage(&self) -> usize {
        let results = self.storage.iter().map(|it| &it.result);
        let missing = results.filter(|it| matches!(it, StorageResult::Missing(_)));
        missing.count()
    }

    /// Returns the number of tracks that are not enabled, each counted once.
    pub fn tracks_off(&self) -> usize {
        let listings = self.regions.iter().filter_map(|it| it.tracks.as_ref().ok());
        let tracks = listings.flat_map(|listing| listing.all());
        let off = tracks.filter(|track| track.status != Status::Enabled);
        off.map(|track| track.id).collect::<BTreeSet<u64>>().len()
    }

    /// Returns the number of expected tracks that are not as expected. Those that are not known do
    /// not count.
    pub fn unexpected(&self) -> usize {
        let problems = self.expected.iter().filter_map(|it| it.problem.as_ref());
        problems.filter(|it| **it != TrackProblem::Unknown).count()
    }
}

/// The findings about a target.
#[derive(Clone, Debug)]
pub struct RegionFindings {
    /// The region.
    pub region: String,
    /// The tracks.
    pub tracks: Result<Arc<Listing>, ProbeError>,
    /// Why the details of a track are unavailable, if they are configured.
    pub details: Option<ProbeError>,
    /// Why operation records are unavailable, if attribution or delivery is enabled.
    pub events: Option<ProbeError>,
}

/// The finding about a storage target.
#[derive(Clone, Debug)]
pub struct StorageFinding {
    /// The target.
    pub target: StorageTarget,
    /// What a check has found.
    pub result: StorageResult,
}

/// What a check of a storage target has found.
#[derive(Clone, Debug)]
pub enum StorageResult {
    /// When the newest records arrived, if any did.
    Seen(Option<SystemTime>),
    /// What does not exist.
    Missing(String),
    /// Why it cannot be checked.
    Impossible(String),
    /// The check failed.
    Failed(ProbeError),
}

/// The finding about an expected track.
#[derive(Clone, Debug)]
pub struct ExpectedFinding {
    /// The name of the track.
    pub name: String,
    /// `None` if the track is as expected.
    pub problem: Option<TrackProblem>,
}

/// What is wrong with an expected track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackProblem {
    /// No region lists it.
    NotListed,
    /// It is listed, but not enabled.
    Off,
    /// These fields have other values. It may be off, too.
    Different(Vec<&'static str>),
    /// A region that could not be listed may have it.
    Unknown,
}

/// The findings about an organization.
#[derive(Clone, Debug)]
pub struct OrganizationFindings {
    /// The name of the organization.
    pub organization: String,
    /// The admin account. It has a region only if `details_interval` is set.
    pub admin: AccountFindings,
    /// The numbers of all members and of polled members. `None` if the members were not listed.
    pub members: Option<Result<[usize; 2], ProbeError>>,
    /// The first polled members, at most [`MAX_MEMBERS`](super::MAX_MEMBERS).
    pub probed_members: Vec<AccountFindings>,
}

/// A step of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeStep {
    /// Obtaining a key of the credentials.
    Key,
    /// Assuming the role.
    Role,
    /// Verifying the identity of the keys.
    Identity,
    /// Listing the tracks.
    Tracks,
    /// Reading the details of a track.
    Details,
    /// Reading operation records.
    Events,
    /// Listing a bucket.
    Bucket,
    /// Counting the records of a log topic.
    LogTopic,
    /// Describing a topic of `CKafka`.
    KafkaTopic,
    /// Listing the members of an organization.
    Members,
}

/// A failed step of a probe.
#[derive(Clone, Debug)]
pub struct ProbeError {
    /// The step that failed.
    pub step: ProbeStep,
    /// The endpoint, unless the step is local.
    pub at: Option<String>,
    /// The failure.
    pub failure: Failure,
}

impl ProbeError {
    pub(super) fn new(step: ProbeStep, at: Option<&config::Endpoint>, failure: Failure) -> Self {
        Self {
            step,
            at: at.map(ToString::to_string),
            failure,
        }
    }
}
