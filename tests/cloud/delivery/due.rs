//! The due time is that of the oldest operation that has not arrived.

use std::time::Duration;

use cloudaudit_exporter::sim::{Layout, Track, cos};
use cloudaudit_exporter::snapshot::DeliveryState;
use serde_json::json;

use super::{MINUTE, REGION, config, record_writes_only, shown, state, world};
use crate::identities::stage::Stage;

/// Many operations follow the last arrival, and `DescribeEvents` returns the newest first.
#[tokio::test(start_paused = true)]
async fn the_oldest_of_many_operations_is_due() {
    for (every, count) in [(60, 180), (2, 1_350), (600, 12)] {
        let (world, accounts) = world(1);
        let every = Duration::from_secs(every);
        accounts[0].add_bucket(REGION, "audit-log");
        let track = Track::new(1, "writes").storage(cos(REGION, "audit-log", "audit"));
        accounts[0].create(track);
        record_writes_only(&accounts[0], 1);
        tokio::time::advance(MINUTE).await;
        accounts[0].deliver(1, Layout::days(), MINUTE, world.now());
        world.deliver();
        accounts[0].stop_delivering(1);
        let arrival = world.now();
        for _ in 0..count {
            tokio::time::advance(every).await;
            accounts[0].record_operation("RunInstances", json!({}), json!({}));
        }
        let mut stage = Stage::with(&world, &[], &config(1));
        stage.pass(3 * MINUTE).await;
        let shown = shown(&stage, 0);
        assert_eq!(state(&stage, 0), DeliveryState::Stalled, "{shown:?}");
        let due = shown.due.unwrap().duration_since(arrival).unwrap();
        assert_eq!(due.as_secs(), every.as_secs(), "{every:?}");
        assert!(world.call_count_of("DescribeEvents") <= 4, "{every:?}");
    }
}
