//! What the demo runs on: the simulated cloud behind its socket, and the exporter. Both can go and
//! come back, as processes do.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::estate;
use crate::app::{App, Load, Reloading, Web};
use crate::clock::Clock;
use crate::config::Sources;
use crate::sim::{Server, World};

/// How long the port of what has just ended is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries for it.
const PAUSE: Duration = Duration::from_millis(20);

/// The cloud and the exporter.
pub(super) struct Stage {
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
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Stage {
    /// Starts the cloud, then the exporter. Its state file goes into a folder of its own, which
    /// goes with the stage.
    pub(super) async fn set(web: &Web, clock: Clock) -> Result<Self, String> {
        let world = estate::world(clock.now().wall);
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let cloud = Server::bind(loopback, world.clone())
            .await
            .map_err(|error| format!("the simulated cloud cannot listen on loopback: {error}"))?;
        let name = format!("cloudaudit-exporter-demo-{}", std::process::id());
        let mut stage = Self {
            world,
            clock,
            web: web.clone(),
            cloud_address: cloud.local_addr(),
            address: loopback,
            cloud: None,
            exporter: None,
            folder: std::env::temp_dir().join(name),
        };
        std::fs::create_dir_all(&stage.folder)
            .map_err(|error| format!("cannot make {}: {error}", stage.folder.display()))?;
        stage.cloud = Some(tokio::spawn(cloud.serve(std::future::pending::<()>())));
        if let Err(error) = stage.start_exporter().await {
            stage.clear().await;
            return Err(error);
        }
        Ok(stage)
    }

    /// Where the cloud is.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.cloud_address)
    }

    /// Where the exporter can be reached from this machine.
    pub(super) fn page(&self) -> String {
        let address = self.address;
        if address.ip().is_unspecified() {
            return format!(
                "http://{}/",
                SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
            );
        }
        format!("http://{address}/")
    }

    /// The cloud goes dark, as if its cable were cut.
    pub(super) fn darken(&mut self) {
        if let Some(cloud) = self.cloud.take() {
            cloud.abort();
        }
    }

    /// The cloud is there again, at the same address.
    pub(super) async fn light(&mut self) -> Result<(), String> {
        let start = Instant::now();
        let cloud = loop {
            match Server::bind(self.cloud_address, self.world.clone()).await {
                Ok(cloud) => break cloud,
                Err(error) if start.elapsed() > PATIENCE => return Err(error.to_string()),
                Err(_) => sleep(PAUSE).await,
            }
        };
        self.cloud = Some(tokio::spawn(cloud.serve(std::future::pending::<()>())));
        Ok(())
    }

    /// The exporter ends, and another one begins at the same address, with the same state file.
    pub(super) async fn restart_exporter(&mut self) -> Result<(), String> {
        self.end_exporter().await;
        self.web.listen_addresses = vec![self.address.to_string()];
        let start = Instant::now();
        loop {
            match self.start_exporter().await {
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => sleep(PAUSE).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Everything ends, and the state file goes.
    pub(super) async fn clear(mut self) {
        self.end_exporter().await;
        self.darken();
        // What is left of a demo in a temporary folder is no reason for an error at its end.
        drop(std::fs::remove_dir_all(&self.folder));
    }

    async fn start_exporter(&mut self) -> Result<(), String> {
        let configuration = estate::configuration(&self.endpoint(), &self.state_file());
        let load: Load =
            Arc::new(move || Ok(Sources::text("demo", &configuration, &<_>::default())));
        let config = load().and_then(Sources::parse);
        let config = config.map_err(|error| error.to_string())?;
        // Its configuration never changes, and a terminal that hangs up ends it.
        let (_, no_signals) = mpsc::channel(1);
        let reloading = Reloading::new(load, no_signals);
        let environment = estate::environment();
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
            .ok_or("there is no address to listen on")?;
        let (end, ended) = oneshot::channel();
        // The sender is sent or dropped, and both mean the same.
        let running = tokio::spawn(app.run(async { drop(ended.await) }));
        self.exporter = Some(Exporter { end, running });
        Ok(())
    }

    async fn end_exporter(&mut self) {
        if let Some(Exporter { end, running }) = self.exporter.take() {
            drop(end);
            // A panic there has said so.
            drop(running.await);
        }
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join(Path::new("state.json"))
    }
}
