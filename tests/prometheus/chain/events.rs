//! One event, one notification: what people receive for each of the things that happen, with the shipped rules,
//! routes and inhibitions. All events happen at the same time, each to an account or a job of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Account, Fault, Identity, Role, Server, Track, World, cos};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::alertmanager::{self, Alertmanager};
use super::prometheus::Prometheus;
use super::receiver::{Receiver, Told};
use super::service::{Service, folder_with};
use crate::support::address::free_address;

/// A minute of the rules, which are written for an interval of a minute. The exporters here poll once in it.
const MINUTE: Duration = Duration::from_secs(2);
const SCALE: u32 = 30;

/// How long everything is healthy before anything happens.
const HEALTHY: u32 = 4;

/// How long notifications are collected: longer than every `for` of the rules but those of an hour.
const WATCHED: u32 = 50;

/// What people receive for an event. Each notification is the alerts that are new in it.
struct Event {
    what: &'static str,
    /// The job, and the account where the event is that of an account.
    place: (&'static str, &'static str),
    pages: &'static [&'static str],
    tickets: &'static [&'static str],
}

const fn event(
    what: &'static str,
    place: (&'static str, &'static str),
    pages: &'static [&'static str],
    tickets: &'static [&'static str],
) -> Event {
    Event {
        what,
        place,
        pages,
        tickets,
    }
}

