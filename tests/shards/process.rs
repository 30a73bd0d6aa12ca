//! One shard: a process of the exporter's binary.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// How long it may take to load ten thousand accounts and listen, on a busy machine.
const LOADING: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running shard, killed when it is dropped.
pub struct Process {
    pub address: SocketAddr,
    shard: u32,
    client: Client,
    child: Child,
    log: PathBuf,
}

/// How to start a process.
pub struct Start<'a> {
    pub address: SocketAddr,
    pub shard: u32,
    pub total: u32,
    pub config: &'a Path,
    /// The URL of the simulated cloud.
    pub endpoint: &'a str,
    /// The shard's own folder, for its state file and its log.
    pub folder: &'a Path,
}

impl Process {
    /// Starts a shard, and waits until it answers scrapes.
    pub async fn start(start: Start<'_>) -> Self {
        std::fs::create_dir_all(start.folder).unwrap();
        let log = start.folder.join("log");
        let stderr = File::options().create(true).append(true).open(&log);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CLOUDAUDIT_EXPORTER_") {
                command.env_remove(name);
            }
        }
        let child = command
            .arg(format!("--config.file={}", start.config.display()))
            .arg(format!("--web.listen-address={}", start.address))
            .arg(format!("--total-shards={}", start.total))
            // As a StatefulSet names its pods.
            .env("HOSTNAME", format!("exporter-{}", start.shard))
            .env("CLOUDAUDIT_EXPORTER__ENDPOINT", start.endpoint)
            .env("STATE_DIRECTORY", start.folder)
            // Ten thousand accounts shut down on two cores at the same time.
            .env("CLOUDAUDIT_EXPORTER_WEB_SHUTDOWN_GRACE_PERIOD", "1m")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut process = Self {
            address: start.address,
            shard: start.shard,
            client: Client::builder().no_proxy().build().unwrap(),
            child,
            log: log.clone(),
        };
        let began = Instant::now();
        while process.metrics().await.is_none() {
            let said = || std::fs::read_to_string(&log).unwrap();
            let ended = process.child.try_wait().unwrap();
            assert!(ended.is_none(), "the shard exited: {}", said());
            assert!(began.elapsed() < LOADING, "{}", said());
            sleep(LOOK_EVERY).await;
        }
        process
    }

    /// Shuts the process down with SIGTERM, as a service manager does.
    pub async fn end(mut self) {
        let id = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(killed.unwrap().success());
        let ended = self.child.wait().await.unwrap();
        let said = std::fs::read_to_string(&self.log).unwrap();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        assert!(ended.success(), "{ended}: {last:#?}");
    }

    /// Kills the process without a graceful shutdown.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Returns each account that the shard serves, and the number of regions where it is up.
    pub async fn served(&self) -> BTreeMap<String, u32> {
        let exposition = self.metrics().await.unwrap();
        let ordinal = format!("\ncloudaudit_exporter_shard_ordinal {}\n", self.shard);
        assert!(
            exposition.contains(&ordinal),
            "another process answers at this address"
        );
        let mut served = BTreeMap::new();
        for line in exposition.lines() {
            let Some(sample) = line.strip_prefix("cloudaudit_up{account=\"") else {
                continue;
            };
            let (account, _) = sample.split_once('"').unwrap();
            let is_up = u32::from(sample.ends_with(" 1"));
            *served.entry(account.to_owned()).or_default() += is_up;
        }
        served
    }

    async fn metrics(&self) -> Option<String> {
        let url = format!("http://{}/metrics", self.address);
        let answer = self.client.get(url).send().await.ok()?;
        answer.text().await.ok()
    }
}
