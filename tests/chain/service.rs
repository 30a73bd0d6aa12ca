//! A program of somebody else that serves HTTP on loopback.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::parts::part;

/// How long it may take to be ready.
const LIMIT: Duration = Duration::from_secs(30);

/// A running program; dropped, it is killed and its folder is gone.
pub struct Service {
    pub address: SocketAddr,
    pub client: Client,
    folder: TempDir,
    _process: Child,
}

impl Service {
    /// Starts a part with its configuration in a folder of its own, and waits until it is ready.
    pub async fn start(
        name: &str,
        address: SocketAddr,
        files: &[(&str, String)],
        arguments: &[&str],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        for (file, text) in files {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let log = File::create(folder.path().join("log")).unwrap();
        let process = Command::new(part(name))
            .current_dir(folder.path())
            .args(arguments)
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let service = Self {
            address,
            client: Client::builder().no_proxy().build().unwrap(),
            folder,
            _process: process,
        };
        let start = Instant::now();
        while !service.is_ready().await {
            assert!(
                start.elapsed() < LIMIT,
                "{name} is not ready:\n{}",
                service.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let file: PathBuf = self.folder.path().join("log");
        std::fs::read_to_string(file).unwrap()
    }

    async fn is_ready(&self) -> bool {
        let url = format!("http://{}/-/ready", self.address);
        let response = self.client.get(url).send().await;
        response.is_ok_and(|response| response.status().is_success())
    }
}
