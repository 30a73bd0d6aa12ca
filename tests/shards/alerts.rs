//! Scaling the shards fires no alert, and a killed shard fires exactly one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::estate::{Estate, Size};
use crate::prometheus::{MINUTE, Prometheus};

/// The interval is one minute in the scaled time of the rules, as in a default configuration.
const SIZE: Size = Size {
    accounts: 150,
    members: 10,
    interval: Duration::from_secs(MINUTE as u64),
    refresh: Duration::from_mins(1),
};
const ALL: usize = 160;

/// The longest `for` of an alert that scaling might fire is ten minutes, so eleven minutes show it.
const WATCHED: Duration = Duration::from_secs(11 * MINUTE as u64);

/// The `for` of `CloudAuditShardsMissing`. Prometheus notices the missing shard and evaluates the
/// rule within another minute.
const FOR: Duration = Duration::from_secs(15 * MINUTE as u64);
const LATEST: Duration = Duration::from_secs(17 * MINUTE as u64);
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn scaling_fires_no_alert_and_a_killed_shard_fires_only_its_own() {
    let mut estate = Estate::new(&SIZE, true).await;
    estate.scale(1).await;
    estate.at_rest(ALL).await;
    let prometheus = Prometheus::start().await;
    prometheus.scrape(&estate.addresses());
    settle(&prometheus, 1.0).await;

    for total in [8, 9, 1, 8] {
        let (watched, ()) = tokio::join!(silence(&prometheus, WATCHED), async {
            estate.scale(total).await;
            prometheus.scrape(&estate.addresses());
            estate.at_rest(ALL).await;
        });
        println!("scaled to {total}: no alert fired, pending were {watched:?}");
        let shards = prometheus.value("max(cloudaudit_exporter_shards)").await;
        assert_eq!(shards, Some(f64::from(total)));
        let up = prometheus.value("count(cloudaudit_up==1)").await;
        assert_eq!(up, Some(ALL as f64));
    }

    // The killed shard remains a scrape target.
    let killed = Instant::now();
    estate.shards[3].take().unwrap().kill().await;
    let missing = BTreeSet::from(["CloudAuditShardsMissing".to_owned()]);
    let mut firing = BTreeSet::new();
    while firing != missing {
        firing = prometheus.firing().await;
        assert!(firing.is_subset(&missing), "{firing:?}");
        assert!(killed.elapsed() < LATEST, "no alert for the killed shard");
        sleep(LOOK_EVERY).await;
    }
    let took = killed.elapsed();
    println!("the alert for a killed shard fires after {took:?}, {MINUTE} s to a minute");
    assert!(took > FOR, "{took:?}");
    // Every other alert about its accounts has had time to fire, too.
    let end = Instant::now() + Duration::from_secs(3 * u64::from(MINUTE));
    while Instant::now() < end {
        assert_eq!(prometheus.firing().await, missing);
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until Prometheus scrapes every shard and no alert is pending or firing. Prometheus needs
/// some seconds to discover its targets, which are minutes in the scaled time of the rules.
async fn settle(prometheus: &Prometheus, shards: f64) {
    let began = Instant::now();
    loop {
        let up = prometheus.value("sum(up)").await;
        let mut speaks = prometheus.firing().await;
        speaks.extend(prometheus.pending().await);
        if up == Some(shards) && speaks.is_empty() {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{up:?} {speaks:?}"
        );
        sleep(LOOK_EVERY).await;
    }
}

/// Asserts that no alert fires for this time, and returns the alerts that were pending.
async fn silence(prometheus: &Prometheus, time: Duration) -> BTreeSet<String> {
    let began = Instant::now();
    let mut pending = BTreeSet::new();
    while began.elapsed() < time {
        assert_eq!(prometheus.firing().await, BTreeSet::new());
        pending.extend(prometheus.pending().await);
        sleep(LOOK_EVERY).await;
    }
    pending
}
