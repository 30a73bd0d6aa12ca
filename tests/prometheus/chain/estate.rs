//! Three accounts in a simulated cloud, two tracks each, and the chain that watches them.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World, cls, cos};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::alertmanager::{self, Alertmanager};
use super::prometheus::Prometheus;
use super::receiver::Receiver;
use super::service::{Service, folder_with};
use crate::support::address::free_address;

/// A minute of the rules is a second here. The rules are written for an interval of one minute, and
/// this estate is polled every second.
pub const SCALE: u32 = 60;

/// Each account and its UIN.
pub const ACCOUNTS: [(&str, &str); 3] = [
    ("prod", "100000000001"),
    ("payments", "100000000002"),
    ("staging", "100000000003"),
];

/// The chain, from the cloud to the receiver of notifications.
pub struct Chain {
    pub world: World,
    pub prometheus: Prometheus,
    pub receiver: Receiver,
    cloud: JoinHandle<()>,
    cloud_address: SocketAddr,
    exporter: Option<Service>,
    _alertmanager: Alertmanager,
}

impl Chain {
    pub async fn start() -> Self {
        let world = world();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(loopback, world.clone()).await.unwrap();
        let cloud_address = server.local_addr();
        let cloud = tokio::spawn(server.serve(std::future::pending::<()>()));
        let receiver = Receiver::start().await;
        let alertmanager = Alertmanager::start(alertmanager::telling(receiver.address)).await;
        let folder = folder_with(&[("config.yaml", configuration(cloud_address))]);
        let exporter = start_exporter(free_address(), folder).await;
        let prometheus = Prometheus::start(exporter.address, alertmanager.address()).await;
        Self {
            world,
            prometheus,
            receiver,
            cloud,
            cloud_address,
            exporter: Some(exporter),
            _alertmanager: alertmanager,
        }
    }

    /// Stops the cloud without closing connections gracefully.
    pub fn stop_cloud(&mut self) {
        self.cloud.abort();
    }

    /// Starts the cloud again, at the same address.
    pub async fn start_cloud(&mut self) {
        let start = Instant::now();
        let server = loop {
            match Server::bind(self.cloud_address, self.world.clone()).await {
                Ok(server) => break server,
                Err(error) => assert!(start.elapsed() < Duration::from_secs(5), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.cloud = tokio::spawn(server.serve(std::future::pending::<()>()));
    }

    /// Restarts the exporter with the same state file and port.
    pub async fn restart_exporter(&mut self) {
        let exporter = self.exporter.take().unwrap();
        let address = exporter.address;
        let folder = exporter.end().await;
        self.exporter = Some(start_exporter(address, folder).await);
    }

    /// Waits, so that the following scrapes and evaluations can take effect.
    pub async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

fn world() -> World {
    let world = World::new(SystemTime::now());
    for (name, uin) in ACCOUNTS {
        let account = world.add_account(uin);
        account.add_identity(Identity::permanent(
            &format!("AKID{name}"),
            &format!("key-of-{name}"),
        ));
        account.create(Track::new(1, "audit-all").storage(cos("ap-guangzhou", "bucket", "audit")));
        account.create(Track::new(2, "to-cls").storage(cls("ap-guangzhou", "topic")));
    }
    world
}

/// Starts the exporter's binary.
async fn start_exporter(address: SocketAddr, folder: TempDir) -> Service {
    let program = Path::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
    Service::start(program, address, folder, &["--config.file=config.yaml"]).await
}

fn configuration(cloud: SocketAddr) -> String {
    let mut yaml = format!(
        "endpoint: http://{cloud}\npoll: {{interval: 1s, timeout: 500ms, stale_after: 1m}}\n\
         state: {{file: state.json}}\naccounts:\n"
    );
    for (name, _) in ACCOUNTS {
        writeln!(
            yaml,
            "  {name}:\n    labels: {{team: team-of-{name}}}\n    \
             credentials: {{secret_id: AKID{name}, secret_key: key-of-{name}}}"
        )
        .unwrap();
    }
    yaml
}
