//! The simulated cloud, with accounts whose tracks are replaced as a whole, version by version.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Server, Track, World};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::exporter::Samples;
use crate::support::gateway::{Gateway, Mischief};

/// What the gateway between the exporter and the cloud does with a quarter of the answers.
const MISCHIEF: [Mischief; 4] = [
    Mischief::Again(Duration::from_millis(3)),
    Mischief::Doubled,
    Mischief::Elsewhere(Duration::from_millis(1)),
    Mischief::OnTheNext,
];

/// Accounts with so many tracks or more have two pages.
const PAGE_SIZE: usize = 40;

/// Each account whose number is divisible by this keeps its secret key in a file.
const KEY_FILE_EVERY: usize = 10;

/// The cloud, its accounts, and the configuration that asks for them.
pub struct Estate {
    pub world: World,
    pub accounts: BTreeMap<String, Account>,
    pub gateway: Gateway,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
    folder: TempDir,
    config: PathBuf,
}

/// An account's tracks as they were, version by version.
pub struct Account {
    pub uin: String,
    pub versions: Vec<Version>,
}

/// Every track of one version has its number in its name.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    pub number: usize,
    pub tracks: usize,
    pub since: SystemTime,
}

impl Estate {
    pub async fn new(accounts: usize) -> Self {
        let world = World::new(SystemTime::now());
        world.set_rate_limit(1_000);
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), world.clone())
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        let mut estate = Self {
            gateway: Gateway::start(server.local_addr(), &MISCHIEF).await,
            config: folder.path().join("config.yaml"),
            folder,
            address: server.local_addr(),
            serving: None,
            accounts: BTreeMap::new(),
            world,
        };
        for number in 0..accounts {
            let name = format!("a{number}");
            let account = estate.world.add_account(&uin(&name));
            account.add_identity(Identity::permanent(&id(&name), &key(&name)));
            estate.accounts.insert(
                name.clone(),
                Account {
                    uin: uin(&name),
                    versions: Vec::new(),
                },
            );
            // Every fifth account has two pages.
            estate.replace(&name, if number % 5 == 0 { PAGE_SIZE + 10 } else { 5 });
        }
        for name in estate.accounts.keys().filter(|name| has_key_file(name)) {
            std::fs::write(estate.key_file(name), key(name)).unwrap();
            std::fs::write(estate.key_file(name).with_extension("id"), id(name)).unwrap();
        }
        estate.write_config(0);
        estate.serving = Some(tokio::spawn(server.serve(std::future::pending::<()>())));
        estate
    }

    /// The accounts whose secret key is in a file.
    pub fn with_key_files(&self) -> Vec<String> {
        let names = self.accounts.keys().filter(|name| has_key_file(name));
        names.cloned().collect()
    }

    /// Replaces the key file of an account by a FIFO: whatever opens it to read would wait forever.
    pub fn hang_key_file(&self, name: &str) {
        self.replace_by_fifo(&self.key_file(name));
    }

    /// Replaces the configuration file by a FIFO, until it is written again.
    pub fn hang_config(&self) {
        self.replace_by_fifo(&self.config);
    }

    fn replace_by_fifo(&self, file: &Path) {
        let new = self.folder.path().join("new.fifo");
        let made = Command::new("mkfifo").arg(&new).status().unwrap();
        assert!(made.success(), "mkfifo makes a FIFO");
        std::fs::rename(&new, file).unwrap();
    }

    /// Puts the key file of an account back.
    pub fn restore_key_file(&self, name: &str) {
        let new = self.folder.path().join("new.key");
        std::fs::write(&new, key(name)).unwrap();
        std::fs::rename(&new, self.key_file(name)).unwrap();
    }

    fn key_file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.key"))
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A configuration that differs from others only in a label, and parses.
    pub fn write_config(&self, generation: u64) {
        let mut yaml = format!(
            "endpoint: http://{}\nrate_limit: {{requests_per_second: 100}}\n\
             poll: {{interval: 1s, timeout: 500ms, attempts: 2, stale_after: 5s, tombstone_for: 5s, page_size: {PAGE_SIZE}}}\n\
             accounts:\n",
            self.gateway.address
        );
        for (number, name) in self.accounts.keys().enumerate() {
            // A third of the accounts change with each generation, the others are untouched.
            let label = if number as u64 % 3 == generation % 3 {
                generation
            } else {
                0
            };
            writeln!(yaml, "  {name}:\n    labels: {{generation: g{label}}}").unwrap();
            let credentials = if has_key_file(name) {
                let file = self.key_file(name);
                let id_file = file.with_extension("id");
                format!(
                    "secret_id_file: {}, secret_key_file: {}",
                    id_file.display(),
                    file.display()
                )
            } else {
                format!("secret_id: {}, secret_key: {}", id(name), key(name))
            };
            writeln!(yaml, "    credentials: {{{credentials}}}").unwrap();
        }
        self.put(&yaml);
    }

    pub fn write_broken_config(&self) {
        self.put("accounts: {a0: {regions: []}}\n");
    }

    fn put(&self, yaml: &str) {
        let new = self.folder.path().join("new.yaml");
        std::fs::write(&new, yaml).unwrap();
        std::fs::rename(&new, &self.config).unwrap();
    }

    /// Replaces an account's tracks at once. Two versions in a row never have the same number of
    /// tracks, so that a walk over both is seen to be one.
    pub fn replace(&mut self, name: &str, least: usize) {
        let account = self.accounts.get_mut(name).unwrap();
        let number = account.versions.len();
        let was = account.versions.last().map(|version| version.tracks);
        let tracks = if was == Some(least) { least + 1 } else { least };
        let all = (0..tracks as u64).map(|track| {
            let track_id = number as u64 * 1_000 + track;
            Track::new(track_id, &format!("v{number}-t{track}")).status(track % 2)
        });
        self.world
            .account(&account.uin)
            .unwrap()
            .replace(all.collect());
        account.versions.push(Version {
            number,
            tracks,
            since: SystemTime::now(),
        });
    }

    /// As `kill -9` would do it.
    pub fn kill_cloud(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }

    pub async fn start_cloud(&mut self) {
        if self.serving.is_some() {
            return;
        }
        // The port may still be held by what was killed a moment ago.
        let server = loop {
            match Server::bind(self.address, self.world.clone()).await {
                Ok(server) => break server,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        self.serving = Some(tokio::spawn(server.serve(std::future::pending::<()>())));
    }

    /// Whether every account shows its latest version.
    pub fn is_exactly(&self, samples: &Samples) -> bool {
        self.accounts.iter().all(|(name, account)| {
            let latest = account.versions.last().unwrap();
            let shown = tracks_of(samples, name);
            let prefix = format!("v{}-", latest.number);
            shown.len() == latest.tracks && shown.iter().all(|track| track.starts_with(&prefix))
        })
    }
}

/// The names of the tracks that a scrape shows of an account.
pub fn tracks_of<'a>(samples: &'a Samples, account: &str) -> Vec<&'a str> {
    let start = format!("cloudaudit_track_enabled{{account=\"{account}\",");
    let series = samples
        .series()
        .into_iter()
        .filter(|series| series.starts_with(&start));
    series
        .map(|series| {
            let (_, rest) = series.split_once(",track=\"").unwrap();
            rest.split('"').next().unwrap()
        })
        .collect()
}

fn has_key_file(name: &str) -> bool {
    let number: usize = name.trim_start_matches('a').parse().unwrap();
    number.is_multiple_of(KEY_FILE_EVERY)
}

fn uin(name: &str) -> String {
    format!("uin-{name}")
}

fn id(name: &str) -> String {
    format!("AKID{name}")
}

fn key(name: &str) -> String {
    format!("key-{name}")
}
