//! A simulated cloud with configured accounts and members of an organization, and the shards that
//! divide these accounts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Identity, Role, Server, Track, World};
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::process::{Process, Start};
use crate::support::address::free_address;

/// The administrator account of the organization, and its key.
pub const ADMIN: &str = "100000000001";
pub const ADMIN_KEY: &str = "AKIDadmin";

/// How long it may take until every account is up.
const PATIENCE: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long an old process runs at the same time as its successors: less than their startup delay.
const LINGERING: Duration = Duration::from_secs(4);

/// The number of accounts and members, and how often the shards poll and refresh them.
pub struct Size {
    pub accounts: u32,
    pub members: u64,
    pub interval: Duration,
    pub refresh: Duration,
}

pub struct Estate {
    pub world: World,
    /// The running shards by ordinal; `None` after a shard was killed.
    pub shards: Vec<Option<Process>>,
    config: PathBuf,
    folder: TempDir,
    /// The endpoint that all processes share. If `None`, each process has an endpoint of its own,
    /// so that the cloud can tell the processes apart.
    door: Option<String>,
    addresses: Vec<SocketAddr>,
}

impl Estate {
    pub async fn new(size: &Size, has_one_door: bool) -> Self {
        let world = world(size);
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("config.yaml");
        std::fs::write(&config, configuration(size)).unwrap();
        let door = if has_one_door {
            Some(open_door(&world).await)
        } else {
            None
        };
        Self {
            world,
            shards: Vec::new(),
            config,
            folder,
            door,
            addresses: Vec::new(),
        }
    }

    /// Replaces every process by a shard of `total`, as a cluster does. A shard starts only after
    /// the process with the same ordinal has exited. If shards are added, every old process lingers
    /// until a new shard has started. Otherwise, only the processes without a successor linger.
    pub async fn scale(&mut self, total: u32) {
        let mut before = std::mem::take(&mut self.shards).into_iter();
        let grows = before.len() < total as usize;
        while self.addresses.len() < total as usize {
            self.addresses.push(free_address());
        }
        let (begun, _) = watch::channel(false);
        let mut replaced = Vec::new();
        for (shard, address) in (0..total).zip(&self.addresses) {
            let old = before.next().flatten();
            let door = match &self.door {
                Some(door) => door.clone(),
                None => open_door(&self.world).await,
            };
            let folder = self.folder.path().join(shard.to_string());
            let (config, begun) = (&self.config, &begun);
            replaced.push(async move {
                match old {
                    Some(old) if grows => end_late(old, begun.subscribe()).await,
                    Some(old) => old.end().await,
                    None => {}
                }
                let start = Start {
                    address: *address,
                    shard,
                    total,
                    config,
                    endpoint: &door,
                    folder: &folder,
                };
                // The new shard counts its delay from here. On a busy machine it starts to serve
                // seconds later.
                begun.send_replace(true);
                Some(Process::start(start).await)
            });
        }
        let gone = before.flatten();
        let gone = join_all(gone.map(|old| end_late(old, begun.subscribe())));
        let (shards, _) = tokio::join!(join_all(replaced), gone);
        self.shards = shards;
    }

    /// Returns the address of each running shard.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let running = self.shards.iter().flatten();
        running.map(|process| process.address).collect()
    }

    /// Waits until every account is up, and returns the accounts that each shard serves. Panics if
    /// two shards serve the same account.
    pub async fn at_rest(&self, accounts: usize) -> Vec<Vec<String>> {
        let began = Instant::now();
        loop {
            let served = self.shards.iter().flatten().map(Process::served);
            let served = join_all(served).await;
            let mut owners: BTreeMap<&String, usize> = BTreeMap::new();
            for (shard, accounts) in served.iter().enumerate() {
                for account in accounts.keys() {
                    let other = owners.insert(account, shard);
                    assert_eq!(other, None, "shard {shard} serves {account}, too");
                }
            }
            let up: u32 = served.iter().flat_map(BTreeMap::values).sum();
            if owners.len() == accounts && up as usize == accounts {
                let names = served.into_iter().map(|shard| shard.into_keys().collect());
                return names.collect();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{} served, {up} up of {accounts}",
                owners.len()
            );
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Shuts a process down some time after the first new shard has started.
async fn end_late(old: Process, mut begun: watch::Receiver<bool>) {
    begun.wait_for(|begun| *begun).await.unwrap();
    sleep(LINGERING).await;
    old.end().await;
}

async fn open_door(world: &World) -> String {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(loopback, world.clone()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending::<()>()));
    format!("http://{address}")
}

fn uin(account: u32) -> String {
    format!("3{account:011}")
}

fn world(size: &Size) -> World {
    let world = World::new(SystemTime::now());
    for number in 0..size.accounts {
        let account = world.add_account(&uin(number));
        let key = Identity::permanent(&format!("AKID{number}"), "key");
        account.add_identity(key);
        account.create(Track::new(1, "audit"));
    }
    let admin = world.add_account(ADMIN);
    admin.add_identity(Identity::permanent(ADMIN_KEY, "key"));
    let role = Role::new("audit-reader").trusts_account(ADMIN);
    admin.create_organization(size.members, &role, &[Track::new(1, "audit")]);
    world
}

fn configuration(size: &Size) -> String {
    let (interval, refresh) = (size.interval.as_secs(), size.refresh.as_secs());
    // On a busy machine, a response takes seconds.
    let timeout = (interval / 2).clamp(2, 10);
    let mut yaml = format!(
        "poll: {{interval: {interval}s, timeout: {timeout}s}}\norganizations:\n  main:\n    role_name: audit-reader\n    \
         refresh: {refresh}s\n    credentials: {{secret_id: {ADMIN_KEY}, secret_key: key}}\naccounts:\n"
    );
    for number in 0..size.accounts {
        writeln!(
            yaml,
            "  a{number}: {{credentials: {{secret_id: AKID{number}, secret_key: key}}}}"
        )
        .unwrap();
    }
    yaml
}
