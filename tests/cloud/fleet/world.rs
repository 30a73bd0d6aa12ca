//! A fleet at an in-memory cloud, and an observer that records everything.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::changes::ChangeFeed;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::fleet::{Fleet, FleetObserver, TransportKind};
use cloudaudit_exporter::heartbeat::{Heartbeat, Heartbeats};
use cloudaudit_exporter::poll::Publish;
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::snapshot::{AccountInfo, Report, TargetReport};
use cloudaudit_exporter::tencent::{ResponseFuture, Transport};
use futures_util::FutureExt;
use http::{Request, Response};
use tokio::time::{Instant, sleep};

/// Longer than a call to this cloud takes, and shorter than anything that tests wait for.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(100);

/// A fleet with its cloud and its observer.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) observer: Arc<Witness>,
}

impl World {
    /// Creates a fleet without accounts.
    pub(crate) fn new() -> Self {
        let cloud = Arc::<Cloud>::default();
        let transport = Arc::clone(&cloud);
        let factory = Box::new(move |wanted| match wanted {
            TransportKind::Plain => Ok(Arc::clone(&transport) as Arc<dyn Transport>),
            TransportKind::Https(_) => Err("this cloud has no HTTPS transport".to_owned()),
        });
        let heartbeats = Arc::new(Heartbeats::new(Instant::now()));
        let observer = Arc::new(Witness {
            published: Mutex::default(),
            withdrawn: Mutex::default(),
            restarted: Mutex::default(),
            heartbeats: Arc::clone(&heartbeats),
            changes: Arc::new(ChangeFeed::new(100)),
            panics: Mutex::default(),
        });
        tokio::spawn(async move { heartbeats.beat().await });
        let clock = Clock::virtual_at(UNIX_EPOCH + Duration::from_millis(1_795_392_012_345));
        let process = Arc::new(Process::new());
        let environment = BTreeMap::new();
        let forwarder = Arc::new(WitnessObserver(Arc::clone(&observer)));
        Self {
            fleet: Fleet::new(&environment, &clock, factory, process, forwarder),
            cloud,
            observer,
        }
    }

    /// Creates a fleet with these accounts.
    pub(crate) fn with(accounts: &str) -> Self {
        let mut world = Self::new();
        world.load(accounts).unwrap();
        world
    }

    /// Loads a configuration, or returns why it cannot be used.
    pub(crate) fn load(&mut self, accounts: &str) -> Result<(), String> {
        let text = format!("endpoint: http://127.0.0.1:1\naccounts: {accounts}");
        let config = Config::parse("test.yaml", &text, &BTreeMap::new()).unwrap();
        // The configuration names no file, so preparation never waits.
        let plan = self.fleet.prepare(&config).now_or_never().unwrap()?;
        let mut applying = pin!(self.fleet.apply(plan));
        // `apply` only yields to other tasks.
        while applying.as_mut().now_or_never().is_none() {}
        Ok(())
    }

    /// Like `load`, for replaced keys: the fleet first asks STS which account owns them.
    pub(crate) async fn reload(&mut self, accounts: &str) {
        let text = format!("endpoint: http://127.0.0.1:1\naccounts: {accounts}");
        let config = Config::parse("test.yaml", &text, &BTreeMap::new()).unwrap();
        let plan = self.fleet.prepare(&config).await.unwrap();
        self.fleet.apply(plan).await;
    }

    /// Returns the last report of a target.
    pub(crate) fn target(&self, account: &str, region: &str) -> TargetReport {
        let report = self.observer.last(account);
        let mut targets = report.targets.iter();
        targets.find(|it| it.region == region).unwrap().clone()
    }
}

/// Records what the fleet publishes and reports.
pub(crate) struct Witness {
    published: Mutex<Vec<(Instant, Arc<Report>)>>,
    withdrawn: Mutex<Vec<String>>,
    restarted: Mutex<Vec<(Instant, String)>>,
    heartbeats: Arc<Heartbeats>,
    pub(crate) changes: Arc<ChangeFeed>,
    /// How many more reports of each account panic.
    panics: Mutex<BTreeMap<String, u32>>,
}

impl Witness {
    /// Returns when the account published.
    pub(crate) fn times(&self, account: &str) -> Vec<Instant> {
        let published = self.published.lock().unwrap();
        let mine = published.iter().filter(|it| it.1.account.name == account);
        mine.map(|(at, _)| *at).collect()
    }

    /// Returns the last report of the account.
    pub(crate) fn last(&self, account: &str) -> Arc<Report> {
        let published = self.published.lock().unwrap();
        let mut mine = published.iter().rev();
        let (_, report) = mine.find(|it| it.1.account.name == account).unwrap();
        report.clone()
    }

    pub(crate) fn withdrawn(&self) -> Vec<String> {
        self.withdrawn.lock().unwrap().clone()
    }

