//! The binary against the simulated cloud over loopback, in real time: the numbers are exact, the
//! rate is kept as the server counts it, and an outage is survived.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Track, World};
use tempfile::TempDir;

use crate::cloud::{
    Cloud, REGIONS, TRACKS, loopback, secret_id, secret_key, uin, world, write_config,
};
use crate::support::exporter::{Exporter, Samples};

const PAGE_SIZE: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_in_three_regions_are_counted_exactly_and_paced() {
    const RATE: usize = 10;
    let world = world(&["one", "two"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let config = write_config(&folder, &cloud, "poll: {interval: 20m}\n", &["one", "two"]);
    let exporter = Exporter::start(Some(&config), &[]);
    let targets = 6.0;
    let samples = exporter
        .metrics_when("every target is up", |samples| {
            samples.sum("cloudaudit_up", &[]) >= targets
        })
        .await;

    assert_eq!(samples.values("cloudaudit_track_enabled", &[]).len(), 1380);
    assert_eq!(samples.sum("cloudaudit_tracks", &[]), 1380.0);
    assert_eq!(samples.sum("cloudaudit_reported_tracks", &[]), 1380.0);
    let kinds: [(&str, &str, u64); 5] = [
        ("enabled", "cos", 77),
        ("enabled", "cls", 76),
        ("disabled", "ckafka", 38),
        ("disabled", "other", 38),
        ("unknown", "other", 1),
    ];
    assert_eq!(kinds.iter().map(|(_, _, count)| count).sum::<u64>(), TRACKS);
    for (status, storage_type, count) in kinds {
        let labels = [("status", status), ("storage_type", storage_type)];
        let expected = vec![count as f64; 6];
        assert_eq!(
            samples.values("cloudaudit_tracks", &labels),
            expected,
            "{labels:?}"
        );
    }
    for (status, count) in [("enabled", 153.0), ("disabled", 76.0), ("unknown", 1.0)] {
        let counts = samples.values("cloudaudit_account_tracks", &[("status", status)]);
        assert_eq!(counts, [count; 2], "distinct ids, {status}");
    }
    let mut series = samples.series();
    series.sort_unstable();
    let all = series.len();
    series.dedup();
    assert_eq!(series.len(), all, "no series twice");

    assert_eq!(world.refused_signatures(), 0);
    let pages = TRACKS.div_ceil(PAGE_SIZE);
    assert_eq!(world.call_count(), 6 * pages, "no call too many");
    let calls = world.calls();
    for account in ["one", "two"] {
        let id = secret_id(account);
        assert!(
            world.peak_per_second(&id) <= RATE,
            "{}",
            world.peak_per_second(&id)
        );
        let times: Vec<_> = calls
            .iter()
            .filter(|call| call.secret_id == id)
            .map(|call| call.arrived)
            .collect();
        let round = *times.iter().max().unwrap() - *times.iter().min().unwrap();
        let ideal = Duration::from_secs_f64(times.len() as f64 / RATE as f64);
        assert!(
            round <= ideal.mul_f64(1.1),
            "{round:?} for {} calls",
            times.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_cloud_comes_back_and_so_does_every_target() {
    let world = world(&["one", "two"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let address = cloud.address;
    let folder = TempDir::new().unwrap();
    let fast = "poll: {interval: 1s, timeout: 500ms, page_size: 100}\n\
                rate_limit: {requests_per_second: 100}\n";
    let config = write_config(&folder, &cloud, fast, &["one", "two"]);
    world.set_rate_limit(1_000);
    let exporter = Exporter::start(Some(&config), &[]);
    let up = |count: f64| {
        move |samples: &Samples| (samples.sum("cloudaudit_up", &[]) - count).abs() < 0.5
    };
    let before = exporter.metrics_when("all are up", up(6.0)).await;
    let open_before = before.sum("process_open_fds", &[]);

    cloud.kill();
    let dark = exporter.metrics_when("all are down", up(0.0)).await;
    assert_eq!(
        dark.sum("cloudaudit_tracks", &[]),
        1380.0,
        "last good data stays"
    );
    let reasons = dark.values("cloudaudit_last_failure_info", &[("reason", "unavailable")]);
    assert_eq!(reasons, [1.0; 6]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let later = exporter.metrics().await;
    let succeeded = "cloudaudit_last_success_timestamp_seconds";
    let frozen = dark.values(succeeded, &[]);
    assert_eq!(
        later.values(succeeded, &[]),
        frozen,
        "a failure moves no success"
    );

    world
        .account(&uin("one"))
        .unwrap()
        .set_status(1, 0)
        .unwrap();
    let cloud = Cloud::start(&world, address).await;
    let after = exporter.metrics_when("all are up again", up(6.0)).await;
    let off = [("account", "one"), ("track_id", "1")];
    assert_eq!(
        after.sum("cloudaudit_track_enabled", &off),
        0.0,
        "what happened in the dark is seen"
    );
    assert_eq!(
        after.sum("cloudaudit_track_changes_total", &[("change", "disabled")]),
        3.0
    );
    assert!(after.values("cloudaudit_last_failure_info", &[]).is_empty());
    assert!(
        after.sum("process_open_fds", &[]) <= open_before + 6.0,
        "no descriptor leaks"
    );
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
    drop(cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_shown_within_a_second_of_the_poll_that_saw_it() {
    let world = world(&["one", "two"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let config = write_config(
        &folder,
        &cloud,
        "poll: {interval: 3s, timeout: 1s, page_size: 100}\n",
        &["one", "two"],
    );
    let exporter = Exporter::start(Some(&config), &[]);
    let off = [
        ("account", "one"),
        ("region", REGIONS[0]),
        ("track_id", "1"),
    ];
    let shows = |value: f64| {
        move |samples: &Samples| samples.values("cloudaudit_track_enabled", &off) == [value]
    };
    exporter.metrics_when("the track is on", shows(1.0)).await;
    for (status, value) in [(0, 0.0), (1, 1.0), (0, 0.0)] {
        world
            .account(&uin("one"))
            .unwrap()
            .set_status(1, status)
            .unwrap();
        let changed = tokio::time::Instant::now();
        exporter
            .metrics_when("the change is shown", shows(value))
            .await;
        let seen = tokio::time::Instant::now();
        // The first page that was asked for after the change has it.
        let calls = world.calls().into_iter().filter(|call| {
            call.region == REGIONS[0] && call.secret_id == secret_id("one") && call.page == Some(1)
        });
        let asked = calls
            .map(|call| call.arrived)
            .find(|arrived| *arrived > changed)
            .unwrap();
        assert!(seen - asked < Duration::from_secs(1), "{:?}", seen - asked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_account_delays_no_other() {
    let names: Vec<String> = (0..80).map(|number| format!("a{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["well"]).collect();
    let world = World::new(SystemTime::now());
    for name in &names {
        let account = world.add_account(&uin(name));
        account.add_identity(Identity::permanent(&secret_id(name), &secret_key(name)));
        account.create(Track::new(1, "audit-all"));
        if *name != "well" {
            let hang = cloudaudit_exporter::sim::Fault::hang();
            world.inject(hang.account(&uin(name)).until_cleared());
        }
    }
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let config = write_config(
        &folder,
        &cloud,
        "poll: {interval: 10s, attempts: 1}\n",
        &names,
    );
    let started = std::time::Instant::now();
    let exporter = Exporter::start(Some(&config), &[]);
    exporter
        .metrics_when("the one that is well is up", |samples| {
            samples.sum("cloudaudit_up", &[]) > 0.0
        })
        .await;
    // All first polls have begun after 81 × 20 ms, and those that hang are cut after ten seconds.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
}
