//! Several exporters, each with a job and a cloud of its own. All events happen at the same time.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Fault, Layout, World, cos};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::alertmanager::{self, Alertmanager};
use super::exporters::{exporter, secured_exporter, start_shards};
use super::prometheus::{Prometheus, TLS_JOB};
use super::receiver::Receiver;
use super::service::Service;
use super::worlds::{
    ACCOUNTS, ADMIN, BUCKET, BUCKET_DELETED, COVERING_ADMIN, Cloud, LAST_DAYS, MEMBER,
    NOT_DELIVERING, REGION, SHARDED, add, configuration, configuration_of, configurations_of,
    covered_organization, organization, switch, track, uin,
};
use crate::support::address::free_address;
use crate::support::pki::Authority;

/// A minute of the rules in scaled time. The exporters poll once in this time, because the rules
/// are written for an interval of one minute.
pub const MINUTE: Duration = Duration::from_secs(3);

/// With shorter minutes, polls and evaluations on a busy machine are late by minutes of the rules.
const SCALE: u32 = 20;

/// Exporters, each a job of its own, with one Prometheus and two Alertmanagers.
pub struct Site {
    world: World,
    cloud: Cloud,
    /// The cloud of the job whose clock will be wrong.
    clock: World,
    /// Clouds with an organization whose track records all members.
    organizations: [World; 2],
    pod: Option<Service>,
    pod_configuration: String,
    down: Option<Service>,
    /// The exporter that serves TLS.
    secured: Service,
    authority: Authority,
    /// Two shards, later three.
    shards: Vec<Service>,
    shard_addresses: [SocketAddr; 3],
    shard_configuration: String,
    /// The exporter of the first job, and others.
    others: Vec<Service>,
    pub prometheus: Prometheus,
    alertmanager: Alertmanager,
    /// The receiver of the shipped configuration's notifications.
    pub receiver: Receiver,
    uninhibited: Alertmanager,
    /// The receiver of the notifications without inhibitions.
    pub receiver_of_all: Receiver,
}

impl Site {
    pub async fn start() -> Self {
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
        let secured = configuration(address, &one(&["of-certificate"]));
        let shard_configuration = configuration(address, &one(&SHARDED));
        let of_cloud = one(&["cloud-1", "cloud-2", "cloud-3", "cloud-4"]);
        for account in [BUCKET_DELETED, NOT_DELIVERING] {
            let account = world.account(&uin(account)).unwrap();
            account.add_bucket(REGION, BUCKET);
            let storage = cos(REGION, BUCKET, "audit");
            account.set_storage(1, storage).unwrap();
            account.deliver(1, Layout::days(), MINUTE, world.now());
        }
        let organization = configuration(address, &organization(&world));
        let cloud = Cloud::start(&world).await;
        let clock = World::new(SystemTime::now());
        add(&clock, "of-clock", 1);
        let of_clock = format!("accounts:\n{}", configuration_of("of-clock", ""));
        let of_clock = configuration(Cloud::start(&clock).await.address, &of_clock);
        let organizations = [covered_organization(), covered_organization()];
        let of_organizations = configurations_of(&organizations).await;
        let receiver = Receiver::start().await;
        let scaled = alertmanager::scaled(receiver.address, SCALE);
        let alertmanager = Alertmanager::start(scaled).await;
        let receiver_of_all = Receiver::start().await;
        let scaled = alertmanager::scaled(receiver_of_all.address, SCALE);
        let uninhibited = alertmanager::without_inhibitions(&scaled);
        let uninhibited = Alertmanager::start(uninhibited).await;
        let pod = exporter(free_address(), pod_configuration.clone()).await;
        let down = exporter(free_address(), down).await;
        let authority = Authority::new("ours");
        let secured = secured_exporter(&authority, secured).await;
        let others = [
            ("accounts", configuration(address, &accounts)),
            ("cloud", configuration(cloud.address, &of_cloud)),
            ("organization", organization),
            ("clock", of_clock),
            ("covered", of_organizations[0].clone()),
            ("members", of_organizations[1].clone()),
        ];
        let mut jobs = vec![
            ("pod", pod.address),
            ("down", down.address),
            (TLS_JOB, secured.address),
        ];
        let shard_addresses = [free_address(), free_address(), free_address()];
        jobs.extend(shard_addresses.map(|address| ("shards", address)));
        let shards = start_shards(&shard_addresses[..2], &shard_configuration).await;
        let mut running = Vec::new();
        for (job, configuration) in others {
            let exporter = exporter(free_address(), configuration).await;
            jobs.push((job, exporter.address));
            running.push(exporter);
        }
        let alertmanagers = [alertmanager.address(), uninhibited.address()];
        let prometheus = Prometheus::of_jobs(&jobs, &alertmanagers, SCALE).await;
        Self {
            world,
            cloud,
            clock,
            organizations,
            pod: Some(pod),
            pod_configuration,
            down: Some(down),
            secured,
            authority,
            shards,
            shard_addresses,
            shard_configuration,
            others: running,
            prometheus,
            alertmanager,
            receiver,
            uninhibited,
            receiver_of_all,
        }
    }

