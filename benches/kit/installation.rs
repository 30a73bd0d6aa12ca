//! The files and the process of an exporter.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::cloud::Cloud;
use super::estate::Estate;
use super::process::{Process, wait_until};

/// The configuration and the state file of an exporter. They outlive its process.
pub(crate) struct Installation {
    folder: TempDir,
}

impl Installation {
    /// Writes the configuration of an exporter that polls these accounts.
    pub(crate) fn new(estate: Estate, cloud: &Cloud) -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        let new = Self { folder };
        new.configure(estate, cloud, 0);
        new
    }

    /// Writes another configuration. Another generation changes every account.
    pub(crate) fn configure(&self, estate: Estate, cloud: &Cloud, generation: u32) {
        let config = estate.config(cloud.address(), generation);
        fs::write(self.config(), config).expect("there is room for a file");
    }

    /// Starts an exporter without a state file, and waits until it listens.
    pub(crate) fn begin(&self) -> Process {
        self.start(|_| {})
    }

    /// Starts an exporter with the state file and reloads over HTTP, and waits until it listens.
    pub(crate) fn begin_with_state(&self) -> Process {
        self.start(|command| {
            command.env("STATE_DIRECTORY", self.folder.path());
            command.arg("--web.enable-lifecycle");
        })
    }

    fn start(&self, complete: impl FnOnce(&mut Command)) -> Process {
        let address = free_address();
        let mut command = Command::new(measured());
        command
            .env_clear()
            .arg("--config.file")
            .arg(self.config())
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error");
        complete(&mut command);
        let exporter = Process::start(&mut command, address);
        wait_until("the exporter listens", || {
            TcpStream::connect(&exporter.address).is_ok()
        });
        exporter
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }
}

/// Returns the measured program: `BENCH_EXPORTER`, or the binary that cargo has built.
fn measured() -> PathBuf {
    let named = std::env::var_os("BENCH_EXPORTER");
    named.map_or_else(
        || env!("CARGO_BIN_EXE_cloudaudit-exporter").into(),
        Into::into,
    )
}

/// Returns an unused loopback address.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    address.to_string()
}