    /// Returns which accounts were restarted, and when.
    pub(crate) fn restarted(&self) -> Vec<(Instant, String)> {
        self.restarted.lock().unwrap().clone()
    }

    /// Makes the next reports of the account panic.
    pub(crate) fn panic_on_reports_of(&self, account: &str, reports: u32) {
        let mut panics = self.panics.lock().unwrap();
        panics.insert(account.to_owned(), reports);
    }

    /// Returns the health of the process.
    pub(crate) fn healthy(&self) -> Result<(), String> {
        self.heartbeats.check(Instant::now())
    }

    /// Forgets what was published so far.
    pub(crate) fn forget(&self) {
        self.published.lock().unwrap().clear();
    }

    fn see(&self, report: Arc<Report>) {
        let fine = !self.should_panic(&report.account.name);
        assert!(fine, "the test requested a panic");
        let mut published = self.published.lock().unwrap();
        published.push((Instant::now(), report));
    }

    fn should_panic(&self, account: &str) -> bool {
        let mut panics = self.panics.lock().unwrap();
        let left = panics.get_mut(account).filter(|left| **left > 0);
        left.is_some_and(|left| {
            *left -= 1;
            true
        })
    }
}

/// Forwards the fleet's events to the witness.
struct WitnessObserver(Arc<Witness>);

impl FleetObserver for WitnessObserver {
    fn publisher_for(&self, _: &Arc<AccountInfo>) -> Publish {
        let witness = Arc::clone(&self.0);
        Box::new(move |report, _| witness.see(report))
    }

    fn change_feed(&self) -> Arc<ChangeFeed> {
        Arc::clone(&self.0.changes)
    }

    fn account_started(&self, account: &str, heartbeat: &Arc<Heartbeat>) {
        self.0.heartbeats.watch(account, Arc::clone(heartbeat));
    }

    fn account_restarted(&self, account: &str) {
        let mut restarted = self.0.restarted.lock().unwrap();
        restarted.push((Instant::now(), account.to_owned()));
    }

    fn account_removed(&self, account: &str) {
        self.0.heartbeats.unwatch(account);
        self.0.withdrawn.lock().unwrap().push(account.to_owned());
    }
}

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) secret_id: String,
    pub(crate) region: String,
}

/// A cloud with one track per region. Selected regions and hosts never respond, and selected hosts
/// refuse the exporter's address.
#[derive(Default)]
pub(crate) struct Cloud {
    calls: Mutex<Vec<Call>>,
    silent: Mutex<BTreeSet<String>>,
    refusing: Mutex<BTreeSet<String>>,
}

impl Cloud {
    /// Returns when the identity called the region.
    pub(crate) fn calls(&self, secret_id: &str, region: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        let mine = calls
            .iter()
            .filter(|call| call.secret_id == secret_id && call.region == region);
        mine.map(|call| call.at).collect()
    }

    /// Returns when the identity sent any call.
    pub(crate) fn all_calls(&self, secret_id: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        let mine = calls.iter().filter(|call| call.secret_id == secret_id);
        mine.map(|call| call.at).collect()
    }

    /// Stops all responses of the host.
    pub(crate) fn silence_host(&self, host: &str) {
        self.silent.lock().unwrap().insert(host.to_owned());
    }

    /// Makes the host refuse every call because of its source address.
    pub(crate) fn refuse_our_address(&self, host: &str) {
        self.refusing.lock().unwrap().insert(host.to_owned());
    }

    /// Stops all responses of the region.
    pub(crate) fn silence(&self, region: &str) {
        self.silent.lock().unwrap().insert(region.to_owned());
    }
}

impl Transport for Cloud {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let authorization = header("authorization");
        let (_, credential) = authorization.split_once("Credential=").unwrap();
        let (secret_id, _) = credential.split_once('/').unwrap();
        let region = header("x-tc-region");
        let host = header("host");
        self.calls.lock().unwrap().push(Call {
            at: Instant::now(),
            secret_id: secret_id.to_owned(),
            region: region.clone(),
        });
        let silent = self.silent.lock().unwrap();
        let is_silent = silent.contains(&region) || silent.contains(&host);
        let is_refusing = self.refusing.lock().unwrap().contains(&host);
        Box::pin(async move {
            sleep(LATENCY).await;
            if is_silent {
                pending::<()>().await;
            }
            if is_refusing {
                let body = r#"{"Response":{"Error":{"Code":"RequestLimitExceeded.IPLimitExceeded","Message":"m"},"RequestId":"r"}}"#;
                return Ok(Response::new(Bytes::from_static(body.as_bytes())));
            }
            let body = r#"{"Response":{"Tracks":[{"TrackId":1,"Name":"all","Status":1}],"TotalCount":1,"RequestId":"r"}}"#;
            Ok(Response::new(Bytes::from_static(body.as_bytes())))
        })
    }
}

const LATENCY: Duration = Duration::from_millis(50);
