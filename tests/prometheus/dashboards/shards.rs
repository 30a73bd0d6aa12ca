//! Shards on the dashboard: the ordinal identifies a shard, and two replicas of a shard count once.

use std::time::SystemTime;

use super::prometheus::Prometheus;
use super::stage::serve;

/// Returns the series with which a process exposes its shard.
fn shard(ordinal: u32, total: u32, targets: u32) -> String {
    format!(
        "cloudaudit_exporter_shard_ordinal {ordinal}\n\
         cloudaudit_exporter_shards {total}\n\
         cloudaudit_exporter_targets {targets}\n"
    )
}

#[tokio::test]
async fn shards_that_are_there_are_counted_and_those_that_should_be() {
    let addresses = [
        serve(shard(0, 3, 5)).await,
        serve(shard(2, 3, 7)).await,
        // Another replica of the same shard, slightly behind.
        serve(shard(2, 3, 6)).await,
    ];
    let prometheus = Prometheus::scraping(&addresses).await;
    let now = SystemTime::now();
    assert_eq!(prometheus.at("Shards A", now).await, [2.0]);
    assert_eq!(prometheus.at("Shards B", now).await, [3.0]);
    assert_eq!(prometheus.at("Targets by shard A", now).await, [5.0, 7.0]);
}

#[tokio::test]
async fn where_nothing_is_scraped_there_is_no_shard() {
    let prometheus = Prometheus::scraping(&[]).await;
    let now = SystemTime::now();
    assert_eq!(prometheus.at("Shards A", now).await, [0.0]);
    assert_eq!(prometheus.at("Targets by shard A", now).await, [0.0; 0]);
}
