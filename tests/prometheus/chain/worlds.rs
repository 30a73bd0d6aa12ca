//! The simulated clouds of a site, and the configurations of the exporters that poll them.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Account, Identity, Role, Server, Track, World};
use serde_json::json;
use tokio::task::JoinHandle;

use super::site::MINUTE;

/// The accounts of the first job: name, number of tracks, and further settings.
pub const ACCOUNTS: [(&str, u64, &str); 24] = [
    ("healthy", 1, "expected_tracks: [track-1]"),
    ("only-deleted", 1, "expected_tracks: [track-1]"),
    ("one-deleted", 3, "expected_tracks: [track-1]"),
    ("only-off", 1, "expected_tracks: [track-1]"),
    ("one-off", 2, "expected_tracks: [track-1]"),
    ("all-off", 3, "expected_tracks: [track-1]"),
    ("off-deleted", 3, ""),
    ("one-twice", 2, "expected_tracks: [track-1]"),
    ("only-twice", 1, "expected_tracks: [track-1]"),
    ("planned", 2, "expected_tracks: [track-1]"),
    ("forgotten", 2, ""),
    ("recreated", 2, ""),
    (
        "moved",
        1,
        "expected_tracks: [{name: track-1, storage_name: audit-log}]",
    ),
    ("foreign", 1, "uin: {uin}"),
    ("renamed", 1, "expected_tracks: [track-1]"),
    ("narrowed", 1, ""),
    ("key", 1, ""),
    ("permission", 1, ""),
    ("outage", 1, ""),
    ("region", 1, "regions: [ap-guangzhou, ap-singapore]"),
    ("throttled", 1, ""),
    (
        "region-throttled",
        1,
        "regions: [ap-guangzhou, ap-singapore]",
    ),
    (BUCKET_DELETED, 1, DELIVERY),
    (NOT_DELIVERING, 1, DELIVERY),
];

/// The accounts whose deliveries are checked, and the bucket of their tracks.
pub const BUCKET_DELETED: &str = "bucket-deleted";
pub const NOT_DELIVERING: &str = "not-delivering";
pub const DELIVERY: &str = "delivery: {enabled: true, interval: 4s, grace: 20s}";
pub const REGION: &str = "ap-guangzhou";
pub const BUCKET: &str = "log";

/// The admin accounts of organizations whose members have no tracks of their own.
pub const COVERING_ADMIN: &str = "100000000001";
pub const COVERED_MEMBERS: u64 = 10;

/// How long the new certificate of a listener is valid: less than the 14 days of its alert.
pub const LAST_DAYS: Duration = Duration::from_hours(13 * 24);

/// The accounts of the job that gets another shard.
pub const SHARDED: [&str; 6] = [
    "sharded-1",
    "sharded-2",
    "sharded-3",
    "sharded-4",
    "sharded-5",
    "sharded-6",
];

pub const ADMIN: &str = "admin";
pub const MEMBER: u64 = 200_000_000_001;
pub const MEMBERS: u64 = 30;

pub fn switch(account: &Account, tracks: &[u64], status: u64) {
    for track in tracks {
        account.set_status(*track, status).unwrap();
    }
}

/// A listener of a simulated cloud.
pub struct Cloud {
    pub world: World,
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Cloud {
    pub async fn start(world: &World) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), world).await
    }

    pub async fn at(address: SocketAddr, world: &World) -> Self {
        let server = Server::bind(address, world.clone()).await.unwrap();
        Self {
            world: world.clone(),
            address: server.local_addr(),
            serving: tokio::spawn(server.serve(std::future::pending::<()>())),
        }
    }

    pub fn stop(&self) {
        self.serving.abort();
    }
}

pub fn uin(name: &str) -> String {
    let number = name.bytes().fold(7_u64, |sum, byte| {
        (sum * 31 + u64::from(byte)) % 100_000_000_000
    });
    format!("1{number:011}")
}

/// The first of several tracks records everything; of three, only the first one does.
pub fn track(id: u64) -> Track {
    Track::new(id, &format!("track-{}", if id == 4 { 1 } else { id }))
}

pub fn add(world: &World, name: &str, tracks: u64) {
    let account = world.add_account(&uin(name));
    let key = format!("key-of-{name}");
    account.add_identity(Identity::permanent(&format!("AKID{name}"), &key));
    for id in 1..=tracks {
        let track = track(id);
        let records_a_part = tracks == 3 && id > 1;
        account.create(if records_a_part {
            track.with("ResourceType", json!("cvm"))
        } else {
            track
        });
    }
}

pub fn organization(world: &World) -> String {
    add(world, ADMIN, 1);
    let role = Role::new("audit-reader").trusts_account(&uin(ADMIN));
    let admin = world.account(&uin(ADMIN)).unwrap();
    admin.create_organization(MEMBERS, &role, &[track(1)]);
    organization_of(ADMIN)
}

/// A cloud with an organization: the track of its admin account records all members.
pub fn covered_organization() -> World {
    let world = World::new(SystemTime::now());
    let admin = world.add_account(COVERING_ADMIN);
    admin.add_identity(Identity::permanent("AKIDcentral", "key-of-central"));
    admin.create(track(1).for_all_members());
    let role = Role::new("audit-reader").trusts_account(COVERING_ADMIN);
    admin.create_organization(COVERED_MEMBERS, &role, &[]);
    world
}

pub fn organization_of(admin: &str) -> String {
    format!(
        "organizations:\n  main:\n    role_name: audit-reader\n    refresh: 4s\n    \
         credentials: {{secret_id: AKID{admin}, secret_key: key-of-{admin}}}\n"
    )
}

pub fn configuration_of(name: &str, settings: &str) -> String {
    let settings = settings.replace("{uin}", &format!("'{}'", uin(name)));
    format!(
        "  {name}:\n    {settings}\n    credentials: {{secret_id: AKID{name}, secret_key: key-of-{name}}}\n"
    )
}

pub fn configuration(cloud: SocketAddr, accounts: &str) -> String {
    let interval = MINUTE.as_secs();
    format!(
        "endpoint: http://{cloud}\npoll: {{interval: {interval}s, timeout: 1s, stale_after: 30m}}\n\
         rate_limit: {{requests_per_second: 20}}\n{accounts}"
    )
}

/// Returns a configuration for each organization: the first with an account of the admin's key, and
/// the second with members only.
pub async fn configurations_of(organizations: &[World; 2]) -> Vec<String> {
    let central = "accounts:\n  central: {credentials: {secret_id: AKIDcentral, secret_key: key-of-central}}\n";
    let mut configurations = Vec::new();
    for (world, accounts) in organizations.iter().zip([central, ""]) {
        let cloud = Cloud::start(world).await.address;
        let organization = organization_of("central") + accounts;
        let configuration = configuration(cloud, &organization);
        let interval = MINUTE.as_secs();
        let details = format!("stale_after: 30m, details_interval: {interval}s");
        configurations.push(configuration.replace("stale_after: 30m", &details));
    }
    configurations
}
