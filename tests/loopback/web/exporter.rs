//! An exporter with a web configuration, and its clients.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Identity};
use tempfile::TempDir;

use crate::support::address::free_address;
use crate::support::pki::Pair;

/// The time limit of a start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The demo with a web configuration. Dropping it ends the process.
pub struct Exporter {
    pub address: SocketAddr,
    pub folder: TempDir,
    process: Child,
}

impl Exporter {
    /// Starts the demo with this web configuration. `folder` contains the files that it names.
    pub fn open(folder: TempDir, web: &str) -> Self {
        Self::with(folder, web, &[])
    }

    /// Starts the demo with this web configuration and additional flags.
    pub fn with(folder: TempDir, web: &str, flags: &[&str]) -> Self {
        let address = free_address();
        let file = folder.path().join("web.yaml");
        fs::write(&file, web).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
            .arg("demo")
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--web.config.file={}", file.display()))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let exporter = Self {
            address,
            folder,
            process,
        };
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < PATIENCE, "{}", exporter.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        exporter
    }

    /// Replaces the web configuration.
    pub fn change(&self, web: &str) {
        fs::write(self.folder.path().join("new"), web).unwrap();
        let file = self.folder.path().join("web.yaml");
        fs::rename(self.folder.path().join("new"), file).unwrap();
    }

    /// Returns a number from `/proc/PID/status`.
    pub fn status(&self, key: &str) -> u64 {
        let file = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(file).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
        number.unwrap().parse().unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Returns a client that trusts an authority and uses a client certificate if one is given.
pub fn client(authority: &str, own: Option<&Pair>) -> Client {
    let authority = Certificate::from_pem(authority.as_bytes()).unwrap();
    let builder = Client::builder().no_proxy().tls_certs_only([authority]);
    let builder = match own {
        Some(pair) => {
            let pem = format!("{}{}", pair.cert, pair.key);
            builder.identity(Identity::from_pem(pem.as_bytes()).unwrap())
        }
        None => builder,
    };
    builder.build().unwrap()
}

/// Waits until a condition is true, and returns whether it became true in time.
pub async fn eventually(mut condition: impl AsyncFnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if condition().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Creates a folder with these files.
pub fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Returns the path of a file in a folder.
pub fn at(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}
