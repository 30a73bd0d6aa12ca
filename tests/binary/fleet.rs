//! The binary against the simulated cloud over loopback, in real time: exact counts, request rates
//! as the server measures them, and recovery after an outage.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::{Identity, Track, World};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::cloud::{
    Cloud, REGIONS, TRACKS, loopback, secret_id, secret_key, uin, world, write_config,
};
use crate::support::exporter::{Exporter, PATIENCE, Samples};

const PAGE_SIZE: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_in_three_regions_are_counted_exactly_and_paced() {
    const GAP: Duration = Duration::from_millis(100);
    let world = world(&["one", "two"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let config = write_config(&folder, &cloud, "poll: {interval: 20m}\n", &["one", "two"]);
    let began = Instant::now();
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
        let of_account = calls.iter().filter(|call| call.secret_id == id);
        let mut times: Vec<Instant> = of_account.map(|call| call.arrived).collect();
        times.sort();
        // A busy machine delays requests, but no request arrives before its turn.
        for (number, arrived) in (0..).zip(&times) {
            let since_start = *arrived - began;
            assert!(since_start >= GAP * number, "{number}: {since_start:?}");
        }
        // A delay lengthens a gap. It never lengthens all of them: the gap after it is shorter.
        let gaps = times.windows(2).map(|it| it[1] - it[0]);
        let shortest = gaps.min().unwrap();
        assert!(shortest <= GAP.mul_f64(1.1), "{shortest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_target_recovers_after_an_outage_of_the_cloud() {
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
    let down = exporter.metrics_when("all are down", up(0.0)).await;
    assert_eq!(
        down.sum("cloudaudit_tracks", &[]),
        1380.0,
        "last good data stays"
    );
    let reasons = down.values("cloudaudit_last_failure_info", &[("reason", "unavailable")]);
    assert_eq!(reasons, [1.0; 6]);
    sleep(Duration::from_secs(2)).await;
    let later = exporter.metrics().await;
    let succeeded = "cloudaudit_last_success_timestamp_seconds";
    let frozen = down.values(succeeded, &[]);
    assert_eq!(
        later.values(succeeded, &[]),
        frozen,
        "a failure does not change the time of the last success"
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
        "changes during the outage are detected"
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
    let succeeded =
        |samples: &Samples| samples.sum("cloudaudit_last_success_timestamp_seconds", &off[..2]);
    exporter.metrics_when("the track is on", shows(1.0)).await;
    for (status, value) in [(0, 0.0), (1, 1.0), (0, 0.0)] {
        world
            .account(&uin("one"))
            .unwrap()
            .set_status(1, status)
            .unwrap();
        let changed = Instant::now();
        let mut missed = Vec::new();
        let found = loop {
            let scraped = seconds(SystemTime::now());
            let samples = exporter.metrics().await;
            if shows(value)(&samples) {
                break samples;
            }
            missed.push((scraped, succeeded(&samples)));
            assert!(changed.elapsed() < PATIENCE, "{}", exporter.log());
            sleep(Duration::from_millis(50)).await;
        };
        // The first page that was requested after the change contains it.
        let mut calls = world.calls().into_iter().filter(|call| {
            call.region == REGIONS[0] && call.secret_id == secret_id("one") && call.page == Some(1)
        });
        let asked = calls.find(|call| call.arrived > changed).unwrap();
        let asked = seconds(asked.at);
        let polled = succeeded(&found);
        for (scraped, succeeded) in missed {
            assert!(
                succeeded < asked,
                "a poll at {asked} missed it: {succeeded}"
            );
            assert!(scraped < polled + 1.0, "{scraped}, polled at {polled}");
        }
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
    let exporter = Exporter::start(Some(&config), &[]);
    let samples = exporter
        .metrics_when("the one that is well is up", |samples| {
            samples.sum("cloudaudit_up", &[]) > 0.0
        })
        .await;
    // All first polls have begun after 81 × 20 ms, and those that hang time out after ten seconds.
    let ended = samples.sum("cloudaudit_polls_total", &[]);
    assert_eq!(ended, 1.0, "the other polls still hang");
}

fn seconds(time: SystemTime) -> f64 {
    let time = time.duration_since(SystemTime::UNIX_EPOCH);
    time.unwrap().as_secs_f64()
}
