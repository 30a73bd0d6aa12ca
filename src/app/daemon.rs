//! The daemon.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tracing::info;

use super::exporter_state::ExporterState;
use super::persisted::State;
use super::reload::{Reloader, Reloading};
use crate::clock::Clock;
use crate::config::{Account, Config};
use crate::fleet::{Environment, Fleet, Plan, transport_factory};
use crate::http::{Content, Limits, Listener, Options, raise_descriptor_limit};
use crate::logging::Log;
use crate::state::StateWriter;
use crate::systemd::ServiceManager;
use crate::web_config::WebConfig;

/// How the listeners serve the exporter.
#[derive(Clone, Debug)]
pub struct Web {
    /// The addresses to listen on, in the form of `--web.listen-address`.
    pub listen_addresses: Vec<String>,
    /// Whether to use the sockets of systemd instead of these addresses.
    pub systemd_socket: bool,
    /// The path of the exposition.
    pub telemetry_path: String,
    /// Whether `POST /-/reload` and `POST /api/v1/tracks/ID/forget` are enabled.
    pub enable_lifecycle: bool,
    /// The prefix of every path, without a trailing slash.
    pub route_prefix: String,
    /// The URL of the page for users. `None` if it is unknown.
    pub page_url: Option<String>,
    /// TLS and passwords. `None` disables both.
    pub web_config: Option<Arc<WebConfig>>,
    /// How long requests in flight may take after a signal to stop.
    pub grace_period: Duration,
    /// The log of the process, whose dropped lines are counted in the exposition.
    pub log: Option<Log>,
}

/// A daemon that is ready to run: its listeners are bound, and its accounts are prepared.
pub struct App {
    fleet: Fleet,
    config: Config,
    plan: Plan,
    exporter: Arc<ExporterState>,
    listeners: Vec<Listener>,
    web: Web,
    reloader: Reloader,
    manager: ServiceManager,
    state: Option<StateWriter>,
}

impl App {
    /// Binds the listeners and prepares every account. `reloading` loads later configurations.
    ///
    /// # Errors
    ///
    /// An address cannot be bound, or an account cannot be polled.
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
        let mut exporter = ExporterState::new(clock, &config);
        exporter.web_config.clone_from(&web.web_config);
        exporter.log.clone_from(&web.log);
        if let Some(url) = &web.page_url {
            exporter.process.set_page_url(url);
        }
        let requests = web.enable_lifecycle.then(|| exporter.enable_requests());
        exporter.set_persisted(state.as_ref());
        let exporter = Arc::new(exporter);
        let mut fleet = fleet(environment, &exporter);
        log_start(&config, reloading.file(), state.as_ref());
        let state = state.map(|state| {
            fleet.restore(state.restored);
            exporter.restore_changes(state.changes);
            state.writer
        });
        Ok(Self {
            plan: fleet.prepare(&config).await?,
            config,
            fleet,
            exporter,
            listeners,
            web: web.clone(),
            reloader: Reloader::new(reloading, requests),
            manager: ServiceManager::from_variables(|variable| environment.get(variable)),
            state,
        })
    }

    /// Returns the addresses of the network listeners.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.listeners.iter();
        listeners.filter_map(Listener::local_addr).collect()
    }

    /// Polls and serves until `shutdown`, and up to the grace period longer for requests in flight.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            mut fleet,
            exporter,
            manager,
            ..
        } = self;
        let shard = self.config.shard;
        if shard.is_sharded() {
            let (ordinal, shards) = (shard.ordinal(), shard.total());
            info!(ordinal, shards, startup_delay = ?shard.startup_delay(), "polling the accounts of this shard");
        }
        fleet.apply(self.plan).await;
        exporter.configured(&self.config, fleet.targets());
        drop(self.config);

        let (stop, stopped) = watch::channel(());
        // Clones of it share the limit of connections.
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
            info!(address = listener.display_address(), "listening");
            let mut stopped = stopped.clone();
            // Dropping the sender stops the listeners.
            let stopped = async move { drop(stopped.changed().await) };
            listener.serve(Arc::clone(&exporter) as _, options.clone(), stopped)
        });
        let mut servers = pin!(join_all(servers));
        let (end, ended) = oneshot::channel::<()>();
        let writing = self.state.map(|writer| {
            let (reports, written) = (Arc::clone(&exporter), Arc::clone(&exporter));
            tokio::spawn(writer.run(
                async move || reports.known(),
                move |result| written.state_written(result),
                async { drop(ended.await) },
            ))
        });
        manager.ready();
        tokio::select! {
            () = shutdown => {}
            _ = &mut servers => {}
            never = exporter.heartbeats.beat() => never,
            never = manager.run_watchdog(|| exporter.healthy()) => never,
            never = self.reloader.run(&mut fleet, &exporter, &manager) => never,
        }
        info!("stopping");
        manager.stopping();
        drop(stop);
        // No report changes after this, so the last write of the state file is final.
        fleet.close();
        drop(end);
        servers.await;
        if let Some(writing) = writing {
            // If it panicked, the panic was logged and the file was not replaced.
            drop(writing.await);
        }
        // The process ends now. To free the memory of thousands of accounts takes longer than to write
        // their state.
        drop(spawn_blocking(move || drop(fleet)));
    }
}

/// Logs which program starts with which configuration.
fn log_start(config: &Config, file: Option<&Path>, state: Option<&State>) {
    let accounts: Vec<&Account> = config.own_accounts().collect();
    let restored = state.map_or(0, |state| state.restored.len());
    info!(
        version = env!("CARGO_PKG_VERSION"),
        revision = env!("BUILD_REVISION"),
        file = file.map(|file| file.display().to_string()),
        config_hash = config.hash(),
        accounts = accounts.len(),
        targets = accounts.iter().map(|it| it.regions.len()).sum::<usize>(),
        organizations = config.organizations.len(),
        state_file = config
            .state_file
            .as_ref()
            .map(|file| file.display().to_string()),
        state_restored = restored > 0,
        restored_accounts = restored,
        "starting cloudaudit-exporter"
    );
}

/// Returns a fleet that updates the state of this exporter.
pub(super) fn fleet(environment: &Environment, exporter: &Arc<ExporterState>) -> Fleet {
    let process = Arc::clone(&exporter.process);
    let factory = transport_factory();
    let observer = Arc::clone(exporter);
    Fleet::new(environment, &exporter.clock, factory, process, observer)
}
