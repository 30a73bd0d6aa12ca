//! Asks an organisation for its members, again and again.

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

/// The wait after a refresh that failed, doubled for each further one, until the next would be due
/// anyway.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// What came of a refresh.
#[derive(Clone, Debug)]
pub struct DiscoveryResult {
    /// The organisation.
    pub organization: String,
    /// Its members, or why they are not known.
    pub members: Result<Vec<Member>, Failure>,
}

/// One organisation, and how it is asked.
pub struct Discovery {
    /// The organisation's name in the configuration.
    pub name: String,
    /// The time between two refreshes.
    pub refresh: Duration,
    /// The time before the first refresh.
    pub first_after: Duration,
    /// The time from the first refresh to the second, not longer than that between two others.
    pub second_after: Duration,
    /// Who knows the members.
    pub directory: Directory,
    /// CloudAudit for the admin account, and the region to ask in; none where details are not
    /// wanted.
    pub admin: Option<(Client, String)>,
    /// Whether the organisation's own tracks record for its members.
    pub coverage: watch::Sender<Option<OrganizationCoverage>>,
    /// Told of the calls.
    pub process: Arc<dyn Observer>,
}

impl Discovery {
    /// Asks for ever; `tell` is given what comes of each refresh.
    pub async fn run(self, tell: impl AsyncFn(DiscoveryResult)) {
        let mut is_failing = None;
        let mut failed_in_a_row = 0;
        let mut until_next = self.second_after;
        sleep(self.first_after).await;
        loop {
            let began = Instant::now();
            let found = self.refresh().await;
            let failure = found.members.as_ref().err().map(|failure| failure.reason);
            if is_failing != Some(failure) {
                self.say(&found);
                is_failing = Some(failure);
            }
            failed_in_a_row = if failure.is_some() {
                failed_in_a_row + 1
            } else {
                0
            };
            tell(found).await;
            let due = until_next.saturating_sub(began.elapsed());
            until_next = self.refresh;
            sleep(due.min(self.pause(failed_in_a_row))).await;
        }
    }

    /// Asks once.
    pub async fn refresh(&self) -> DiscoveryResult {
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

    /// Whether enabled tracks of the admin account record everything for everybody. Where that
    /// cannot be told, what was told before stays until it is too old.
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

    /// The longest wait after so many failures in a row: none has a limit of its own.
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

    fn say(&self, found: &DiscoveryResult) {
        let organization = &self.name;
        match &found.members {
            Ok(members) => info!(organization, members = members.len(), "members are known"),
            Err(failure) => warn!(
                organization,
                reason = failure.reason.as_str(),
                code = &*failure.code,
                request_id = failure.request_id.as_deref(),
                error = failure.message,
                "members cannot be asked for; those that are known stay"
            ),
        }
    }
}
