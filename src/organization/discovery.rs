//! Discovers the members of an organization periodically.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::failure::Failure;
use crate::snapshot::{Member, OrganizationCoverage, Status, Track};
use crate::tencent::organization::Directory;
use crate::tencent::{Client, Observer};

/// The wait after a failed refresh. It doubles with each further failure, up to the refresh
/// interval.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The result of a discovery.
#[derive(Clone, Debug)]
pub struct DiscoveryResult {
    /// The name of the organization.
    pub organization: String,
    /// The members, or why they could not be listed.
    pub members: Result<Vec<Member>, Failure>,
}

/// The discovery of one organization.
pub struct Discovery {
    /// The name of the organization in the configuration.
    pub name: String,
    /// The time between two refreshes.
    pub refresh: Duration,
    /// The time before the first refresh.
    pub first_after: Duration,
    /// The time between the first and the second refresh, at most `refresh`.
    pub second_after: Duration,
    /// Lists the members.
    pub directory: Directory,
    /// The CloudAudit client and the region of the admin account. `None` without
    /// `details_interval`.
    pub admin: Option<(Client, String)>,
    /// Whether the organization's own tracks record for its members.
    pub coverage: watch::Sender<Option<OrganizationCoverage>>,
    /// Observes the requests.
    pub process: Arc<dyn Observer>,
}

impl Discovery {
    /// Runs forever, and passes each result to `report`.
    pub async fn run(self, report: impl AsyncFn(DiscoveryResult)) {
        let mut is_failing = None;
        let mut failed_in_a_row = 0;
        let mut until_next = self.second_after;
        sleep(self.first_after).await;
        loop {
            let began = Instant::now();
            let found = self.refresh().await;
            let failure = found.members.as_ref().err().map(|failure| failure.reason);
            if is_failing != Some(failure) {
                self.log(&found);
                is_failing = Some(failure);
            }
            failed_in_a_row = if failure.is_some() {
                failed_in_a_row + 1
            } else {
                0
            };
            report(found).await;
            let due = until_next.saturating_sub(began.elapsed());
            until_next = self.refresh;
            sleep(due.min(self.pause(failed_in_a_row))).await;
        }
    }

    /// Marks the coverage as unknown, unless a result is known. A task does this before it waits for its
    /// first refresh, because accounts may be polled before. Without `details_interval`, the
    /// organization's tracks do not count, and the result is discarded.
    pub fn begin_coverage(&self) {
        self.coverage.send_if_modified(|coverage| {
            let begun = self.admin.as_ref().map(|(client, _)| {
                let unknown = || OrganizationCoverage::unknown(client.clock().now());
                coverage.unwrap_or_else(unknown)
            });
            std::mem::replace(coverage, begun) != begun
        });
    }

    /// Discovers the members once.
    pub async fn refresh(&self) -> DiscoveryResult {
        self.begin_coverage();
        let members = self.directory.members().await;
        if members.is_ok() {
            self.refresh_coverage().await;
        } else {
            self.coverage_refresh_failed();
        }
        DiscoveryResult {
            organization: self.name.clone(),
            members,
        }
    }

    /// Determines whether the enabled tracks of the admin account record everything for all
    /// members. If that fails, the previous result stays until it is too old.
    async fn refresh_coverage(&self) {
        let Some((client, region)) = &self.admin else {
            return;
        };
        let until = Instant::now() + self.refresh;
        match self.covers_all(client, region, until).await {
            Ok(is_covered) => {
                let now = client.clock().now();
                let found = OrganizationCoverage::found(is_covered, now, self.refresh);
                self.coverage.send_replace(Some(found));
            }
            Err(failure) => {
                self.coverage_refresh_failed();
                warn!(
                    organization = self.name,
                    reason = failure.reason.as_str(),
                    code = &*failure.code,
                    request_id = failure.request_id.as_deref(),
                    error = failure.message,
                    "cannot list the admin account's tracks"
                );
            }
        }
    }

    fn coverage_refresh_failed(&self) {
        self.coverage.send_modify(|coverage| {
            if let Some(coverage) = coverage {
                coverage.refresh_failed();
            }
        });
    }

    async fn covers_all(
        &self,
        client: &Client,
        region: &str,
        until: Instant,
    ) -> Result<bool, Failure> {
        let listing = client.list(region, until, &*self.process).await?;
        let (mut reads, mut writes) = (false, false);
        let enabled = listing.tracks.iter();
        for track in enabled.filter(|track| track.status == Status::Enabled) {
            let details = client.describe(region, track.id, until, &*self.process);
            let track = Track {
                details: Some(details.await?),
                ..track.clone()
            };
            if track.is_organization_wide() == Some(true) {
                reads |= track.covers("Read") == Some(true);
                writes |= track.covers("Write") == Some(true);
            }
        }
        Ok(reads && writes)
    }

    /// Returns the longest wait after this many failures in a row. Without a failure, it is the
    /// refresh interval.
    fn pause(&self, failed_in_a_row: usize) -> Duration {
        let Some(pauses_before) = failed_in_a_row.checked_sub(1) else {
            return self.refresh;
        };
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(self.refresh.max(FIRST_PAUSE))
            .with_jitter()
            .without_max_times()
            .build();
        pauses.nth(pauses_before).unwrap_or(self.refresh)
    }

    fn log(&self, found: &DiscoveryResult) {
        let organization = &self.name;
        match &found.members {
            Ok(members) => info!(organization, members = members.len(), "members listed"),
            Err(failure) => warn!(
                organization,
                reason = failure.reason.as_str(),
                code = &*failure.code,
                request_id = failure.request_id.as_deref(),
                error = failure.message,
                "cannot list the members; keeping the known members"
            ),
        }
    }
}
