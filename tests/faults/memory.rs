//! A stage in memory, under paused time: the simulated cloud, a real account, a real publisher.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::history::Retention;
use cloudaudit_exporter::poll::{Account, Schedule};
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::sim::{Fault, Identity, Track, World};
use cloudaudit_exporter::snapshot::AccountInfo;
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider};
use cloudaudit_exporter::tencent::{
    Answer, CallOptions, Client, Endpoint, MAX_IN_FLIGHT, Pacer, Parts, Transport,
};
use http::{HeaderMap, Request};
use jiff::tz::Offset;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::exporter::Samples;
use crate::play::{Look, Stage};
use crate::row::Row;
use crate::shown::Shown;
use crate::simulated::in_memory;
use crate::{REGION, SECRET_ID, SECRET_KEY, UIN};

pub const HOST: &str = "cloudaudit.intl.tencentcloudapi.com";

/// As the configuration has it where nothing is said, but for `stale_after`.
const INTERVAL: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;
pub const REQUESTS_PER_SECOND: u32 = 10;
pub const STALE_AFTER: Duration = Duration::from_mins(10);
const TOMBSTONE_FOR: Duration = Duration::from_hours(24);

const STEP: Duration = Duration::from_secs(1);

/// What differs from test to test.
#[derive(Clone, Copy)]
pub struct Setup {
    pub tracks: u64,
    pub page_size: u32,
    pub max_tracks: usize,
    /// The first one is looked at.
    pub regions: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tracks: 5,
            page_size: 50,
            max_tracks: 10_000,
            regions: &[REGION],
        }
    }
}

pub struct Memory {
    pub world: World,
    pub way: Arc<Way>,
    setup: Setup,
    clock: Clock,
    publisher: Arc<Publisher>,
    process: Arc<Process>,
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
        Self {
            way: Arc::new(Way {
                cloud: in_memory(&world),
                headers: Mutex::new(|_| ()),
            }),
            setup,
            clock: Clock::virtual_at(world.now()),
            publisher: Publisher::new(),
            process: Arc::new(Process::new()),
            world,
        }
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

    fn client(&self) -> Client {
        let credential =
            Credential::new(SECRET_ID.to_owned(), SECRET_KEY.into(), None).expect("it can be sent");
        let parts = Parts {
            endpoint: Endpoint {
                url: format!("https://{HOST}"),
                host: HOST.to_owned(),
            },
            transport: Arc::clone(&self.way) as _,
            provider: Arc::new(FixedProvider::new(credential)),
            pacer: Arc::new(Pacer::new(REQUESTS_PER_SECOND)),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            clock: self.clock.clone(),
        };
        let options = CallOptions {
            timeout: TIMEOUT,
            attempts: ATTEMPTS,
            page_size: self.setup.page_size,
            create_time_offset: Offset::UTC,
        };
        Client::new(parts, options)
    }
}

impl Stage for Memory {
    type Mark = Instant;

    async fn start(&mut self) {
        let info = Arc::new(AccountInfo {
            name: "prod".to_owned(),
            site: "international",
            provider: "inline",
            track_required: true,
            ..AccountInfo::default()
        });
        let schedule = Schedule {
            interval: INTERVAL,
            retention: Retention {
                stale_after: STALE_AFTER,
                tombstone_for: TOMBSTONE_FOR,
                max_tracks: self.setup.max_tracks,
            },
        };
        let regions = self.setup.regions.iter();
        let regions: Vec<String> = regions.map(ToString::to_string).collect();
        let mut published = self.publisher.account(Arc::clone(&info));
        let process = Arc::clone(&self.process);
        let account = Account::new(
            info,
            &regions,
            schedule,
            self.client(),
            process,
            move |report, now| published.publish(report, now),
        );
        tokio::spawn(account.run(Instant::now()));
    }

    async fn shown(&self) -> Shown {
        let own = self.process.exposition();
        let pieces = self.publisher.exposition(false, &own, self.clock.now());
        let text = String::from_utf8(pieces.concat()).unwrap();
        Shown::new(Samples::parse(&text), self.setup.regions[0])
    }

    async fn step(&self) {
        sleep(STEP).await;
    }

    fn tracks(&self) -> Vec<Track> {
        crate::account(&self.world).tracks()
    }

    async fn mark(&self) -> Instant {
        Instant::now()
    }

    /// A poll that began in time may end a little later.
    async fn intervals_since(&self, mark: &Instant) -> u32 {
        let poll = self.shown().await;
        let poll = poll.value("cloudaudit_last_poll_duration_seconds");
        let passed = mark.elapsed().as_secs_f64() - poll - STEP.as_secs_f64();
        let intervals = (passed / INTERVAL.as_secs_f64()).max(0.0).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a test is over after some intervals"
        )]
        let intervals = intervals as u32;
        intervals
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
    fn send(&self, request: Request<Bytes>) -> Answer<'_> {
        Box::pin(async move {
            let mut answer = self.cloud.send(request).await?;
            let change = *self.headers.lock().unwrap();
            change(answer.headers_mut());
            Ok(answer)
        })
    }
}
