//! Accounts of a simulated cloud, written down and of an organisation, and the shards that they are
//! divided among.

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

use crate::address::free_address;
use crate::process::{Process, Start};

/// The account that has the organisation, and its key.
pub const ADMIN: &str = "100000000001";
pub const ADMIN_KEY: &str = "AKIDadmin";

/// How long it may take until all are polled.
const STALL_TIMEOUT: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a process may go on beside those that take its place: less than they wait.
const LINGERING: Duration = Duration::from_secs(4);

/// How much of it there is, and how often it is polled.
pub struct Size {
    pub accounts: u32,
    pub members: u64,
    pub interval: Duration,
    pub refresh: Duration,
}

pub struct Estate {
    pub world: World,
    /// By ordinal.
    pub shards: Vec<Option<Process>>,
    config: PathBuf,
    folder: TempDir,
    /// The one door of the cloud for all; none: a new one for each process, so that the cloud sees
    /// who asks.
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

    /// Replaces every process by one of so many shards, as a cluster does: a shard's own
    /// predecessor has ended before it begins, and others linger: all of them while a new shard
    /// begins, and the one that goes while they begin anew.
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
                let process = Process::start(start).await;
                begun.send_replace(true);
                Some(process)
            });
        }
        let gone = before.flatten();
        let gone = join_all(gone.map(|old| end_late(old, begun.subscribe())));
        let (shards, _) = tokio::join!(join_all(replaced), gone);
        self.shards = shards;
    }

    /// Where each shard that runs can be scraped.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let running = self.shards.iter().flatten();
        running.map(|process| process.address).collect()
    }

    /// Waits until each of so many accounts is polled, and gives what each shard serves. Whoever
    /// serves what is another's is found out here.
    pub async fn at_rest(&self, accounts: usize) -> Vec<Vec<String>> {
        let began = Instant::now();
        loop {
            let served = self.shards.iter().flatten().map(Process::served);
            let served = join_all(served).await;
            let mut owners: BTreeMap<&String, usize> = BTreeMap::new();
            for (shard, accounts) in served.iter().enumerate() {
                for account in accounts.keys() {
                    let other = owners.insert(account, shard);
                    assert_eq!(other, None, "{account} is of shard {shard} too");
                }
            }
            let up: u32 = served.iter().flat_map(BTreeMap::values).sum();
            if owners.len() == accounts && up as usize == accounts {
                let names = served.into_iter().map(|shard| shard.into_keys().collect());
                return names.collect();
            }
            assert!(
                began.elapsed() < STALL_TIMEOUT,
                "{} served, {up} up of {accounts}",
                owners.len()
            );
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Ends it when somebody who may poll its accounts is there already.
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
    admin.found_organization(size.members, &role, &[Track::new(1, "audit")]);
    world
}

fn configuration(size: &Size) -> String {
    let (interval, refresh) = (size.interval.as_secs(), size.refresh.as_secs());
    let mut yaml = format!(
        "poll: {{interval: {interval}s, timeout: 2s}}\norganizations:\n  main:\n    role_name: audit-reader\n    \
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
