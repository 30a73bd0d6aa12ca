//! A fleet at a cloud in memory, and an observer that writes everything down.

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

/// Longer than a call of this cloud takes, and shorter than anything that tests wait for.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(100);

/// A fleet and all around it.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) observer: Arc<Witness>,
}

impl World {
    /// Nobody polls yet.
    pub(crate) fn new() -> Self {
        let cloud = Arc::<Cloud>::default();
        let way = Arc::clone(&cloud);
        let factory = Box::new(move |wanted| match wanted {
            TransportKind::Plain => Ok(Arc::clone(&way) as Arc<dyn Transport>),
            TransportKind::Https(_) => Err("there is no way out of here".to_owned()),
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
        let eyes = Arc::new(Eyes(Arc::clone(&observer)));
        Self {
            fleet: Fleet::new(&environment, &clock, factory, process, eyes),
            cloud,
            observer,
        }
    }

    /// A fleet that has taken this configuration up.
    pub(crate) fn with(accounts: &str) -> Self {
        let mut world = Self::new();
        world.load(accounts).unwrap();
        world
    }

    /// Takes a configuration up, or does not.
    pub(crate) fn load(&mut self, accounts: &str) -> Result<(), String> {
        let text = format!("endpoint: http://127.0.0.1:1\naccounts: {accounts}");
        let config = Config::parse("test.yaml", &text, &BTreeMap::new()).unwrap();
        // It names no file, so there is nothing to wait for.
        let plan = self.fleet.prepare(&config).now_or_never().unwrap()?;
        let mut adopting = pin!(self.fleet.apply(plan));
        // It only lets other tasks run in between.
        while adopting.as_mut().now_or_never().is_none() {}
        Ok(())
    }

    /// The same for keys that are replaced, because STS is asked whose they are.
    pub(crate) async fn reload(&mut self, accounts: &str) {
        let text = format!("endpoint: http://127.0.0.1:1\naccounts: {accounts}");
        let config = Config::parse("test.yaml", &text, &BTreeMap::new()).unwrap();
        let plan = self.fleet.prepare(&config).await.unwrap();
        self.fleet.apply(plan).await;
    }

    /// What is shown of a target.
    pub(crate) fn target(&self, account: &str, region: &str) -> TargetReport {
        let report = self.observer.last(account);
        let mut targets = report.targets.iter();
        targets.find(|it| it.region == region).unwrap().clone()
    }
}

/// What there is to see and to hear.
pub(crate) struct Witness {
    published: Mutex<Vec<(Instant, Arc<Report>)>>,
    withdrawn: Mutex<Vec<String>>,
    restarted: Mutex<Vec<(Instant, String)>>,
    heartbeats: Arc<Heartbeats>,
    pub(crate) changes: Arc<ChangeFeed>,
    /// Whose reports panic, and how many more of them do.
    panics: Mutex<BTreeMap<String, u32>>,
}

impl Witness {
    /// When the account published.
    pub(crate) fn times(&self, account: &str) -> Vec<Instant> {
        let published = self.published.lock().unwrap();
        let mine = published.iter().filter(|it| it.1.account.name == account);
        mine.map(|(at, _)| *at).collect()
    }

    /// What the account published last.
    pub(crate) fn last(&self, account: &str) -> Arc<Report> {
        let published = self.published.lock().unwrap();
        let mut mine = published.iter().rev();
        let (_, report) = mine.find(|it| it.1.account.name == account).unwrap();
        report.clone()
    }

    pub(crate) fn withdrawn(&self) -> Vec<String> {
        self.withdrawn.lock().unwrap().clone()
    }

    /// Who was restarted, and when.
    pub(crate) fn restarted(&self) -> Vec<(Instant, String)> {
        self.restarted.lock().unwrap().clone()
    }

    /// The account's next reports panic.
    pub(crate) fn panic_at_reports_of(&self, account: &str, reports: u32) {
        let mut panics = self.panics.lock().unwrap();
        panics.insert(account.to_owned(), reports);
    }

    /// What the process would say of its health.
    pub(crate) fn healthy(&self) -> Result<(), String> {
        self.heartbeats.check(Instant::now())
    }

    /// Forgets what was published so far.
    pub(crate) fn forget(&self) {
        self.published.lock().unwrap().clear();
    }

    fn see(&self, report: Arc<Report>) {
        let fine = !self.is_to_panic(&report.account.name);
        assert!(fine, "the test wants a panic");
        let mut published = self.published.lock().unwrap();
        published.push((Instant::now(), report));
    }

    fn is_to_panic(&self, account: &str) -> bool {
        let mut panics = self.panics.lock().unwrap();
        let left = panics.get_mut(account).filter(|left| **left > 0);
        left.is_some_and(|left| {
            *left -= 1;
            true
        })
    }
}

/// How the fleet sees it.
struct Eyes(Arc<Witness>);

impl FleetObserver for Eyes {
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

/// A cloud with one track in each region, in which some regions and hosts never answer, and some
/// hosts refuse our address.
#[derive(Default)]
pub(crate) struct Cloud {
    calls: Mutex<Vec<Call>>,
    silent: Mutex<BTreeSet<String>>,
    refusing: Mutex<BTreeSet<String>>,
}

impl Cloud {
    /// When the identity asked for the region.
    pub(crate) fn calls(&self, secret_id: &str, region: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        let mine = calls
            .iter()
            .filter(|call| call.secret_id == secret_id && call.region == region);
        mine.map(|call| call.at).collect()
    }

    /// When the identity asked for anything.
    pub(crate) fn all_calls(&self, secret_id: &str) -> Vec<Instant> {
        let calls = self.calls.lock().unwrap();
        let mine = calls.iter().filter(|call| call.secret_id == secret_id);
        mine.map(|call| call.at).collect()
    }

    /// From now on the host does not answer.
    pub(crate) fn silence_host(&self, host: &str) {
        self.silent.lock().unwrap().insert(host.to_owned());
    }

    /// From now on the host refuses every call for its source address.
    pub(crate) fn refuse_our_address(&self, host: &str) {
        self.refusing.lock().unwrap().insert(host.to_owned());
    }

    /// From now on the region does not answer.
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
