//! A stage over loopback, in real time: the simulated cloud behind a socket, and the binary.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Fault, Identity, Server, Track, World};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::exporter::{Exporter, free_address};
use crate::play::{Look, Stage};
use crate::row::Row;
use crate::shown::Shown;
use crate::{REGION, SECRET_ID, SECRET_KEY, UIN};

/// A part of an interval.
const STEP: Duration = Duration::from_millis(40);

const TRACKS: u64 = 5;

/// Here every interval takes its time.
pub const LOOK: Look = Look {
    seen_within: 2,
    seen_for: 1,
};

/// A cloud that may be gone, and a binary that may not have been started.
pub struct Wire {
    pub world: World,
    /// What the exporter finds in its environment.
    pub environment: Vec<(&'static str, &'static str)>,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
    exporter: Option<Exporter>,
    folder: TempDir,
}

impl Wire {
    /// A cloud that answers, and no exporter yet.
    pub async fn new() -> Self {
        let world = World::new(SystemTime::now());
        let account = world.add_account(UIN);
        account.add_identity(Identity::permanent(SECRET_ID, SECRET_KEY));
        for id in 1..=TRACKS {
            account.create(Track::new(id, &format!("track-{id}")));
        }
        let mut wire = Self {
            world,
            environment: vec![
                ("TENCENTCLOUD_SECRET_ID", SECRET_ID),
                ("TENCENTCLOUD_SECRET_KEY", SECRET_KEY),
            ],
            address: free_address(),
            serving: None,
            exporter: None,
            folder: TempDir::new().unwrap(),
        };
        wire.revive_cloud().await;
        wire
    }

    /// Where the cloud is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As `kill -9` would do it: everything closes at once.
    pub async fn kill_cloud(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    pub async fn revive_cloud(&mut self) {
        let server = Server::bind(self.address, self.world.clone())
            .await
            .unwrap();
        self.serving = Some(tokio::spawn(server.serve(std::future::pending::<()>())));
    }

    /// Plays a fault of the cloud's answers, which lasts until it is cleared.
    pub async fn play_fault(mut self, row: Row, fault: Fault) {
        let begins = async |stage: &mut Self| {
            stage.world.inject(fault.until_cleared());
        };
        let ends = async |stage: &mut Self| stage.world.clear_faults();
        row.play(LOOK, &mut self, begins, ends).await;
    }

    fn exporter(&self) -> &Exporter {
        self.exporter.as_ref().expect("it was started")
    }
}

impl Stage for Wire {
    /// Polls that had ended.
    type Mark = f64;

    /// Starts the exporter, in the place of one that runs.
    async fn start(&mut self) {
        let address = self.address;
        let config = format!(
            "endpoint: http://{address}\n\
             poll: {{interval: 1s, timeout: 500ms, attempts: 1}}\n\
             accounts: {{prod: {{regions: [{REGION}]}}}}\n"
        );
        let file = self.folder.path().join("config.yaml");
        std::fs::write(&file, config).unwrap();
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

    async fn mark(&self) -> f64 {
        self.shown().await.value("cloudaudit_polls_total")
    }

    /// There is a poll in each, whatever else this machine has to do; one more may have been under
    /// way.
    async fn intervals_since(&self, mark: &f64) -> u32 {
        let polls = self.mark().await - mark - 1.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a test is over after some intervals"
        )]
        let intervals = polls.max(0.0) as u32;
        intervals
    }
}
