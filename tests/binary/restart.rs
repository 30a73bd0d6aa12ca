//! A restart loses nothing from the state file: tracks, tombstones and covered time.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use cloudaudit_exporter::sim::{Account, Identity, Server, Track, World};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::exporter::{Exporter, Samples};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_restores_the_state_file() {
    let mut scene = Scene::new().await;
    let mut exporter = scene.start();
    let has_evidence =
        |samples: &Samples| samples.sum("cloudaudit_account_observed_seconds_total", &[]) > 1.0;
    exporter
        .metrics_when("the target is up", |samples| {
            samples.sum("cloudaudit_up", &[]) > 0.0
        })
        .await;
    scene.account.set_status(2, 0).unwrap();
    exporter
        .metrics_when("the switch-off is seen", |samples| {
            samples.sum("cloudaudit_track_changes_total", &[("change", "disabled")]) > 0.0
        })
        .await;
    let before = exporter
        .metrics_when("some time counts as observed", has_evidence)
        .await;
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0));
    let written = fs::read_to_string(scene.state_file()).unwrap();
    assert!(
        !written.contains("key-of-one") && !written.contains("AKIDone"),
        "no secret is in it"
    );

    // A track is deleted while the exporter is down; the cloud is unreachable when it starts again.
    scene.account.delete(1).unwrap();
    scene.cloud.abort();
    let exporter = scene.start();
    let first = exporter.metrics().await;
    let changed = "cloudaudit_track_changed_timestamp_seconds";
    let succeeded = "cloudaudit_last_success_timestamp_seconds";
    assert_eq!(
        first.values("cloudaudit_tracks", &[]),
        before.values("cloudaudit_tracks", &[])
    );
    assert!(
        first.sum(succeeded, &[]) >= before.sum(succeeded, &[]),
        "true times, as last written"
    );
    assert_eq!(first.values(changed, &[]), before.values(changed, &[]));
    assert_eq!(
        first.sum("cloudaudit_track_changes_total", &[]),
        0.0,
        "restored is no change"
    );
    assert_eq!(exporter.get("/-/ready").await.0, 200, "ready at once");
    let observed = "cloudaudit_account_observed_seconds_total";
    assert!(
        first.sum(observed, &[]) >= before.sum(observed, &[]),
        "no evidence is lost"
    );

    scene.start_cloud().await;
    let after = exporter
        .metrics_when("the deletion is seen", |samples| {
            samples.values("cloudaudit_track_present", &[("track_id", "1")]) == [0.0]
        })
        .await;
    assert_eq!(
        after.sum("cloudaudit_track_changes_total", &[("change", "vanished")]),
        1.0
    );
    assert_eq!(
        after.sum("cloudaudit_track_changes_total", &[("change", "created")]),
        0.0
    );
    exporter
        .metrics_when("the state is written", |samples| {
            samples.values("cloudaudit_exporter_state_last_write_successful", &[]) == [1.0]
        })
        .await;
}

/// Evidence that a scrape has shown survives a killed process.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_was_scraped_survives_kill_nine() {
    let scene = Scene::new().await;
    let mut scraped = 0.0;
    for _ in 0..2 {
        let mut exporter = scene.start();
        let start = Instant::now();
        scene
            .account
            .create(Track::new(10 + u64::from(exporter.pid()), "makes-it-write"));
        while start.elapsed() < Duration::from_secs(8) {
            let shown = exporter
                .metrics()
                .await
                .sum("cloudaudit_account_observed_seconds_total", &[]);
            assert!(shown >= scraped, "{shown} after {scraped}");
            scraped = shown;
            sleep(Duration::from_millis(50)).await;
        }
        exporter.signal("KILL");
        assert_eq!(exporter.wait_for_end(), None);
        // The outage is longer than three intervals, so its time may be lost.
        sleep(Duration::from_millis(3_500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_state_file_is_a_warning_and_kept_aside() {
    let scene = Scene::new().await;
    fs::write(scene.state_file(), "not a state file").unwrap();
    let exporter = scene.start();
    exporter
        .metrics_when("the target is up", |samples| {
            samples.sum("cloudaudit_up", &[]) > 0.0
        })
        .await;
    exporter
        .metrics_when("the state is written", |samples| {
            samples.sum("cloudaudit_exporter_state_last_write_successful", &[]) > 0.0
        })
        .await;
    assert!(exporter.log().contains("state.json"), "{}", exporter.log());
    let names: Vec<String> = fs::read_dir(scene.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("state.json.corrupt-")),
        "{names:?}"
    );
}

struct Scene {
    world: World,
    account: Account,
    cloud: JoinHandle<()>,
    address: SocketAddr,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new(SystemTime::now());
        let account = world.add_account("100000000001");
        account.add_identity(Identity::permanent("AKIDone", "key-of-one"));
        (1..=3).for_each(|id| account.create(Track::new(id, &format!("track-{id}"))));
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), world.clone())
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        let address = server.local_addr();
        let yaml = format!(
            "endpoint: http://{address}\npoll: {{interval: 1s, timeout: 500ms}}\n\
             state: {{file: state.json}}\naccounts:\n  \
             one: {{credentials: {{env: {{secret_id: ID, secret_key: KEY}}}}}}\n"
        );
        fs::write(folder.path().join("config.yaml"), yaml).unwrap();
        let cloud = tokio::spawn(server.serve(std::future::pending::<()>()));
        Self {
            world,
            account,
            cloud,
            address,
            folder,
        }
    }

    fn start(&self) -> Exporter {
        let config = self.folder.path().join("config.yaml");
        Exporter::start(Some(&config), &[("ID", "AKIDone"), ("KEY", "key-of-one")])
    }

    async fn start_cloud(&mut self) {
        let server = loop {
            match Server::bind(self.address, self.world.clone()).await {
                Ok(server) => break server,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        };
        self.cloud = tokio::spawn(server.serve(std::future::pending::<()>()));
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }
}
