//! A fleet at the simulated cloud.

use std::collections::BTreeMap;
use std::fs;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::changes::ChangeFeed;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::fleet::{Fleet, FleetObserver, TransportKind};
use cloudaudit_exporter::heartbeat::Heartbeat;
use cloudaudit_exporter::poll::Publish;
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::shard::Shard;
use cloudaudit_exporter::sim::{Identity, Track, World};
use cloudaudit_exporter::snapshot::{AccountInfo, Report};
use futures_util::FutureExt;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::support::simulated::in_memory;

/// The account that has the keys.
pub const HOME: &str = "100000000001";
/// The account whose tracks are listed through an assumed role.
pub const AWAY: &str = "100000000002";

pub const ID: &str = "AKIDhome";
pub const KEY: &str = "key-of-home";

/// Longer than any step that does not wait.
pub const A_MOMENT: Duration = Duration::from_secs(2);

pub fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_720)
}

/// A world with two accounts: one has a key and track 1, the other track 2.
pub fn world() -> World {
    let world = World::new(noon());
    let home = world.add_account(HOME);
    home.add_identity(Identity::permanent(ID, KEY));
    home.create(Track::new(1, "home"));
    world.add_account(AWAY).create(Track::new(2, "away"));
    world
}

/// A fleet at a world, with its files and its reports.
pub struct Stage {
    pub fleet: Fleet,
    pub shown: Arc<Shown>,
    pub changes: Arc<ChangeFeed>,
    pub folder: TempDir,
    /// The shard that it runs as.
    pub shard: Shard,
    pub clock: Clock,
    environment: BTreeMap<String, String>,
}

impl Stage {
    /// Creates a fleet without accounts. `environment` holds the variables of the process.
    pub fn new(world: &World, environment: &[(&str, &str)]) -> Self {
        Self::at(world, environment, Clock::virtual_at(world.now()))
    }

    /// Creates a fleet without accounts at another time.
    pub fn at(world: &World, environment: &[(&str, &str)], clock: Clock) -> Self {
        let transport = in_memory(world);
        let factory = Box::new(move |kind| match kind {
            TransportKind::Plain => Ok(Arc::clone(&transport)),
            TransportKind::Https(_) => Err("this cloud has no HTTPS transport".to_owned()),
        });
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: BTreeMap<String, String> = environment.iter().map(own).collect();
        let shown = Arc::<Shown>::default();
        let process = Arc::new(Process::new());
        let changes = Arc::new(ChangeFeed::new(100));
        let observer = Arc::new(ShownObserver(Arc::clone(&shown), Arc::clone(&changes)));
        Self {
            fleet: Fleet::new(&environment, &clock, factory, process, observer),
            shown,
            changes,
            folder: TempDir::new().unwrap(),
            shard: Shard::ALONE,
            clock,
            environment,
        }
    }

    /// Creates a fleet with this configuration and every endpoint at the simulated cloud.
    pub fn with(world: &World, environment: &[(&str, &str)], config: &str) -> Self {
        let mut stage = Self::new(world, environment);
        stage.load(config);
        stage
    }

    /// Creates a fleet with the account `prod`, which has these settings.
    pub fn of(world: &World, environment: &[(&str, &str)], account: &str) -> Self {
        Self::with(
            world,
            environment,
            &format!("accounts: {{prod: {account}}}"),
        )
    }

    fn parse(&self, config: &str) -> Config {
        let text = format!("endpoint: http://127.0.0.1:1\n{config}\n");
        let file = self.folder.path().join("config.yaml");
        let file = file.to_str().unwrap();
        let config = Config::parse(file, &text, &self.environment).unwrap();
        let shard = self.shard;
        Config { shard, ..config }
    }

    /// Loads the first configuration, without letting time pass.
    pub fn load(&mut self, config: &str) {
        let config = self.parse(config);
        // File reads run on the blocking pool, which does not need this thread.
        let runtime = Handle::current();
        let fleet = &mut self.fleet;
        let plan = thread::scope(|scope| {
            let preparing = scope.spawn(|| runtime.block_on(fleet.prepare(&config)));
            preparing.join().unwrap()
        });
        let mut applying = pin!(self.fleet.apply(plan.unwrap()));
        // `apply` only yields to other tasks.
        while applying.as_mut().now_or_never().is_none() {}
    }

