//! A simulated cloud behind a socket, accounts in it, and a configuration that polls them.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use cloudaudit_exporter::sim::{Identity, Server, Track, World, ckafka, cls, cos};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// The regions of each account if a configuration has two accounts.
pub const REGIONS: [&str; 3] = ["ap-guangzhou", "ap-singapore", "eu-frankfurt"];

/// How many tracks each account has.
pub const TRACKS: u64 = 230;

/// The simulated cloud behind a socket.
pub struct Cloud {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Cloud {
    pub async fn start(world: &World, address: SocketAddr) -> Self {
        let server = Server::bind(address, world.clone()).await.unwrap();
        let address = server.local_addr();
        let serving = tokio::spawn(server.serve(std::future::pending::<()>()));
        Self { address, serving }
    }

    /// Closes every connection at once, like `kill -9`.
    pub fn kill(self) {
        self.serving.abort();
    }
}

/// Returns the loopback address with port 0: the system selects a free port.
pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Accounts with tracks of five kinds.
pub fn world(accounts: &[&str]) -> World {
    let world = World::new(SystemTime::now());
    for name in accounts {
        let account = world.add_account(&uin(name));
        account.add_identity(Identity::permanent(&secret_id(name), &secret_key(name)));
        (1..=TRACKS)
            .map(track)
            .for_each(|track| account.create(track));
    }
    world
}

/// Returns a track of one of four kinds. The last ID has a status and a storage type that the
/// exporter does not know.
fn track(id: u64) -> Track {
    let track = Track::new(id, &format!("track-{id}"));
    match id % 3 {
        _ if id == TRACKS => track
            .with("Status", json!(7))
            .with("Storage", json!({"StorageType": "s3"})),
        0 => track.storage(cls("ap-guangzhou", "topic")),
        1 => track.storage(cos("ap-guangzhou", "bucket", "audit")),
        _ if id.is_multiple_of(2) => {
            track
                .status(0)
                .storage(ckafka("ap-guangzhou", "ckafka-1", "topic"))
        }
        _ => track
            .status(0)
            .with("Storage", json!({"StorageType": "tdmq"})),
    }
}

/// Writes a configuration for these accounts. Two accounts have three regions each; more accounts
/// have one.
pub fn write_config(folder: &TempDir, cloud: &Cloud, head: &str, accounts: &[&str]) -> PathBuf {
    let mut yaml = format!("endpoint: http://{}\n{head}accounts:\n", cloud.address);
    for name in accounts {
        let regions = if accounts.len() == 2 {
            &REGIONS[..]
        } else {
            &REGIONS[..1]
        };
        let (id, key, regions) = (secret_id(name), secret_key(name), regions.join(", "));
        writeln!(yaml, "  {name}:\n    regions: [{regions}]").unwrap();
        writeln!(
            yaml,
            "    credentials: {{secret_id: {id}, secret_key: {key}}}"
        )
        .unwrap();
    }
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, yaml).unwrap();
    file
}

pub fn uin(account: &str) -> String {
    format!("uin-of-{account}")
}

pub fn secret_id(account: &str) -> String {
    format!("AKIDof{account}")
}

pub fn secret_key(account: &str) -> String {
    format!("keyof{account}")
}
