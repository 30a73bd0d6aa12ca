//! A stage over loopback, in real time: the simulated cloud behind a socket, and the binary.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Fault, Identity, Server, Track, World};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::play::{Look, Stage};
use crate::row::Row;
use crate::shown::Shown;
use crate::support::address::free_address;
use crate::support::exporter::Exporter;
use crate::{REGION, SECRET_ID, SECRET_KEY, UIN};

/// A part of an interval, which is a second here.
const STEP: Duration = Duration::from_millis(40);

const TRACKS: u64 = 5;

/// The number of lines that are logged between checks for dropped lines.
const RELOADS: usize = 250;

/// Intervals take real time here, so only a few are examined.
pub const LOOK: Look = Look {
    seen_within: 3,
    seen_for: 1,
};

/// A cloud that may be stopped, and a binary that may not be running.
pub struct Wire {
    pub world: World,
    /// The environment of the exporter.
    pub environment: Vec<(&'static str, &'static str)>,
    /// More lines of its configuration.
    pub config: String,
    /// The endpoint in the exporter's configuration.
    pub endpoint: String,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
    exporter: Option<Exporter>,
    folder: TempDir,
}

impl Wire {
    /// Starts a cloud, and no exporter yet.
    pub async fn new() -> Self {
        let world = World::new(SystemTime::now());
        let account = world.add_account(UIN);
        account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
        for id in 1..=TRACKS {
            account.create(Track::new(id, &format!("track-{id}")));
        }
        let address = free_address();
        let mut wire = Self {
            world,
            environment: vec![
                ("TENCENTCLOUD_SECRET_ID", SECRET_ID),
                ("TENCENTCLOUD_SECRET_KEY", SECRET_KEY),
            ],
            config: String::new(),
            endpoint: format!("http://{address}"),
            address,
            serving: None,
            exporter: None,
            folder: TempDir::new().unwrap(),
        };
        wire.start_cloud().await;
        wire
    }

    /// Starts a cloud for an exporter with a state file, in its own folder.
    pub async fn with_state() -> Self {
        let mut wire = Self::new().await;
        std::fs::create_dir(wire.folder.path().join("kept")).unwrap();
        wire.config.push_str("state: {file: kept/state.json}\n");
        wire
    }

    /// Returns the path of a file next to the configuration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops the cloud as `kill -9` would: every connection closes immediately.
    pub async fn stop_cloud(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    pub async fn start_cloud(&mut self) {
        let server = Server::bind(self.address, self.world.clone())
            .await
            .unwrap();
        self.serving = Some(tokio::spawn(server.serve(std::future::pending::<()>())));
    }

    /// Waits until the state file is written.
    pub async fn wait_until_state_is_written(&self) {
        let written = "cloudaudit_exporter_state_last_write_successful";
        self.exporter()
            .metrics_when("the state is written", |it| it.sum(written, &[]) > 0.0)
            .await;
    }

    /// Stops the exporter with SIGTERM, and waits until it has exited.
    pub fn stop_exporter(&mut self) {
        let exporter = self.exporter.as_mut().expect("it was started");
        exporter.signal("TERM");
        assert_eq!(exporter.wait_for_end(), Some(0));
        self.exporter = None;
    }

    /// Kills the exporter, as `kill -9` would.
    pub fn kill_exporter(&mut self) {
        self.exporter = None;
    }

    /// Reloads the exporter with more configuration lines.
    pub fn reload(&self, more: &str) {
        self.write_config(more);
        self.exporter().signal("HUP");
    }

    /// Stops reading the exporter's log until lines are dropped, or continues reading.
    pub async fn leave_log_unread(&self, is_unread: bool) {
        self.exporter().leave_log_unread(is_unread);
        if !is_unread {
            return;
        }
        // Each failed reload logs a line.
        self.write_config("no_such_key: {}\n");
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let client = client.build().unwrap();
        let url = format!("http://{}/-/reload", self.exporter().address());
        let dropped = "cloudaudit_exporter_log_lines_dropped_total";
        while self.exporter().metrics().await.sum(dropped, &[]) < 1.0 {
            for _ in 0..RELOADS {
                assert_eq!(client.post(&url).send().await.unwrap().status(), 500);
            }
        }
        self.write_config("");
        assert_eq!(client.post(&url).send().await.unwrap().status(), 200);
    }

    /// Waits until the log contains `words`.
    pub async fn wait_for_log(&self, words: &str) {
        self.exporter().line_with(&[words]).await;
    }

    /// Plays a fault of the cloud's responses, which lasts until it is cleared.
    pub async fn play_fault(mut self, row: Row, fault: Fault) {
        let begins = async |stage: &mut Self| {
            stage.world.inject(fault.until_cleared());
        };
        let ends = async |stage: &mut Self| stage.world.clear_faults();
        row.play(LOOK, &mut self, begins, ends).await;
    }

    pub fn exporter(&self) -> &Exporter {
        self.exporter.as_ref().expect("it was started")
    }

    pub fn write_config(&self, more: &str) -> PathBuf {
        let (endpoint, config) = (&self.endpoint, &self.config);
        let text = format!(
            "endpoint: {endpoint}\n\
             poll: {{interval: 1s, timeout: 500ms, attempts: 1}}\n\
             accounts: {{prod: {{regions: [{REGION}]}}}}\n{config}{more}"
        );
        let file = self.path("config.yaml");
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Stage for Wire {
    /// Polls that had ended, and those of them that had failed.
    type Mark = [f64; 2];

    /// Starts the exporter, replacing a running one.
    async fn start(&mut self) {
        let file = self.write_config("");
        self.exporter = None;
        self.exporter = Some(Exporter::start(Some(&file), &self.environment));
    }

    async fn shown(&self) -> Shown {
        Shown::new(self.exporter().metrics().await, REGION)
    }

    async fn step(&self) {
        sleep(STEP).await;
    }

    fn tracks(&self) -> Vec<Track> {
        crate::account(&self.world).tracks()
    }

    fn mark(&self, now: &Shown) -> [f64; 2] {
        let [polls, _, failed] = now.polls("");
        [polls, failed]
    }

    /// Counts polls instead of time, so that a busy machine makes no difference.
    fn have_passed(&self, intervals: u32, since: &[f64; 2], now: &Shown) -> bool {
        self.mark(now)[0] - since[0] >= f64::from(intervals)
    }

    /// One poll may have been in flight, and failed.
    fn is_late(&self, intervals: u32, since: &[f64; 2], now: &Shown) -> bool {
        self.mark(now)[1] - since[1] > f64::from(intervals)
    }
}
