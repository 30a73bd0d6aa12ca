//! How many requests checks cost.

use cloudaudit_exporter::sim::{Layout, Track, cos};

use super::{HOUR, MINUTE, REGION, config, deliver, world};
use crate::identities::stage::Stage;

/// In the steady state, a check of a bucket is one request.
#[tokio::test(start_paused = true)]
async fn a_thousand_targets_cost_at_most_seven_thousand_requests_an_hour() {
    const ACCOUNTS: usize = 10;
    const TARGETS: u64 = 100;
    let (world, accounts) = world(ACCOUNTS);
    for account in &accounts {
        for number in 1..=TARGETS {
            let bucket = format!("log-{number}");
            account.add_bucket(REGION, &bucket);
            let track = Track::new(number, &bucket).storage(cos(REGION, &bucket, "audit"));
            account.create(track);
            let from = world.now() - 2 * HOUR;
            account.deliver(number, Layout::days(), 9 * MINUTE, from);
        }
    }
    let mut stage = Stage::with(&world, &[], &config(ACCOUNTS));
    stage.pass(30 * MINUTE).await;
    let before = world.call_count_of("GetBucket");
    stage.pass(30 * MINUTE).await;
    let lists = world.call_count_of("GetBucket") - before;
    assert!((2_900..=3_500).contains(&lists), "{lists} in half an hour");
    assert_eq!(world.call_count_of("DescribeEvents"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stall_costs_at_most_six_queries_an_hour() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    accounts[0]
        .edit(1, |track| track["ActionType"] = "Write".into())
        .unwrap();
    accounts[0].stop_delivering(1);
    let mut stage = Stage::with(&world, &[], &config(1));
    for _ in 0..10 {
        let before = world.call_count_of("DescribeEvents");
        stage.pass(HOUR).await;
        let queries = world.call_count_of("DescribeEvents") - before;
        assert!(queries <= 6, "{queries}");
    }
    assert!(world.call_count_of("DescribeEvents") >= 50);
}
