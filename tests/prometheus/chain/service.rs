//! A third-party program that serves HTTP on loopback.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How long a program may take to become ready.
const LIMIT: Duration = Duration::from_secs(30);

/// A running program. Dropping it kills the process and deletes its folder.
pub struct Service {
    pub address: SocketAddr,
    pub client: Client,
    scheme: &'static str,
    folder: TempDir,
    process: Child,
}

impl Service {
    /// Starts a program in a folder that contains its configuration, and waits until it is ready. It
    /// serves TLS if a flag names a web configuration file.
    pub async fn start(
        program: &Path,
        address: SocketAddr,
        folder: TempDir,
        arguments: &[&str],
    ) -> Self {
        let log = File::create(folder.path().join("log")).unwrap();
        let process = Command::new(program)
            .current_dir(folder.path())
            .args(arguments)
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let has_tls = |flag: &&str| flag.starts_with("--web.config.file=");
        let client = Client::builder().no_proxy();
        let service = Self {
            address,
            client: client
                .tls_danger_accept_invalid_certs(true)
                .build()
                .unwrap(),
            scheme: if arguments.iter().any(has_tls) {
                "https"
            } else {
                "http"
            },
            folder,
            process,
        };
        let start = Instant::now();
        while !service.is_ready().await {
            assert!(
                start.elapsed() < LIMIT,
                "{} is not ready:\n{}",
                program.display(),
                service.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    /// Shuts the program down with SIGTERM, and returns its folder.
    pub async fn end(mut self) -> TempDir {
        let id = self.process.id().unwrap().to_string();
        let signalled = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(signalled.unwrap().success());
        let status = self.process.wait().await.unwrap();
        assert!(status.success(), "{status}:\n{}", self.log());
        self.folder
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the program's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    async fn is_ready(&self) -> bool {
        let url = format!("{}://{}/-/ready", self.scheme, self.address);
        let response = self.client.get(url).send().await;
        response.is_ok_and(|response| response.status().is_success())
    }
}

/// Creates a folder with these files.
pub fn folder_with(files: &[(&str, String)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}
