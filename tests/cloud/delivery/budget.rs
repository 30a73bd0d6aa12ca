//! The number of requests that delivery checks send.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::{Layout, Track, cls, cos};
use cloudaudit_exporter::snapshot::DeliveryState;
use cloudaudit_exporter::state::Saved;

use super::{HOUR, MINUTE, REGION, config, deliver, record_writes_only, shown, state, world};
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

/// A check of a topic is one request, and one more each hour, even if nothing arrives.
#[tokio::test(start_paused = true)]
async fn a_topic_costs_seven_requests_an_hour() {
    let (world, accounts) = world(2);
    let topics = accounts.iter().zip(["topic-0", "topic-1"]);
    let topics = topics.map(|(account, topic)| {
        account.create(Track::new(1, "a").storage(cls(REGION, topic)));
        record_writes_only(account, 1);
        account.add_topic(REGION, topic)
    });
    let topics: Vec<_> = topics.collect();
    for topic in &topics {
        topic.write(world.now());
    }
    let mut stage = Stage::with(&world, &[], &config(2));
    stage.pass(HOUR).await;
    let requests = || {
        ["DescribeLogHistogram", "DescribeTopics"]
            .map(|action| world.call_count_of(action))
            .iter()
            .sum::<u64>()
    };
    for hour in 0..24 {
        let before = requests();
        // Nothing arrives at the other one.
        for _ in 0..6 {
            topics[0].write(world.now());
            stage.pass(10 * MINUTE).await;
        }
        let requests = requests() - before;
        assert!((12..=14).contains(&requests), "{requests} in hour {hour}");
    }
    for (number, expected) in [DeliveryState::Arriving, DeliveryState::Quiet]
        .iter()
        .enumerate()
    {
        assert_eq!(
            state(&stage, number),
            *expected,
            "{:?}",
            shown(&stage, number)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stall_costs_at_most_six_queries_an_hour() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    record_writes_only(&accounts[0], 1);
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

/// Half of the targets are quiet; to the others, objects arrive often or seldom. Hours, a day and a
/// year end meanwhile.
#[tokio::test(start_paused = true)]
async fn quiet_targets_stay_within_the_budget_too() {
    const ACCOUNTS: usize = 5;
    const TARGETS: u64 = 20;
    let (world, accounts) = world(ACCOUNTS);
    let layouts = [Layout::days(), Layout::hours(), Layout::track_months()];
    for account in &accounts {
        for (index, number) in (1..=TARGETS).enumerate() {
            let bucket = format!("log-{number}");
            account.add_bucket(REGION, &bucket);
            account.create(Track::new(number, &bucket).storage(cos(REGION, &bucket, "audit")));
            record_writes_only(account, number);
            let layout = layouts[index % 3].clone();
            let every = [5, 9, 25][index % 7 % 3] * MINUTE;
            account.deliver(number, layout, every, world.now());
        }
    }
    tokio::time::advance(3 * HOUR).await;
    world.deliver();
    for account in &accounts {
        for number in (2..=TARGETS).step_by(2) {
            account.stop_delivering(number);
        }
    }
    let mut stage = Stage::with(&world, &[], &config(ACCOUNTS));
    stage.pass(2 * HOUR).await;
    let requests = || world.call_count_of("GetBucket") + world.call_count_of("DescribeEvents");
    for hour in 0..12 {
        let before = requests();
        stage.pass(HOUR).await;
        let requests = requests() - before;
        assert!(requests <= 700, "{requests} requests in hour {hour}");
        for number in 0..ACCOUNTS {
            let report = stage.shown.last(&format!("a{number}"));
            for delivery in report.deliveries.as_deref().unwrap() {
                let present = delivery.state_at(stage.clock.now());
                let name = delivery.target.name.strip_prefix("log-").unwrap();
                let is_quiet = name.parse::<u64>().unwrap().is_multiple_of(2);
                let expected = if is_quiet {
                    DeliveryState::Quiet
                } else {
                    DeliveryState::Arriving
                };
                assert_eq!(present, expected, "hour {hour}: {delivery:?}");
                if !is_quiet {
                    let behind = world.now().duration_since(delivery.last_arrival.unwrap());
                    assert!(behind.unwrap() <= 36 * MINUTE, "{delivery:?}");
                }
            }
        }
    }
}

/// The API counts the queries of an account, and not those of a process.
#[tokio::test(start_paused = true)]
async fn restarts_and_reloads_do_not_renew_the_limit_of_queries() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    record_writes_only(&accounts[0], 1);
    accounts[0].stop_delivering(1);
    tokio::time::advance(HOUR).await;
    let mut saved = Saved::default();
    let before = world.call_count_of("DescribeEvents");
    for start in 0..8 {
        let mut stage = Stage::new(&world, &[]);
        let now = stage.clock.now();
        let text = serde_json::to_string(&saved).unwrap();
        saved = serde_json::from_str(&text).unwrap();
        stage.fleet.restore(saved.into_reports(now));
        for reload in 0..2 {
            // Another setting, so that the account begins again and checks the target again.
            let interval = format!("enabled: true, interval: {}m", 2 + (start + reload) % 2);
            let config = config(1).replace("enabled: true", &interval);
            if reload == 0 {
                stage.load(&config);
            } else {
                stage.reload(&config).await;
            }
            stage.pass(Duration::from_secs(150)).await;
        }
        let reports: Vec<_> = stage.shown.reports().into_iter().map(Arc::new).collect();
        saved = Saved::from_reports(&reports);
    }
    let queries = world.call_count_of("DescribeEvents") - before;
    assert!(queries <= 6, "{queries} queries in 40 minutes");
    assert!(queries > 0);
}