const EVENTS: [Event; 30] = [
    event("nothing happens", ("accounts", "healthy"), &[], &[]),
    event(
        "the only track, which is expected, is deleted",
        ("accounts", "only-deleted"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        "an expected track of three is deleted, and the others record only a part",
        ("accounts", "one-deleted"),
        &["TrackVanished"],
        &[],
    ),
    event(
        "the only track, which is expected, is switched off",
        ("accounts", "only-off"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        "one of two tracks is switched off",
        ("accounts", "one-off"),
        &["TrackTurnedOff"],
        &[],
    ),
    event(
        "all three tracks are switched off",
        ("accounts", "all-off"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        "one of two tracks is switched off, on, and off again",
        ("accounts", "one-twice"),
        &["TrackTurnedOff", "TrackTurnedOff"],
        &[],
    ),
    event(
        "the only track is switched off, on, and off again",
        ("accounts", "only-twice"),
        &["AccountWithoutEnabledTrack", "AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        "a deletion that was planned, with a silence",
        ("accounts", "planned"),
        &[],
        &[],
    ),
    event(
        "a deletion that was meant, and is then acknowledged",
        ("accounts", "forgotten"),
        &["TrackVanished"],
        &[],
    ),
    event(
        "a track is deleted and created again with the same name",
        ("accounts", "recreated"),
        &[],
        &["TrackRecreated"],
    ),
    event(
        "an expected track delivers to another bucket",
        ("accounts", "moved"),
        &[],
        &["ExpectedTrackMismatch"],
    ),
    event(
        "a track delivers to the bucket of a stranger",
        ("accounts", "foreign"),
        &["TrackStorageForeign"],
        &["TrackSettingsChanged"],
    ),
    event(
        "an expected track is renamed",
        ("accounts", "renamed"),
        &["ExpectedTrackMissing"],
        &["TrackSettingsChanged"],
    ),
    event(
        "the only track is restricted to one product",
        ("accounts", "narrowed"),
        &[],
        &["TrackSettingsChanged"],
    ),
    event(
        "the key becomes wrong",
        ("accounts", "key"),
        &["CredentialsFailing"],
        &[],
    ),
    event(
        "the permission is withdrawn",
        ("accounts", "permission"),
        &["DataStale"],
        &["CredentialsUnauthorized"],
    ),
    event(
        "an account cannot be read for 20 minutes",
        ("accounts", "outage"),
        &[],
        &["DataStale"],
    ),
    event(
        "one region of two cannot be read",
        ("accounts", "region"),
        &[],
        &["PollFailing"],
    ),
    event(
        "half of the requests are refused for their frequency",
        ("accounts", "throttled"),
        &[],
        &["Throttled"],
    ),
    event(
        "the cloud cannot be reached for 20 minutes",
        ("cloud", ""),
        &["CloudUnreachable"],
        &[],
    ),
    event(
        "a track is deleted, then the pod is replaced without its state",
        ("pod", "deleted"),
        &["TrackVanished"],
        &[],
    ),
    event(
        "a track is switched off, then the pod is replaced without its state",
        ("pod", "off"),
        &["TrackTurnedOff"],
        &[],
    ),
    event(
        "all three tracks are switched off, one is deleted later, and the others are switched on",
        ("accounts", "off-deleted"),
        &["AccountWithoutEnabledTrack", "TrackVanished"],
        &[],
    ),
    event(
        "the organization's track is switched off, and its admin account is polled",
        ("umbrella", "central"),
        &["AccountWithoutEnabledTrack"],
        &[],
    ),
    event(
        "the same, for the members",
        ("umbrella", ""),
        &[],
        &["OrganizationNotCovered"],
    ),
    event(
        "the organization's track is switched off, and its admin account is not polled",
        ("members", ""),
        &["OrganizationNotCovered"],
        &[],
    ),
    event(
        "two members leave the organization",
        ("organization", ""),
        &[],
        &["AccountNoLongerWatched"],
    ),
    event(
        "the exporter's clock is wrong",
        ("clock", ""),
        &[],
        &["ClockSkew"],
    ),
    event("the exporter ends", ("down", ""), &["ExporterDown"], &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_event_causes_one_page_or_one_ticket() {
    let mut site = Site::start().await;
    site.prometheus.settle().await;
    minutes(HEALTHY).await;
    let start = Instant::now();
    assert_eq!(notifications(&site.receiver.since(start)), BTreeMap::new());

    happen(&mut site).await;
    sleep((MINUTE * WATCHED).saturating_sub(start.elapsed())).await;

    let received = notifications(&site.receiver.since(start));
    let expected = expected();
    let mut differences = String::new();
    for event in &EVENTS {
        let (job, account) = event.place;
        let place = (job.to_owned(), account.to_owned());
        let (received, expected) = (received.get(&place), expected.get(&place));
        if received != expected {
            let what = event.what;
            writeln!(
                differences,
                "{what}: {received:#?} instead of {expected:#?}"
            )
            .unwrap();
        }
    }
    for (place, received) in &received {
        let is_expected = |event: &Event| (event.place.0, event.place.1) == (&*place.0, &*place.1);
        if !EVENTS.iter().any(is_expected) {
            writeln!(differences, "{place:?}: {received:#?}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
    // Prometheus remembers the track for seven days, and the tombstone would last as long.
    let ended = site.receiver.since(start);
    let is_over = |told: &Told| told.is("resolved", &[("account", "forgotten")]);
    assert!(
        ended.iter().any(is_over),
        "the acknowledged deletion still alerts"
    );
}

/// By job and account: each notification as its receiver and its new alerts.
type Notifications = BTreeMap<(String, String), Vec<String>>;

fn expected() -> Notifications {
    let events = EVENTS.iter().map(|event| {
        let pages = event.pages.iter().map(|alert| format!("pager: {alert}"));
        let tickets = event.tickets.iter();
        let tickets = tickets.map(|alert| format!("tickets: {alert}"));
        let mut all: Vec<String> = pages.chain(tickets).collect();
        all.sort();
        let (job, account) = event.place;
        ((job.to_owned(), account.to_owned()), all)
    });
    events.filter(|(_, all)| !all.is_empty()).collect()
}

/// What was sent to the pager and as tickets. Alerts that were sent before are no news.
fn notifications(told: &[Told]) -> Notifications {
    let mut known = Vec::new();
    let mut news: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for alert in told {
        let is_new = alert.status == "firing" && !known.contains(&&alert.labels);
        if is_new && alert.receiver != "chat" {
            known.push(&alert.labels);
            let label = |name| alert.labels.get(name).cloned().unwrap_or_default();
            let name = alert.labels["alertname"].trim_start_matches("CloudAudit");
            // Accounts that leave together are one ticket.
            let account = match name {
                "AccountNoLongerWatched" => String::new(),
                _ => label("account"),
            };
            let sent = (
                (label("job"), account),
                alert.receiver.clone(),
                alert.notification,
            );
            news.entry(sent).or_default().insert(name);
        }
    }
    let mut all = Notifications::new();
    for ((place, receiver, _), names) in news {
        let names: Vec<&str> = names.into_iter().collect();
        let notification = format!("{receiver}: {}", names.join(" and "));
        all.entry(place).or_default().push(notification);
    }
    for notifications in all.values_mut() {
        notifications.sort();
    }
    all
}

async fn minutes(minutes: u32) {
    sleep(MINUTE * minutes).await;
}

/// Everything at the same time.
async fn happen(site: &mut Site) {
    let world = site.world.clone();
    let account = |name: &str| world.account(&uin(name)).unwrap();
    account("only-deleted").delete(1).unwrap();
    account("one-deleted").delete(1).unwrap();
    switch(&account("only-off"), &[1], 0);
    switch(&account("one-off"), &[1], 0);
    switch(&account("all-off"), &[1, 2, 3], 0);
    switch(&account("off-deleted"), &[1, 2, 3], 0);
    for umbrella in &site.umbrellas {
        switch(&umbrella.account(UMBRELLA_ADMIN).unwrap(), &[1], 0);
    }
    site.alertmanager.silence("account", "planned").await;
    account("planned").delete(1).unwrap();
    account("forgotten").delete(2).unwrap();
    account("recreated").delete(1).unwrap();
    account("recreated").create(track(4));
    let elsewhere = cos("ap-guangzhou", "elsewhere", "audit");
    account("moved").set_storage(1, elsewhere).unwrap();
    let mut foreign = cos("ap-guangzhou", "audit-log", "audit");
    foreign["StorageAccountId"] = json!("999999999999");
    account("foreign").set_storage(1, foreign).unwrap();
    let name = json!("renamed");
    account("renamed")
        .edit(1, |track| track["Name"] = name)
        .unwrap();
    let product = json!("cvm");
    let narrow = |track: &mut Value| track["ResourceType"] = product;
    account("narrowed").edit(1, narrow).unwrap();
    account("key").remove_identity("AKIDkey").unwrap();
    account("permission").deny("AKIDpermission").unwrap();
    let region = Fault::internal_error().account(&uin("region"));
    world.inject(region.region("ap-singapore").until_cleared());
    let throttled = Fault::throttled().account(&uin("throttled"));
    world.inject(throttled.every(2).until_cleared());
    let outage = Fault::internal_error().account(&uin("outage"));
    let outage = world.inject(outage.until_cleared());
    let admin = account(ADMIN);
    admin.remove_member(MEMBER).unwrap();
    admin.remove_member(MEMBER + 1).unwrap();
    site.clock.set_skew_seconds(200);
    drop(site.down.take());
    site.cloud.stop();
    account("deleted").delete(1).unwrap();
    switch(&account("off"), &[1], 0);
    for twice in ["one-twice", "only-twice"] {
        switch(&account(twice), &[1], 0);
    }

    minutes(7).await;
    for twice in ["one-twice", "only-twice"] {
        switch(&account(twice), &[1], 1);
    }
    site.replace_pod().await;
    site.forget("forgotten", 2).await;
    account("off-deleted").delete(2).unwrap();
    minutes(3).await;
    switch(&account("off-deleted"), &[1, 3], 1);
    for twice in ["one-twice", "only-twice"] {
        switch(&account(twice), &[1], 0);
    }

    minutes(10).await;
    world.clear(outage);
    site.cloud = Cloud::at(site.cloud.address, &site.cloud.world).await;
}

fn switch(account: &Account, tracks: &[u64], status: u64) {
    for track in tracks {
        account.set_status(*track, status).unwrap();
    }
}

/// The accounts of the first job: name, number of tracks, and what the configuration says besides.
const ACCOUNTS: [(&str, u64, &str); 21] = [
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
];

/// The admin accounts of organizations whose members have no tracks of their own.
const UMBRELLA_ADMIN: &str = "100000000001";
const UMBRELLA_MEMBERS: u64 = 10;

const ADMIN: &str = "admin";
const MEMBER: u64 = 200_000_000_001;
const MEMBERS: u64 = 30;

/// Exporters, each a job of its own, with one Prometheus and one Alertmanager.
struct Site {
    world: World,
    cloud: Cloud,
    /// The cloud of the job whose clock will be wrong.
    clock: World,
    /// Clouds with an organization whose track records all members.
    umbrellas: [World; 2],
    pod: Option<Service>,
    pod_configuration: String,
    down: Option<Service>,
    /// The exporter of the first job, and others.
    others: Vec<Service>,
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    receiver: Receiver,
}

impl Site {
    async fn start() -> Self {
        let world = World::new(SystemTime::now());
        let address = Cloud::start(&world).await.address;
        let mut accounts = String::from("accounts:\n");
        for (name, tracks, settings) in ACCOUNTS {
            add(&world, name, tracks);
            write!(accounts, "{}", configuration_of(name, settings)).unwrap();
        }
        let one = |names: &[&str]| {
            let mut accounts = String::from("accounts:\n");
            for name in names {
                add(&world, name, 2);
                write!(accounts, "{}", configuration_of(name, "")).unwrap();
            }
            accounts
        };
        let pod_configuration = configuration(address, &one(&["deleted", "off"]));
        let down = configuration(address, &one(&["of-down"]));
        let of_cloud = one(&["cloud-1", "cloud-2", "cloud-3", "cloud-4"]);
        let organization = configuration(address, &organization(&world));
        let cloud = Cloud::start(&world).await;
        let clock = World::new(SystemTime::now());
        add(&clock, "of-clock", 1);
        let of_clock = format!("accounts:\n{}", configuration_of("of-clock", ""));
        let of_clock = configuration(Cloud::start(&clock).await.address, &of_clock);
        let umbrellas = [umbrella(), umbrella()];
        let mut of_umbrellas = Vec::new();
        let central = "accounts:\n  central: {credentials: {secret_id: AKIDcentral, secret_key: key-of-central}}\n";
        for (world, accounts) in umbrellas.iter().zip([central, ""]) {
            let cloud = Cloud::start(world).await.address;
            let organization = organization_of("central") + accounts;
            let configuration = configuration(cloud, &organization);
            let details = "stale_after: 30m, details_interval: 2s";
            of_umbrellas.push(configuration.replace("stale_after: 30m", details));
        }

        let receiver = Receiver::start().await;
        let scaled = alertmanager::scaled(receiver.address, SCALE);
        let alertmanager = Alertmanager::start(scaled).await;
        let pod = exporter(free_address(), pod_configuration.clone()).await;
        let down = exporter(free_address(), down).await;
        let others = [
            ("accounts", configuration(address, &accounts)),
            ("cloud", configuration(cloud.address, &of_cloud)),
            ("organization", organization),
            ("clock", of_clock),
            ("umbrella", of_umbrellas[0].clone()),
            ("members", of_umbrellas[1].clone()),
        ];
        let mut jobs = vec![("pod", pod.address), ("down", down.address)];
        let mut running = Vec::new();
        for (job, configuration) in others {
            let exporter = exporter(free_address(), configuration).await;
            jobs.push((job, exporter.address));
            running.push(exporter);
        }
        let prometheus = Prometheus::of_jobs(&jobs, alertmanager.address(), SCALE).await;
        Self {
            world,
            cloud,
            clock,
            umbrellas,
            pod: Some(pod),
            pod_configuration,
            down: Some(down),
            others: running,
            prometheus,
            alertmanager,
            receiver,
        }
    }

    /// Acknowledges the deletion of a track.
    async fn forget(&self, account: &str, track: u64) {
        let exporter = &self.others[0];
        let address = exporter.address;
        let url = format!("http://{address}/api/v1/tracks/{track}/forget?account={account}");
        let response = exporter.client.post(url).send().await.unwrap();
        assert!(response.status().is_success(), "{}", exporter.log());
    }

    /// Another pod at the same address, which knows nothing of what was before.
    async fn replace_pod(&mut self) {
        let pod = self.pod.take().unwrap();
        let address = pod.address;
        pod.end().await;
        self.pod = Some(exporter(address, self.pod_configuration.clone()).await);
    }
}

/// A listener of a simulated cloud.
struct Cloud {
    world: World,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Cloud {
    async fn start(world: &World) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), world).await
    }

    async fn at(address: SocketAddr, world: &World) -> Self {
        let server = Server::bind(address, world.clone()).await.unwrap();
        Self {
            world: world.clone(),
            address: server.local_addr(),
            serving: tokio::spawn(server.serve(std::future::pending::<()>())),
        }
    }

    fn stop(&self) {
        self.serving.abort();
    }
}

fn uin(name: &str) -> String {
    let number = name.bytes().fold(7_u64, |sum, byte| {
        (sum * 31 + u64::from(byte)) % 100_000_000_000
    });
    format!("1{number:011}")
}

/// The first of several tracks records everything; of three, only the first one does.
fn track(id: u64) -> Track {
    Track::new(id, &format!("track-{}", if id == 4 { 1 } else { id }))
}

fn add(world: &World, name: &str, tracks: u64) {
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

fn organization(world: &World) -> String {
    add(world, ADMIN, 1);
    let role = Role::new("audit-reader").trusts_account(&uin(ADMIN));
    let admin = world.account(&uin(ADMIN)).unwrap();
    admin.create_organization(MEMBERS, &role, &[track(1)]);
    organization_of(ADMIN)
}

/// A cloud with an organization: the track of its admin account records all members.
fn umbrella() -> World {
    let world = World::new(SystemTime::now());
    let admin = world.add_account(UMBRELLA_ADMIN);
    admin.add_identity(Identity::permanent("AKIDcentral", "key-of-central"));
    admin.create(track(1).for_all_members());
    let role = Role::new("audit-reader").trusts_account(UMBRELLA_ADMIN);
    admin.create_organization(UMBRELLA_MEMBERS, &role, &[]);
    world
}

fn organization_of(admin: &str) -> String {
    format!(
        "organizations:\n  main:\n    role_name: audit-reader\n    refresh: 4s\n    \
         credentials: {{secret_id: AKID{admin}, secret_key: key-of-{admin}}}\n"
    )
}

fn configuration_of(name: &str, settings: &str) -> String {
    let settings = settings.replace("{uin}", &format!("'{}'", uin(name)));
    format!(
        "  {name}:\n    {settings}\n    credentials: {{secret_id: AKID{name}, secret_key: key-of-{name}}}\n"
    )
}

fn configuration(cloud: SocketAddr, accounts: &str) -> String {
    let interval = MINUTE.as_secs();
    format!(
        "endpoint: http://{cloud}\npoll: {{interval: {interval}s, timeout: 1s, stale_after: 30m}}\n\
         rate_limit: {{requests_per_second: 20}}\n{accounts}"
    )
}

async fn exporter(address: SocketAddr, configuration: String) -> Service {
    let program = Path::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"));
    let folder = folder_with(&[("config.yaml", configuration)]);
    let flags = ["--config.file=config.yaml", "--web.enable-lifecycle"];
    Service::start(program, address, folder, &flags).await
}
