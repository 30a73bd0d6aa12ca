//! The daemon.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tracing::info;

use super::board::Board;
use super::kept::State;
use super::reload::{Reloader, Reloading};
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::{Environment, Fleet, Plan, connect};
use crate::http::{Content, Limits, Listener, Options, raise_descriptor_limit};
use crate::logging::Log;
use crate::state::StateWriter;
use crate::systemd::ServiceManager;
use crate::web_config::WebConfig;

/// Where and how the exporter is to be scraped.
#[derive(Clone, Debug)]
pub struct Web {
    /// What to listen on, as on the command line.
    pub listen_addresses: Vec<String>,
    /// Whether systemd has bound sockets for us, in the place of those addresses.
    pub systemd_socket: bool,
    /// The path of the exposition.
    pub telemetry_path: String,
    /// Whether `POST /-/reload` does anything.
    pub enable_lifecycle: bool,
    /// The path below which everything is served, without a slash at its end.
    pub route_prefix: String,
    /// TLS and passwords; none lets everybody in, in the clear.
    pub web_config: Option<Arc<WebConfig>>,
    /// How long requests in flight may take after the exporter was asked to stop.
    pub grace_period: Duration,
    /// The log of the process, whose dropped lines are counted in the exposition.
    pub log: Option<Log>,
}

/// A daemon whose listeners are bound and whose accounts are ready. It does nothing yet.
pub struct App {
    fleet: Fleet,
    config: Config,
    plan: Plan,
    board: Arc<Board>,
    listeners: Vec<Listener>,
    web: Web,
    reloader: Reloader,
    manager: ServiceManager,
    state: Option<StateWriter>,
}

impl App {
    /// Binds the listeners and makes every account ready. `reloading` says where later
    /// configurations come from.
    ///
    /// # Errors
    ///
    /// Which address cannot be listened on, or what keeps an account from being polled.
    pub async fn bind(
        config: Config,
        environment: &Environment,
        web: &Web,
        reloading: Reloading,
        clock: Clock,
    ) -> Result<Self, String> {
        raise_descriptor_limit()?;
        let mut listeners = Vec::new();
        if web.systemd_socket {
            listeners = Listener::inherited().map_err(|error| error.to_string())?;
        }
        for address in web.listen_addresses.iter().filter(|_| !web.systemd_socket) {
            let listener = Listener::bind(address).await;
            listeners.push(listener.map_err(|error| error.to_string())?);
        }
        let state = match &config.state_file {
            Some(file) => Some(State::open(file.clone(), clock.clone(), config.shard).await?),
            None => None,
        };
        let mut board = Board::new(clock, config.shard);
        board.web_config.clone_from(&web.web_config);
        board.log.clone_from(&web.log);
        let requests = web.enable_lifecycle.then(|| board.take_requests());
        board.keep(state.as_ref());
        let board = Arc::new(board);
        let mut fleet = fleet(environment, &board);
        let state = state.map(|state| {
            fleet.resume(state.restored);
            state.writer
        });
        Ok(Self {
            plan: fleet.prepare(&config).await?,
            config,
            fleet,
            board,
            listeners,
            web: web.clone(),
            reloader: Reloader::new(reloading, requests),
            manager: ServiceManager::of(|variable| environment.get(variable)),
            state,
        })
    }

    /// The addresses of the network that are listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.listeners.iter();
        listeners.filter_map(Listener::local_addr).collect()
    }

    /// Polls and serves until `shutdown`, and a little longer for scrapes that are under way.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            mut fleet,
            board,
            manager,
            ..
        } = self;
        let shard = self.config.shard;
        if shard.has_others() {
            let (ordinal, shards) = (shard.ordinal(), shard.total());
            info!(ordinal, shards, settling = ?shard.settling(), "a shard; the accounts of others are theirs");
        }
        fleet.adopt(self.plan).await;
        board.configured(&self.config, fleet.targets());
        drop(self.config);

        let (stop, stopped) = watch::channel(());
        // Clones of it share the cap on connections.
        let options = Options {
            telemetry_path: self.web.telemetry_path,
            route_prefix: self.web.route_prefix,
            web_config: self.web.web_config,
            limits: Limits {
                drain: self.web.grace_period,
                ..Limits::default()
            },
            ..Options::default()
        };
        let servers = self.listeners.into_iter().map(|listener| {
            info!(address = listener.place(), "listening");
            let mut stopped = stopped.clone();
            // The sender is dropped to end everything, so its error says just that.
            let stopped = async move { drop(stopped.changed().await) };
            listener.serve(Arc::clone(&board) as _, options.clone(), stopped)
        });
        let mut servers = pin!(join_all(servers));
        let (end, ended) = oneshot::channel::<()>();
        let keeping = self.state.map(|writer| {
            let (reports, told) = (Arc::clone(&board), Arc::clone(&board));
            tokio::spawn(writer.run(
                async move || reports.known().await,
                move |written| told.state_written(written),
                async { drop(ended.await) },
            ))
        });
        manager.ready();
        tokio::select! {
            () = shutdown => {}
            _ = &mut servers => {}
            never = board.pulses.beat() => never,
            never = manager.reassure(|| board.healthy()) => never,
            never = self.reloader.run(&mut fleet, &board, &manager) => never,
        }
        info!("stopping");
        manager.stopping();
        drop(stop);
        // What is published from here on is what it will have been at the end, for whoever keeps
        // it.
        fleet.end();
        drop(end);
        servers.await;
        if let Some(keeping) = keeping {
            // A panic there has said so, and the file is the old one.
            drop(keeping.await);
        }
    }
}

/// The accounts that write on a board.
pub(super) fn fleet(environment: &Environment, board: &Arc<Board>) -> Fleet {
    let process = Arc::clone(&board.process);
    let connect = connect();
    let audience = Arc::clone(board);
    Fleet::new(environment, &board.clock, connect, process, audience)
}
