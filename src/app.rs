//! Puts the parts together: the daemon, and the same parts for a single round.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::clock::{Clock, Moment};
use crate::config::Config;
use crate::fleet::{Environment, Fleet};
use crate::http::{Content, Listener, Options};
use crate::process::Process;
use crate::publisher::Publisher;
use crate::pulse::Pulse;
use crate::snapshot::{AccountInfo, Report};
use crate::tencent::Observer;

/// Where and under which name the exporter is to be scraped.
#[derive(Clone, Debug)]
pub struct Web {
    /// What to listen on, as on the command line.
    pub listen_addresses: Vec<String>,
    /// The path of the exposition.
    pub telemetry_path: String,
}

/// A daemon whose listeners are bound and whose accounts are ready. It does nothing yet.
pub struct App {
    fleet: Fleet<Publish>,
    board: Arc<Board>,
    listeners: Vec<Listener>,
    telemetry_path: String,
}

impl App {
    /// Binds the listeners and makes every account ready.
    ///
    /// # Errors
    ///
    /// Which address cannot be listened on, or what keeps an account from being polled.
    pub async fn bind(
        config: &Config,
        environment: &Environment,
        web: &Web,
        clock: Clock,
    ) -> Result<Self, String> {
        let mut listeners = Vec::new();
        for address in &web.listen_addresses {
            let listener = Listener::bind(address).await;
            listeners.push(listener.map_err(|error| error.to_string())?);
        }
        let board = Arc::new(Board::new(clock));
        let fleet = fleet(config, environment, &board)?;
        Ok(Self {
            fleet,
            board,
            listeners,
            telemetry_path: web.telemetry_path.clone(),
        })
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(Listener::local_addr).collect()
    }

    /// Polls and serves until `shutdown`, and a little longer for scrapes that are under way.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(());
        // Clones of it share the cap on connections.
        let options = Options {
            telemetry_path: self.telemetry_path,
            ..Options::default()
        };
        let servers = self.listeners.into_iter().map(|listener| {
            info!(address = %listener.local_addr(), "listening");
            let mut stopped = stopped.clone();
            // The sender is dropped to end everything, so its error says just that.
            let stopped = async move { drop(stopped.changed().await) };
            listener.serve(Arc::clone(&self.board) as _, options.clone(), stopped)
        });
        let servers = join_all(servers);
        let mut accounts = self.fleet.start();
        let board = Arc::clone(&self.board);
        let heart = async move { board.pulse.beat().await };
        tokio::pin!(servers, heart, shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = &mut heart => {}
                _ = &mut servers => {}
                Some(ended) = accounts.join_next() => {
                    if let Err(error) = ended {
                        error!(%error, "an account's loop has ended; its data will age out");
                    }
                }
            }
        }
        info!("stopping");
        accounts.abort_all();
        drop(stop);
        servers.await;
    }
}

/// Polls every target once. Gives the exposition, without the process's own series, and whether
/// every poll brought a listing.
///
/// # Errors
///
/// What keeps an account from being polled.
pub async fn once(
    config: &Config,
    environment: &Environment,
    clock: Clock,
) -> Result<(Vec<Bytes>, bool), String> {
    let board = Arc::new(Board::new(clock));
    let all_good = fleet(config, environment, &board)?.poll_once().await;
    let exposition = board.publisher.exposition(false, "", board.clock.now());
    Ok((exposition, all_good))
}

fn fleet(
    config: &Config,
    environment: &Environment,
    board: &Arc<Board>,
) -> Result<Fleet<Publish>, String> {
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let targets = config
        .accounts
        .iter()
        .map(|account| account.regions.len())
        .sum();
    board.process.set_targets(targets);
    let process: Arc<dyn Observer> = Arc::clone(&board.process) as _;
    let publisher = &board.publisher;
    let publish = |info: &Arc<AccountInfo>| -> Publish {
        let mut account = publisher.account(Arc::clone(info));
        Box::new(move |report, now| account.publish(report, now))
    };
    Fleet::new(config, environment, &board.clock, &process, publish)
}

/// How an account publishes.
type Publish = Box<dyn FnMut(Report, Moment) + Send>;

/// What the listener shows.
struct Board {
    publisher: Arc<Publisher>,
    process: Arc<Process>,
    pulse: Pulse,
    clock: Clock,
}

impl Board {
    fn new(clock: Clock) -> Self {
        Self {
            publisher: Publisher::new(),
            process: Arc::new(Process::new()),
            pulse: Pulse::new(clock.now().steady),
            clock,
        }
    }
}

impl Content for Board {
    fn exposition(&self, gzip: bool) -> Vec<Bytes> {
        self.publisher
            .exposition(gzip, &self.process.exposition(), self.clock.now())
    }

    fn reports(&self) -> Vec<Arc<Report>> {
        self.publisher.reports()
    }

    fn ready(&self) -> Result<(), Vec<String>> {
        self.publisher.ready(self.clock.now())
    }

    fn healthy(&self) -> Result<(), String> {
        self.pulse.feel(self.clock.now().steady)
    }

    fn answered(&self, handler: &'static str, code: u16) {
        self.process.answered(handler, code);
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}
