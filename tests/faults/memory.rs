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
use crate::support::process::exposition;
use crate::support::simulated::in_memory;
use crate::{REGION, SECRET_ID, SECRET_KEY, UIN};

/// The default.
const INTERVAL: Duration = Duration::from_mins(1);

const STEP: Duration = Duration::from_secs(1);

/// The settings that differ between tests.
#[derive(Clone, Copy)]
pub struct Setup {
    pub tracks: u64,
    pub page_size: u32,
    pub max_tracks: usize,
    pub accept_short_listings: bool,
    /// The first region is examined.
    pub regions: &'static [&'static str],
    /// More keys of the account, instead of a permanent key.
    pub credentials: Option<&'static str>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tracks: 5,
            page_size: 50,
            max_tracks: 10_000,
            accept_short_listings: false,
            regions: &[REGION],
            credentials: None,
        }
    }
}

pub struct Memory {
    pub world: World,
    pub transport: Arc<EditingTransport>,
    setup: Setup,
    clock: Clock,
    board: Arc<Board>,
    fleet: Mutex<Fleet>,
    /// How far ahead the wall clock is at a scrape.
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
        let transport = Arc::new(EditingTransport {
            cloud: in_memory(&world),
            headers: Mutex::new(|_| ()),
        });
        let clock = Clock::virtual_at(world.now());
        let board = Arc::new(Board {
            publisher: Publisher::new(),
            process: Arc::new(Process::new()),
            clock: clock.clone(),
            should_panic: Arc::default(),
        });
        let shared = Arc::clone(&transport);
        let factory = Box::new(move |_| Ok(Arc::clone(&shared) as Arc<dyn Transport>));
        let process = Arc::clone(&board.process) as _;
        let observer = Arc::clone(&board) as _;
        let fleet = Fleet::new(&BTreeMap::new(), &clock, factory, process, observer);
        Self {
            world,
            transport,
            setup,
            clock,
            board,
            fleet: Mutex::new(fleet),
            ahead: Mutex::default(),
        }
    }

    /// Sets the wall clock ahead for all later scrapes.
    pub fn set_wall_clock_ahead(&self, by: Duration) {
        *self.ahead.lock().unwrap() = by;
    }

    /// Plays a fault of the cloud's responses, which lasts until it is cleared.
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

    /// Loads a configuration with these regions.
    pub fn load(&self, regions: &[&str]) {
        let Setup {
            page_size,
            max_tracks,
            accept_short_listings,
            credentials,
            ..
        } = self.setup;
        let regions = regions.join(", ");
        let permanent =
            format!("credentials: {{secret_id: {SECRET_ID}, secret_key: {SECRET_KEY}}}");
        let credentials = credentials.unwrap_or(&permanent);
        let text = format!(
            "endpoint: http://127.0.0.1:1\n\
             poll: {{page_size: {page_size}, max_tracks: {max_tracks}, stale_after: 10m, \
             accept_short_listings: {accept_short_listings}}}\n\
             accounts:\n  prod:\n    regions: [{regions}]\n    {credentials}\n"
        );
        let config = Config::parse("config.yaml", &text, &BTreeMap::new()).unwrap();
        let mut fleet = self.fleet.lock().unwrap();
        // The configuration names no file, so preparation never waits.
        let plan = fleet.prepare(&config).now_or_never().unwrap().unwrap();
        // With one account, `apply` never yields.
        fleet.apply(plan).now_or_never().unwrap();
    }

    /// Makes the account's loop panic at its next report.
    pub fn panic(&self) {
        self.board.should_panic.store(true, Ordering::Relaxed);
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
        let pieces = publisher.exposition(false, &exposition(process), now);
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

    /// A poll publishes when it ends.
    fn is_late(&self, intervals: u32, since: &Instant, now: &Shown) -> bool {
        let took = now.value("cloudaudit_last_poll_duration_seconds");
        since.elapsed() > INTERVAL * intervals + Duration::from_secs_f64(took) + STEP
    }
}

/// Records what accounts publish, and their restarts.
struct Board {
    publisher: Arc<Publisher>,
    process: Arc<Process>,
    clock: Clock,
    should_panic: Arc<AtomicBool>,
}

impl FleetObserver for Board {
    fn publisher_for(&self, account: &Arc<AccountInfo>) -> Publish {
        let mut account = self.publisher.account(Arc::clone(account));
        let should_panic = Arc::clone(&self.should_panic);
        Box::new(move |report, now| {
            let fine = !should_panic.swap(false, Ordering::Relaxed);
            assert!(fine, "the test requested a panic");
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

/// A transport to the cloud that can change the headers of responses.
pub struct EditingTransport {
    cloud: Arc<dyn Transport>,
    headers: Mutex<fn(&mut HeaderMap)>,
}

impl EditingTransport {
    pub fn change_headers(&self, change: fn(&mut HeaderMap)) {
        *self.headers.lock().unwrap() = change;
    }
}

impl Transport for EditingTransport {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        Box::pin(async move {
            let mut answer = self.cloud.send(request).await?;
            let change = *self.headers.lock().unwrap();
            change(answer.headers_mut());
            Ok(answer)
        })
    }
}
