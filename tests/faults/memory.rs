//! A stage in memory, under paused time: the simulated cloud, a real fleet, a real publisher.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::changes::ChangeFeed;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::fleet::{Fleet, FleetObserver};
use cloudaudit_exporter::heartbeat::Heartbeat;
use cloudaudit_exporter::poll::Publish;
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::sim::{Fault, Identity, Track, World};
use cloudaudit_exporter::snapshot::AccountInfo;
use cloudaudit_exporter::tencent::{ResponseFuture, Transport};
use futures_util::FutureExt;
use http::{HeaderMap, Request};
use tokio::time::{Instant, sleep};

use crate::play::{Look, Stage};
use crate::row::Row;
use crate::shown::Shown;
use crate::support::exporter::Samples;
use crate::support::simulated::in_memory;
use crate::{REGION, SECRET_ID, SECRET_KEY, UIN};

/// The default.
const INTERVAL: Duration = Duration::from_mins(1);

const STEP: Duration = Duration::from_secs(1);

/// What differs from test to test.
#[derive(Clone, Copy)]
pub struct Setup {
    pub tracks: u64,
    pub page_size: u32,
    pub max_tracks: usize,
    pub accept_short_listings: bool,
    /// The first one is looked at.
    pub regions: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tracks: 5,
            page_size: 50,
            max_tracks: 10_000,
            accept_short_listings: false,
            regions: &[REGION],
        }
    }
}

pub struct Memory {
    pub world: World,
    pub way: Arc<Way>,
    setup: Setup,
    clock: Clock,
    board: Arc<Board>,
    fleet: Mutex<Fleet>,
    /// So far is the wall clock ahead at a scrape.
    ahead: Mutex<Duration>,
}

impl Memory {
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let world = World::new(UNIX_EPOCH + Duration::from_secs(1_795_392_012));
        let account = world.add_account(UIN);
        account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
        for id in 1..=setup.tracks {
            account.create(Track::new(id, &format!("track-{id}")));
        }
        let way = Arc::new(Way {
            cloud: in_memory(&world),
            headers: Mutex::new(|_| ()),
        });
        let clock = Clock::virtual_at(world.now());
        let board = Arc::new(Board {
            publisher: Publisher::new(),
            process: Arc::new(Process::new()),
            clock: clock.clone(),
            is_to_panic: Arc::default(),
        });
        let to_the_cloud = Arc::clone(&way);
        let factory = Box::new(move |_| Ok(Arc::clone(&to_the_cloud) as Arc<dyn Transport>));
        let process = Arc::clone(&board.process) as _;
        let observer = Arc::clone(&board) as _;
        let fleet = Fleet::new(&BTreeMap::new(), &clock, factory, process, observer);
        Self {
            world,
            way,
            setup,
            clock,
            board,
            fleet: Mutex::new(fleet),
            ahead: Mutex::default(),
        }
    }

    /// Sets the wall clock ahead, for all scrapes from now on.
    pub fn set_wall_clock_ahead(&self, by: Duration) {
        *self.ahead.lock().unwrap() = by;
    }

    /// Plays a fault of the cloud's answers, which lasts until it is cleared.
    pub async fn play_fault(self, row: Row, fault: Fault) {
        let begins = |stage: &Self| {
            stage.world.inject(fault.until_cleared());
        };
        self.play(row, begins, |stage| stage.world.clear_faults())
            .await;
    }

    pub async fn play(self, row: Row, begins: impl FnOnce(&Self), ends: impl FnOnce(&Self)) {
        self.play_seen(row, Look::default(), begins, ends).await;
    }

    pub async fn play_seen(
        mut self,
        row: Row,
        look: Look,
        begins: impl FnOnce(&Self),
        ends: impl FnOnce(&Self),
    ) {
        let begins = async |stage: &mut Self| begins(stage);
        let ends = async |stage: &mut Self| ends(stage);
        row.play(look, &mut self, begins, ends).await;
    }

    /// Takes up a configuration with these regions.
    pub fn load(&self, regions: &[&str]) {
        let Setup {
            page_size,
            max_tracks,
            accept_short_listings,
            ..
        } = self.setup;
        let regions = regions.join(", ");
        let text = format!(
            "endpoint: http://127.0.0.1:1\n\
             poll: {{page_size: {page_size}, max_tracks: {max_tracks}, stale_after: 10m, \
             accept_short_listings: {accept_short_listings}}}\n\
             accounts:\n  prod:\n    regions: [{regions}]\n    \
             credentials: {{secret_id: {SECRET_ID}, secret_key: {SECRET_KEY}}}\n"
        );
        let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
        let mut fleet = self.fleet.lock().unwrap();
        // It names no file, so there is nothing to wait for.
        let plan = fleet.prepare(&config).now_or_never().unwrap().unwrap();
        // There is one account.
        fleet.apply(plan).now_or_never().unwrap();
    }

    /// The loop of the account panics when it publishes next.
    pub fn panic(&self) {
        self.board.is_to_panic.store(true, Ordering::Relaxed);
    }
}

