//! The simulator and the exporter, both in this process. Each can be stopped and started again.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{accounts, organization, storage};
use crate::app::{App, Load, Reloading, Web};
use crate::clock::Clock;
use crate::config::Sources;
use crate::escape::visible_path;
use crate::sim::{Server, World};

/// How long to wait for the port of a server that was just stopped.
const BIND_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts to bind.
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// The simulator and the exporter.
pub(super) struct Processes {
    pub(super) world: World,
    clock: Clock,
    web: Web,
    cloud_address: SocketAddr,
    address: SocketAddr,
    cloud: Option<JoinHandle<()>>,
    exporter: Option<Exporter>,
    folder: PathBuf,
}

/// A running exporter.
struct Exporter {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Processes {
    /// Starts the simulator, then the exporter. The state file is in a temporary folder, which
    /// [`Self::shut_down`] removes.
    pub(super) async fn start(web: &Web, clock: Clock) -> Result<Self, String> {
        let world = World::new(clock.now().wall);
        accounts::add_to(&world);
        organization::add_to(&world);
        storage::deliver(&world);
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let cloud = Server::bind(loopback, world.clone())
            .await
            .map_err(|error| format!("cannot start the simulated cloud on loopback: {error}"))?;
        let name = format!("cloudaudit-exporter-demo-{}", std::process::id());
        let mut processes = Self {
            world,
            clock,
            web: web.clone(),
            cloud_address: cloud.local_addr(),
            address: loopback,
            cloud: None,
            exporter: None,
            folder: std::env::temp_dir().join(name),
        };
        std::fs::create_dir_all(&processes.folder).map_err(|error| {
            format!(
                "cannot create the temporary folder {}: {error}; set TMPDIR to a writable folder",
                visible_path(&processes.folder)
            )
        })?;
        processes.cloud = Some(tokio::spawn(cloud.serve(std::future::pending::<()>())));
        if let Err(error) = processes.start_exporter().await {
            processes.shut_down().await;
            return Err(error);
        }
        Ok(processes)
    }

    /// Returns the URL of the simulator.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.cloud_address)
    }

    /// Returns the URL of the exporter on this machine, without TLS and without a path.
    pub(super) fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// Stops the simulator and closes its connections, as a network outage does.
    pub(super) fn stop_cloud(&mut self) {
        if let Some(cloud) = self.cloud.take() {
            cloud.abort();
        }
    }

    /// Starts the simulator again at the same address.
    pub(super) async fn start_cloud(&mut self) -> Result<(), String> {
        let start = Instant::now();
        let cloud = loop {
            match Server::bind(self.cloud_address, self.world.clone()).await {
                Ok(cloud) => break cloud,
                Err(error) if start.elapsed() > BIND_TIMEOUT => return Err(error.to_string()),
                Err(_) => sleep(BIND_PAUSE).await,
            }
        };
        self.cloud = Some(tokio::spawn(cloud.serve(std::future::pending::<()>())));
        Ok(())
    }

    /// Stops the exporter and starts another at the same address, with the same state file.
    pub(super) async fn restart_exporter(&mut self) -> Result<(), String> {
        self.stop_exporter().await;
        self.web.listen_addresses = vec![self.address.to_string()];
        let start = Instant::now();
        loop {
            match self.start_exporter().await {
                Err(error) if start.elapsed() > BIND_TIMEOUT => return Err(error),
                Err(_) => sleep(BIND_PAUSE).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Stops everything and removes the state file.
    pub(super) async fn shut_down(mut self) {
        self.stop_exporter().await;
        self.stop_cloud();
        // A leftover temporary folder is not worth an error.
        drop(std::fs::remove_dir_all(&self.folder));
    }

    async fn start_exporter(&mut self) -> Result<(), String> {
        let configuration = self.configuration();
        let load: Load =
            Arc::new(move || Ok(Sources::text("demo", &configuration, &<_>::default())));
        let config = load().and_then(Sources::parse);
        let config = config.map_err(|error| error.to_string())?;
        // The configuration never changes, so there are no reload signals; SIGHUP ends the demo.
        let (_, no_signals) = mpsc::channel(1);
        let reloading = Reloading::new(load, no_signals);
        let environment = accounts::environment();
        let app = App::bind(
            config,
            &environment,
            &self.web,
            reloading,
            self.clock.clone(),
        )
        .await?;
        let addresses = app.addresses();
        self.address = *addresses
            .first()
            .ok_or("the demo needs an address to listen on; set --web.listen-address")?;
        let (stop, stopped) = oneshot::channel();
        // Dropping the sender stops the exporter.
        let task = tokio::spawn(app.run(async { drop(stopped.await) }));
        self.exporter = Some(Exporter { stop, task });
        Ok(())
    }

    async fn stop_exporter(&mut self) {
        if let Some(Exporter { stop, task }) = self.exporter.take() {
            drop(stop);
            // If the task panicked, the panic hook has reported it.
            drop(task.await);
        }
    }

    /// Returns the text of the configuration file, as a user would write it.
    fn configuration(&self) -> String {
        let endpoint = self.endpoint();
        let state_file = self.folder.join("state.json");
        format!(
            "endpoint: {endpoint}\npoll: {{interval: 2s, timeout: 1s, stale_after: 1m, details_interval: 10s}}\nstate: {{file: \"{}\"}}\naccounts:\n{}{}",
            state_file.display(),
            accounts::configuration(),
            organization::configuration()
        )
    }
}
