//! What is told of shards that come and go: nothing; and of one that is gone: that it is.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::estate::{Estate, Size};
use crate::prometheus::{MINUTE, Prometheus};

/// An interval is a minute to the rules, as to those whom they are made for.
const SIZE: Size = Size {
    accounts: 150,
    members: 10,
    interval: Duration::from_secs(MINUTE as u64),
    refresh: Duration::from_mins(1),
};
const ALL: usize = 160;

/// The longest `for` of what a move might set off is ten minutes; what a scaling sets off shows
/// within eleven.
const WATCHED: Duration = Duration::from_secs(11 * MINUTE as u64);

/// `CloudAuditShardsMissing` takes fifteen minutes; the shard is seen missing, the rule evaluated,
/// within one more.
const FOR: Duration = Duration::from_secs(15 * MINUTE as u64);
const LATEST: Duration = Duration::from_secs(17 * MINUTE as u64);
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_move_sets_off_no_alert_and_a_shard_that_is_killed_only_its_own() {
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
        println!("from and to {total}: none fired, pending were {watched:?}");
        let shards = prometheus.value("max(cloudaudit_exporter_shards)").await;
        assert_eq!(shards, Some(f64::from(total)));
        let up = prometheus.value("count(cloudaudit_up==1)").await;
        assert_eq!(up, Some(ALL as f64));
    }

    // It stays among those that should be scraped.
    let killed = Instant::now();
    estate.shards[3].take().unwrap().kill().await;
    let missing = BTreeSet::from(["CloudAuditShardsMissing".to_owned()]);
    let mut firing = BTreeSet::new();
    while firing != missing {
        firing = prometheus.firing().await;
        assert!(firing.is_subset(&missing), "{firing:?}");
        assert!(killed.elapsed() < LATEST, "nobody missed it");
        sleep(LOOK_EVERY).await;
    }
    let took = killed.elapsed();
    println!("a killed shard is told of after {took:?}, {MINUTE} s to a minute");
    assert!(took > FOR, "{took:?}");
    // Whatever else speaks of its accounts has had its time too.
    let end = Instant::now() + Duration::from_secs(3 * u64::from(MINUTE));
    while Instant::now() < end {
        assert_eq!(prometheus.firing().await, missing);
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until all are scraped and all that is pending is over: it takes some seconds to find its
/// targets, which are minutes to the rules.
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

/// Holds that nothing fires for so long; gives what was about to.
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
