//! Accounts at a scripted cloud, with their reports and their log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread::{ThreadId, current};
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::changes::ChangeFeed;
use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::history::Retention;
use cloudaudit_exporter::poll::{Account, AccountParts, Memory, Publish, PublishHandle, Schedule};
use cloudaudit_exporter::snapshot::{AccountInfo, OrganizationCoverage, Report, TargetReport};
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider, Provider};
use cloudaudit_exporter::tencent::{
    CallOptions, Client, ClientParts, Ended, Endpoint, MAX_IN_FLIGHT, Observer, Pacer, Sent,
    SourceIpLimit,
};
use jiff::tz::Offset;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until};

use super::cloud::{Call, Cloud, Reply};
use super::{INTERVAL, RETENTION, TIMEOUT};
use crate::support::log::CollectedLog;

pub(crate) const SECRET_ID: &str = "AKIDmustneverbelogged";
pub(crate) const SECRET_KEY: &str = "thekeythatmustneverbelogged";
pub(crate) const TOKEN: &str = "thetokenthatmustneverbelogged";

/// A report as it was published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) report: Arc<Report>,
    pub(crate) now: Moment,
    /// The thread that published it.
    pub(crate) thread: ThreadId,
}

impl Published {
    pub(crate) fn target(&self, region: &str) -> &TargetReport {
        let mut targets = self.report.targets.iter();
        let target = targets.find(|target| target.region == region);
        target.expect("the account has the region")
    }
}

pub(crate) struct World {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) clock: Clock,
    pub(crate) options: CallOptions,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) observed: Arc<Observed>,
    pub(crate) retention: Retention,
    pub(crate) changes: Arc<ChangeFeed>,
    /// The coverage by the organization that every account belongs to.
    pub(crate) coverage: watch::Sender<Option<OrganizationCoverage>>,
    pacer: Arc<Pacer>,
    in_flight: Arc<Semaphore>,
    published: Arc<Mutex<Vec<Published>>>,
    log: CollectedLog,
}

impl World {
    pub(crate) fn new(script: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        Self {
            cloud: Arc::new(Cloud::new(script)),
            clock: Clock::virtual_at(UNIX_EPOCH + Duration::from_millis(1_795_392_012_345)),
            options: CallOptions {
                timeout: TIMEOUT,
                attempts: 3,
                page_size: 1,
                create_time_offset: Offset::UTC,
                max_tracks: 10_000,
                accept_short_listings: false,
            },
            provider: Arc::new(FixedProvider::new(
                Credential::new(SECRET_ID.to_owned(), SECRET_KEY.into(), Some(TOKEN.into()))
                    .expect("it can be sent"),
            )),
            observed: Arc::default(),
            retention: RETENTION,
            changes: Arc::new(ChangeFeed::new(100)),
            coverage: watch::Sender::default(),
            pacer: Arc::new(Pacer::new(1_000, SourceIpLimit::default())),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            published: Arc::default(),
            log: CollectedLog::begin(),
        }
    }

    /// Creates an account that appends its reports to `published`.
    pub(crate) async fn account(&self, name: &str, regions: &[&str]) -> Account {
        self.resumed(name, regions, Memory::default()).await
    }

    /// Creates an account that was polled before.
    pub(crate) async fn resumed(&self, name: &str, regions: &[&str], memory: Memory) -> Account {
        let (parts, handle) = self.parts(name, regions, memory);
        Account::new(parts, handle).await
    }

    fn parts(
        &self,
        name: &str,
        regions: &[&str],
        memory: Memory,
    ) -> (AccountParts, Arc<PublishHandle>) {
        let info = AccountInfo {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            uin: String::new(),
            site: "international",
            organization: String::new(),
            provider: "inline",
            ..AccountInfo::default()
        };
        let regions: Vec<String> = regions.iter().map(ToString::to_string).collect();
        let schedule = Schedule {
            details_interval: None,
            attribution: None,
            interval: INTERVAL,
            retention: self.retention,
        };
        let parts = ClientParts {
            endpoint: Endpoint {
                url: "https://cloudaudit.tencentcloudapi.com".into(),
                host: "cloudaudit.tencentcloudapi.com".into(),
            },
            transport: Arc::clone(&self.cloud) as _,
            provider: Arc::clone(&self.provider),
            pacer: Arc::clone(&self.pacer),
            in_flight: Arc::clone(&self.in_flight),
            clock: self.clock.clone(),
        };
        let published = Arc::clone(&self.published);
        let publish: Publish = Box::new(move |report, now| {
            let mut published = published.lock().expect("the lock is not poisoned");
            let thread = current().id();
            published.push(Published {
                report,
                now,
                thread,
            });
        });
        let parts = AccountParts {
            info: Arc::new(info),
            regions,
            schedule,
            client: Arc::new(Client::new(parts, self.options)),
            coverage: self.coverage.subscribe(),
            delivery: None,
            process: Arc::clone(&self.observed) as _,
        };
        let handle = PublishHandle::new(memory, publish, Arc::clone(&self.changes), Instant::now());
        (parts, Arc::new(handle))
    }

    /// Starts an account and returns the current time.
    pub(crate) fn start(&self, name: &str, regions: &[&str]) -> Instant {
        let now = Instant::now();
        let (parts, handle) = self.parts(name, regions, Memory::default());
        tokio::spawn(async move { Account::new(parts, handle).await.run(now).await });
        now
    }

    /// Sets the coverage by the organization, as observed now.
    pub(crate) fn organization_covers(&self, is_covered: bool, refresh: Duration) {
        let found = OrganizationCoverage::found(is_covered, self.clock.now(), refresh);
        self.coverage.send_replace(Some(found));
    }

    pub(crate) fn published(&self) -> Vec<Published> {
        self.published
            .lock()
            .expect("the lock is not poisoned")
            .clone()
    }

    /// Returns the last report of a region.
    pub(crate) fn target(&self, region: &str) -> TargetReport {
        let published = self.published();
        let last = published.last().expect("something was published");
        last.target(region).clone()
    }

    /// Returns the number of calls in flight.
    pub(crate) fn in_flight(&self) -> usize {
        MAX_IN_FLIGHT - self.in_flight.available_permits()
    }

    /// Returns the log lines so far.
    pub(crate) fn log(&self) -> Vec<String> {
        let log = self.log.text();
        log.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// Records what accounts report to the process.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) sent: Mutex<Vec<Sent>>,
    pub(crate) ended: Mutex<u64>,
}

impl Observer for Observed {
    fn sent(&self, call: &Sent) {
        self.sent
            .lock()
            .expect("the lock is not poisoned")
            .push(*call);
    }

    fn ended(&self, _: &Ended<'_>) {
        *self.ended.lock().expect("the lock is not poisoned") += 1;
    }
}

/// Waits until shortly after this many intervals from `start`.
pub(crate) async fn intervals_after(start: Instant, intervals: u32) {
    sleep_until(start + intervals * INTERVAL + Duration::from_millis(10)).await;
}
