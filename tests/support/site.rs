//! A simulated cloud with one account, and reloads of an exporter over HTTP.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use tempfile::TempDir;

use super::exporter::Exporter;

/// Enables reloading over HTTP.
pub const LIFECYCLE: (&str, &str) = ("CLOUDAUDIT_EXPORTER_WEB_ENABLE_LIFECYCLE", "true");

/// A simulated cloud with one account, and a place for the configuration of an exporter that polls
/// it.
pub struct Site {
    pub world: World,
    cloud: String,
    pub folder: TempDir,
    pub file: PathBuf,
}

impl Site {
    pub async fn start() -> Self {
        let world = World::new(SystemTime::now());
        let account = world.add_account("100000000001");
        account.add_identity(Identity::permanent("AKIDone", "key-one"));
        account.create(Track::new(1, "audit-all"));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, world.clone()).await.unwrap();
        let cloud = format!("http://{}", server.local_addr());
        tokio::spawn(server.serve(std::future::pending::<()>()));
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        Self {
            world,
            cloud,
            folder,
            file,
        }
    }

    pub fn text(&self, accounts: &str) -> String {
        format!("endpoint: {}\naccounts: {{{accounts}}}\n", self.cloud)
    }

    pub fn write(&self, accounts: &str) {
        fs::write(&self.file, self.text(accounts)).unwrap();
    }
}

/// Returns the variables of an exporter that polls this site.
pub fn with<'v>(more: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
    let key = [
        ("TENCENTCLOUD_SECRET_ID", "AKIDone"),
        ("TENCENTCLOUD_SECRET_KEY", "key-one"),
    ];
    [&key, more].concat()
}

pub async fn reload(exporter: &Exporter) -> (u16, String) {
    let url = format!("http://{}/-/reload", exporter.address());
    let response = client().post(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
    client.build().unwrap()
}
