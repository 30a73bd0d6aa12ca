//! Accounts at a scripted cloud: what they publish, and what they say.

use std::collections::BTreeMap;
use std::io;
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
use tracing::subscriber::{DefaultGuard, set_default};

use super::cloud::{Call, Cloud, Reply};
use super::{INTERVAL, RETENTION, TIMEOUT};

pub(crate) const SECRET_ID: &str = "AKIDnotforanybodyseyes";
pub(crate) const SECRET_KEY: &str = "thekeythatisnotforanybodyseyes";
pub(crate) const TOKEN: &str = "thetokenthatisnotforanybodyseyes";

/// A report as it was published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) report: Arc<Report>,
    pub(crate) now: Moment,
    /// On which thread.
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
    /// That of the organisation which every account is a member of.
    pub(crate) coverage: watch::Sender<Option<OrganizationCoverage>>,
    pacer: Arc<Pacer>,
    in_flight: Arc<Semaphore>,
    published: Arc<Mutex<Vec<Published>>>,
    log: Log,
    /// While it is there, this thread logs to `log`.
    _logging: DefaultGuard,
}

impl World {
    pub(crate) fn new(script: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone());
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
            log,
            _logging: set_default(subscriber.finish()),
        }
    }

    /// An account that publishes to the end of the list.
    pub(crate) async fn account(&self, name: &str, regions: &[&str]) -> Account {
        self.resumed(name, regions, Memory::default()).await
    }

    /// The same of an account that was polled before.
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
                url: "https://cloudaudit.tencentcloudapi.com".to_owned(),
                host: "cloudaudit.tencentcloudapi.com".to_owned(),
            },
            transport: Arc::clone(&self.cloud) as _,
            provider: Arc::clone(&self.provider),
            pacer: Arc::clone(&self.pacer),
            in_flight: Arc::clone(&self.in_flight),
            clock: self.clock.clone(),
        };
        let published = Arc::clone(&self.published);
        let publish: Publish = Box::new(move |report, now| {
            let mut published = published.lock().expect("nobody panics with it");
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

    /// Starts an account now, and tells when that is.
    pub(crate) fn start(&self, name: &str, regions: &[&str]) -> Instant {
        let now = Instant::now();
        let (parts, handle) = self.parts(name, regions, Memory::default());
        tokio::spawn(async move { Account::new(parts, handle).await.run(now).await });
        now
    }

    /// The organization's own tracks are listed now.
    pub(crate) fn organization_covers(&self, is_covered: bool, refresh: Duration) {
        let found = OrganizationCoverage::found(is_covered, self.clock.now(), refresh);
        self.coverage.send_replace(Some(found));
    }

    pub(crate) fn published(&self) -> Vec<Published> {
        self.published
            .lock()
            .expect("nobody panics with it")
            .clone()
    }

    /// What is known of a region by now.
    pub(crate) fn target(&self, region: &str) -> TargetReport {
        let published = self.published();
        let last = published.last().expect("something was published");
        last.target(region).clone()
    }

    /// How many calls are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        MAX_IN_FLIGHT - self.in_flight.available_permits()
    }

    /// The lines of the log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        let log = self.log.0.lock().expect("nobody panics with it");
        let text = std::str::from_utf8(&log).expect("a log is text");
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// What was written to the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().expect("nobody panics with it");
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the process was told of.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) sent: Mutex<Vec<Sent>>,
    pub(crate) ended: Mutex<u64>,
}

impl Observer for Observed {
    fn sent(&self, call: &Sent) {
        self.sent.lock().expect("nobody panics with it").push(*call);
    }

    fn ended(&self, _: &Ended<'_>) {
        *self.ended.lock().expect("nobody panics with it") += 1;
    }
}

/// Lets time pass from `start`, to a moment after so many intervals.
pub(crate) async fn intervals_after(start: Instant, intervals: u32) {
    sleep_until(start + intervals * INTERVAL + Duration::from_millis(10)).await;
}