    /// Causes every event at the same time.
    pub async fn happen(&mut self) {
        let end = SystemTime::now() + LAST_DAYS;
        let certificate = self.authority.server_until(end);
        certificate.write(self.secured.folder(), "server");
        let world = self.world.clone();
        let account = |name: &str| world.account(&uin(name)).unwrap();
        account("only-deleted").delete(1).unwrap();
        account("one-deleted").delete(1).unwrap();
        switch(&account("only-off"), &[1], 0);
        switch(&account("one-off"), &[1], 0);
        switch(&account("all-off"), &[1, 2, 3], 0);
        switch(&account("off-deleted"), &[1, 2, 3], 0);
        for covered in &self.organizations {
            switch(&covered.account(COVERING_ADMIN).unwrap(), &[1], 0);
        }
        for alertmanager in [&self.alertmanager, &self.uninhibited] {
            alertmanager.silence("account", "planned").await;
        }
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
        let throttled = Fault::throttled().account(&uin("region-throttled"));
        world.inject(throttled.region("ap-singapore").until_cleared());
        let bucket = account(BUCKET_DELETED).add_bucket(REGION, BUCKET);
        bucket.delete();
        account(NOT_DELIVERING).stop_delivering(1);
        account(NOT_DELIVERING).record_operation("RunInstances", json!({}), json!({}));
        let throttled = Fault::throttled().account(&uin("of-down"));
        world.inject(throttled.every(2).until_cleared());
        let outage = Fault::internal_error().account(&uin("outage"));
        let outage = world.inject(outage.until_cleared());
        let admin = account(ADMIN);
        admin.remove_member(MEMBER).unwrap();
        admin.remove_member(MEMBER + 1).unwrap();
        self.clock.set_skew_seconds(200);
        self.cloud.stop();
        account("deleted").delete(1).unwrap();
        switch(&account("off"), &[1], 0);
        for twice in ["one-twice", "only-twice"] {
            switch(&account(twice), &[1], 0);
        }

        minutes(7).await;
        for twice in ["one-twice", "only-twice"] {
            switch(&account(twice), &[1], 1);
        }
        drop(self.down.take());
        self.replace_pod().await;
        self.reshard().await;
        self.forget("forgotten", 2).await;
        account("off-deleted").delete(2).unwrap();
        minutes(3).await;
        switch(&account("off-deleted"), &[1, 3], 1);
        for twice in ["one-twice", "only-twice"] {
            switch(&account(twice), &[1], 0);
        }

        minutes(10).await;
        world.clear(outage);
        self.cloud = Cloud::at(self.cloud.address, &self.cloud.world).await;
    }

    /// Acknowledges the deletion of a track.
    async fn forget(&self, account: &str, track: u64) {
        let exporter = &self.others[0];
        let address = exporter.address;
        let url = format!("http://{address}/api/v1/tracks/{track}/forget?account={account}");
        let response = exporter.client.post(url).send().await.unwrap();
        assert!(response.status().is_success(), "{}", exporter.log());
    }

    /// Adds a third shard: accounts move, and no shard has their earlier state.
    async fn reshard(&mut self) {
        for shard in self.shards.drain(..) {
            shard.end().await;
        }
        self.shards = start_shards(&self.shard_addresses, &self.shard_configuration).await;
    }

    /// Starts another pod at the same address, without the earlier state.
    async fn replace_pod(&mut self) {
        let pod = self.pod.take().unwrap();
        let address = pod.address;
        pod.end().await;
        self.pod = Some(exporter(address, self.pod_configuration.clone()).await);
    }
}

pub async fn minutes(minutes: u32) {
    sleep(MINUTE * minutes).await;
}