    /// Loads another configuration, which may wait for changed files.
    pub async fn reload(&mut self, config: &str) {
        let config = self.parse(config);
        let plan = self.fleet.prepare(&config).await;
        self.fleet.apply(plan.unwrap()).await;
    }

    /// Writes a file in the folder of the configuration.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Lets time pass, and applies the members that organizations report meanwhile.
    pub async fn pass(&mut self, time: Duration) {
        let end = sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                found = self.fleet.next_discovery() => {
                    if let Some(plan) = self.fleet.apply_discovery(found).await.unwrap() {
                        self.fleet.apply(plan).await;
                    }
                }
            }
        }
    }

    /// Returns the tracks of the account `prod` after a poll.
    pub async fn tracks(&mut self) -> Vec<u64> {
        self.pass(A_MOMENT).await;
        tracks(&self.shown.last("prod"))
    }

    /// Returns the failure of the account `prod`.
    pub async fn failure(&mut self) -> Failure {
        self.pass(Duration::from_secs(30)).await;
        self.shown.last("prod").targets[0].failure.clone().unwrap()
    }
}

pub fn tracks(report: &Report) -> Vec<u64> {
    let target = &report.targets[0];
    assert_eq!(target.failure, None);
    let good = target.last_good.as_ref().unwrap();
    good.listing.tracks.iter().map(|track| track.id).collect()
}

/// Records the reports of accounts and the refreshes of organizations.
#[derive(Default)]
pub struct Shown {
    reports: Mutex<BTreeMap<String, Report>>,
    /// Every failure that was ever published.
    failures: Mutex<Vec<(String, Failure)>>,
    refreshes: Mutex<Vec<(String, Option<usize>)>>,
}

impl Shown {
    pub fn last(&self, account: &str) -> Report {
        self.reports.lock().unwrap()[account].clone()
    }

    pub fn accounts(&self) -> Vec<String> {
        self.reports.lock().unwrap().keys().cloned().collect()
    }

    pub fn reports(&self) -> Vec<Report> {
        self.reports.lock().unwrap().values().cloned().collect()
    }

    /// Returns every published failure that was caused by missing or rejected credentials.
    pub fn without_credentials(&self) -> Vec<(String, Failure)> {
        let failures = self.failures.lock().unwrap().clone();
        let lacks = |(_, failure): &(String, Failure)| {
            matches!(
                failure.reason,
                Reason::Credentials | Reason::Unauthenticated
            )
        };
        failures.into_iter().filter(lacks).collect()
    }

    pub fn refreshes(&self) -> Vec<(String, Option<usize>)> {
        self.refreshes.lock().unwrap().clone()
    }

    fn see(&self, report: Report) {
        let name = report.account.name.clone();
        for target in &report.targets {
            if let Some(failure) = &target.failure {
                let mut failures = self.failures.lock().unwrap();
                failures.push((name.clone(), failure.clone()));
            }
        }
        self.reports.lock().unwrap().insert(name, report);
    }
}

struct ShownObserver(Arc<Shown>, Arc<ChangeFeed>);

impl FleetObserver for ShownObserver {
    fn publisher_for(&self, _: &Arc<AccountInfo>) -> Publish {
        let shown = Arc::clone(&self.0);
        Box::new(move |report, _| shown.see(Report::clone(&report)))
    }

    fn change_feed(&self) -> Arc<ChangeFeed> {
        Arc::clone(&self.1)
    }

    fn account_started(&self, _: &str, _: &Arc<Heartbeat>) {}

    fn account_restarted(&self, account: &str) {
        panic!("{account} was restarted");
    }

    fn account_removed(&self, account: &str) {
        self.0.reports.lock().unwrap().remove(account);
    }

    fn organization_refreshed(&self, organization: &str, members: Result<usize, &Failure>) {
        let mut refreshes = self.0.refreshes.lock().unwrap();
        refreshes.push((organization.to_owned(), members.ok()));
    }
}