impl Stage for Memory {
    type Mark = Instant;

    async fn start(&mut self) {
        self.load(self.setup.regions);
    }

    async fn shown(&self) -> Shown {
        let Board {
            publisher, process, ..
        } = &*self.board;
        let mut now = self.clock.now();
        now.wall += *self.ahead.lock().unwrap();
        let pieces = publisher.exposition(false, &process.exposition(), now);
        let text = String::from_utf8(pieces.concat()).unwrap();
        Shown::new(Samples::parse(&text), self.setup.regions[0])
    }

    async fn step(&self) {
        sleep(STEP).await;
    }

    fn tracks(&self) -> Vec<Track> {
        crate::account(&self.world).tracks()
    }

    fn mark(&self, _: &Shown) -> Instant {
        Instant::now()
    }

    fn have_passed(&self, intervals: u32, since: &Instant, _: &Shown) -> bool {
        since.elapsed() > INTERVAL * intervals + STEP
    }

    /// What a poll shows it shows at its end.
    fn is_late(&self, intervals: u32, since: &Instant, now: &Shown) -> bool {
        let took = now.value("cloudaudit_last_poll_duration_seconds");
        since.elapsed() > INTERVAL * intervals + Duration::from_secs_f64(took) + STEP
    }
}

/// What accounts publish, and how they fare.
struct Board {
    publisher: Arc<Publisher>,
    process: Arc<Process>,
    clock: Clock,
    is_to_panic: Arc<AtomicBool>,
}

impl FleetObserver for Board {
    fn publisher_for(&self, account: &Arc<AccountInfo>) -> Publish {
        let mut account = self.publisher.account(Arc::clone(account));
        let is_to_panic = Arc::clone(&self.is_to_panic);
        Box::new(move |report, now| {
            let fine = !is_to_panic.swap(false, Ordering::Relaxed);
            assert!(fine, "the test wants a panic");
            let evidence = report.evidence;
            account.publish(report, evidence, now);
        })
    }

    fn change_feed(&self) -> Arc<ChangeFeed> {
        Arc::new(ChangeFeed::new(100))
    }

    fn account_started(&self, account: &str, _: &Arc<Heartbeat>) {
        self.process.account_added(account);
    }

    fn account_restarted(&self, account: &str) {
        self.process.account_restarted(account);
    }

    fn account_removed(&self, account: &str) {
        self.process.account_removed(account);
        self.publisher.withdraw(account, self.clock.now());
    }
}

/// The way to the cloud, and what happens to the headers of answers on it.
pub struct Way {
    cloud: Arc<dyn Transport>,
    headers: Mutex<fn(&mut HeaderMap)>,
}

impl Way {
    pub fn change_headers(&self, change: fn(&mut HeaderMap)) {
        *self.headers.lock().unwrap() = change;
    }
}

impl Transport for Way {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        Box::pin(async move {
            let mut answer = self.cloud.send(request).await?;
            let change = *self.headers.lock().unwrap();
            change(answer.headers_mut());
            Ok(answer)
        })
    }
}
