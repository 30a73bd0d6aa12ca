//! A real Prometheus evaluates every query of the dashboards: for one exporter and for two that
//! watch the same accounts, at the start of the demo and after its events.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::board::{self, Chosen, Query, interpolated, queries, variables};
use super::prometheus::Prometheus;
use super::stage::{Demo, golden, serve};
use crate::support::address::free_address;

/// A moment before the first event, and one after a track was disabled and another was deleted.
const AT_FIRST: Duration = Duration::from_secs(8);
const LATER: Duration = Duration::from_secs(28);

/// How far back the queried moment lies, so that Prometheus has scraped it.
const LAG: Duration = Duration::from_secs(1);

/// Queries that are empty at first. Another test in this file shows each of them with data.
const EMPTY_AT_FIRST: [(&str, &str); 7] = [
    (
        "All tracks D",
        "the demo does not say whose its buckets are",
    ),
    ("Deliveries C", "nothing is overdue yet"),
    ("Latest changes A", "nothing has changed yet"),
    ("Track turned off", "nothing has changed yet"),
    ("Track vanished", "nothing has changed yet"),
    ("Track changed", "nothing has changed yet"),
    ("Track added", "nothing has changed yet"),
];

/// The first result of each query in the demo, for any number of replicas: eleven accounts in
/// twelve targets, one denied, one empty, and one without a track of its own that its organization
/// covers; twelve tracks, one of them disabled and one more expected.
const FIRST: &[(&str, &[f64])] = &[
    ("Accounts A", &[11.0]),
    ("No enabled track A", &[1.0]),
    ("Stale accounts A", &[1.0]),
    ("Tracks A", &[12.0]),
    ("Enabled A", &[11.0]),
    ("Disabled A", &[1.0]),
    ("Vanished within a day A", &[0.0]),
    ("Accounts, worst first A", &[1.0; 11]),
    (
        "Accounts, worst first B",
        &[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0],
    ),
    (
        "Accounts, worst first C",
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ),
    (
        "Accounts, worst first D",
        &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ),
    // One account without a track, one with a disabled track, one that was never listed.
    (
        "Accounts, worst first G",
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    ),
    (
        "Enabled by track A",
        &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ),
    (
        "All tracks F",
        &[
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0,
        ],
    ),
    (
        "Enabled tracks by account and region A",
        &[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0],
    ),
    ("Tracks by storage A", &[1.0, 2.0, 9.0]),
    ("Tracks by storage region A", &[1.0, 11.0]),
    ("Required and recorded A", &[11.0]),
    ("Required and recorded B", &[9.0]),
    ("Required and recorded C", &[1.0]),
    ("Tracks by status A", &[0.0, 1.0, 11.0]),
    // A second of the test is a minute of the rule, so that what is proven at all is proven whole.
    (
        "Proven coverage A",
        &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ),
    ("Targets A", &[12.0]),
    ("Expected tracks A", &[1.0]),
    ("Expected tracks B", &[1.0]),
    ("Failing targets A", &[1.0]),
    ("Never listed A", &[1.0]),
    ("Failed reloads A", &[0.0]),
    ("State not written A", &[0.0]),
    ("Restarted tasks A", &[0.0]),
    ("Shards A", &[1.0]),
    ("Shards B", &[1.0]),
    ("Targets by shard A", &[12.0]),
    ("Skipped polls A", &[0.0; 10]),
    ("Dropped tracks and count mismatches A", &[0.0; 11]),
    ("Dropped tracks and count mismatches B", &[0.0; 11]),
    ("Organizations A", &[3.0]),
    ("Organizations B", &[1.0]),
];

/// The later results: `prod/audit-all` is disabled, `staging/to-cls` is deleted.
const SINCE: &[(&str, &[f64])] = &[
    ("Accounts A", &[11.0]),
    ("No enabled track A", &[1.0]),
    ("Tracks A", &[11.0]),
    ("Enabled A", &[9.0]),
    ("Disabled A", &[2.0]),
    ("Vanished within a day A", &[1.0]),
    (
        "Accounts, worst first B",
        &[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0],
    ),
    ("Tracks by storage A", &[1.0, 1.0, 9.0]),
    ("Tracks by status A", &[0.0, 2.0, 9.0]),
    ("Required and recorded B", &[9.0]),
    ("Expected tracks A", &[1.0]),
    ("Expected tracks B", &[0.0]),
];

#[tokio::test]
async fn every_query_has_the_values_of_the_demo() {
    let address = free_address();
    let prometheus = Prometheus::scraping(&[address]).await;
    let demo = Demo::start(address).await;
    let moment = demo.began + AT_FIRST;
    wait_until(moment + LAG).await;
    for query in all_queries() {
        let values = prometheus.answer(&query, Chosen::ALL, moment).await;
        let excused = EMPTY_AT_FIRST
            .iter()
            .any(|(place, _)| *place == query.place);
        assert_eq!(values.is_empty(), excused, "{}: {values:?}", query.place);
    }
    expect(&prometheus, FIRST, moment).await;
    assert_eq!(of_tracks(&prometheus, Chosen::ALL, moment).await.len(), 14);
    let of_one = Chosen(&[("account", &["prod"]), ("region", &["ap-singapore"])]);
    assert_eq!(of_tracks(&prometheus, of_one, moment).await, [1.0, 1.0]);
    let of_two = Chosen(&[("account", &["legacy", "payments"])]);
    assert_eq!(
        of_tracks(&prometheus, of_two, moment).await,
        [0.0, 1.0, 1.0, 1.0]
    );
    assert_eq!(
        choices(&prometheus, moment).await,
        [1, 1, 11, 2, 1, 1, 11, 2]
    );

    let moment = demo.began + LATER;
    wait_until(moment + LAG).await;
    expect(&prometheus, SINCE, moment).await;
    let stalled = r#"cloudaudit_delivery_state{account="legacy", state="stalled"}"#;
    assert_eq!(prometheus.values(stalled, moment).await, Ok(vec![1.0]));
    for (place, expected) in [
        ("Latest changes A", 2),
        ("Track turned off", 1),
        ("Track vanished", 1),
    ] {
        let values = prometheus.at(place, moment).await;
        assert_eq!(values.len(), expected, "{place}");
        let now = seconds(moment) * 1000.0;
        let recent = values.iter().all(|at| (now - 60_000.0..now).contains(at));
        assert!(recent, "{place}: {values:?} at {now}");
    }
}

#[tokio::test]
async fn two_replicas_count_once() {
    let addresses = [free_address(), free_address()];
    let prometheus = Prometheus::scraping(&addresses).await;
    let demos = [
        Demo::start(addresses[0]).await,
        Demo::start(addresses[1]).await,
    ];
    let moment = demos[0].began + AT_FIRST;
    wait_until(moment + LAG).await;
    expect(&prometheus, FIRST, moment).await;
    assert_eq!(prometheus.at("Exporters A", moment).await, [2.0]);
    // Each replica has a port and a state file of its own.
    assert_eq!(prometheus.at("Configurations A", moment).await, [2.0]);
}

/// One replica lists one enabled and one disabled track. The other cannot reach the cloud and still
/// shows both as enabled. The stale replica counts only if it is the only one.
#[tokio::test]
async fn a_stale_replica_counts_only_where_none_is_fresh() {
    let fresh = golden("healthy.prom");
    let stale = fresh
        .replace(
            "cloudaudit_up{account=\"prod\",region=\"ap-guangzhou\"} 1",
            UP_0,
        )
        .replace("track=\"writes\"} 0", "track=\"writes\"} 1")
        .replace(
            "{account=\"prod\",status=\"enabled\"} 1",
            "{account=\"prod\",status=\"enabled\"} 2",
        )
        .replace(
            "{account=\"prod\",status=\"disabled\"} 1",
            "{account=\"prod\",status=\"disabled\"} 0",
        );
    let (fresh, stale) = (serve(fresh).await, serve(stale).await);
    let both = Prometheus::scraping(&[fresh, stale]).await;
    let alone = Prometheus::scraping(&[stale]).await;
    let now = SystemTime::now();
    for (place, of_both, of_stale) in [
        ("Tracks A", vec![2.0], vec![2.0]),
        ("Enabled A", vec![1.0], vec![2.0]),
        ("Disabled A", vec![1.0], vec![0.0]),
        ("All tracks B", vec![0.0, 1.0], vec![1.0, 1.0]),
        ("Failing targets A", vec![0.0], vec![1.0]),
    ] {
        assert_eq!(both.at(place, now).await, of_both, "{place}");
        assert_eq!(alone.at(place, now).await, of_stale, "{place}");
    }
}

const UP_0: &str = "cloudaudit_up{account=\"prod\",region=\"ap-guangzhou\"} 0";

#[tokio::test]
async fn what_the_demo_lacks_is_shown_where_it_is() {
    let addresses = [
        serve(golden("storage_of_others.prom")).await,
        serve(golden("vanished_and_changed.prom")).await,
        serve(golden("deliveries.prom")).await,
    ];
    let prometheus = Prometheus::scraping(&addresses).await;
    // An increase needs several scrapes.
    let moment = SystemTime::now() + Duration::from_secs(3);
    wait_until(moment + LAG).await;
    for (place, _) in EMPTY_AT_FIRST {
        // The changes of the golden files are of a day that has passed.
        if place == "Latest changes A" {
            continue;
        }
        assert_ne!(prometheus.at(place, moment).await, [0.0; 0], "{place}");
    }
    assert_eq!(
        prometheus.at("All tracks D", moment).await.last(),
        Some(&1.0)
    );
}

#[tokio::test]
async fn a_query_that_is_wrong_is_refused() {
    let prometheus = Prometheus::scraping(&[]).await;
    let answer = prometheus.values("sum by (", SystemTime::now()).await;
    assert!(answer.is_err());
}

fn all_queries() -> Vec<Query> {
    board::FILES
        .iter()
        .flat_map(|file| queries(&board::read(file)))
        .collect()
}

impl Prometheus {
    async fn answer(&self, query: &Query, chosen: Chosen, moment: SystemTime) -> Vec<f64> {
        let sent = interpolated(&query.expression, chosen);
        match self.values(&sent, moment).await {
            Ok(values) => values,
            Err(error) => panic!("{}: {error}", query.place),
        }
    }

    pub(crate) async fn at(&self, place: &str, moment: SystemTime) -> Vec<f64> {
        let query = all_queries().into_iter().find(|query| query.place == place);
        let query = query.expect("there is such a place");
        self.answer(&query, Chosen::ALL, moment).await
    }
}

async fn expect(prometheus: &Prometheus, expected: &[(&str, &[f64])], moment: SystemTime) {
    let mut wrong = Vec::new();
    for (place, values) in expected {
        let seen = prometheus.at(place, moment).await;
        if seen != *values {
            wrong.push(format!("{place}: {seen:?} and not {values:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether each track that a region lists is on.
async fn of_tracks(prometheus: &Prometheus, chosen: Chosen, moment: SystemTime) -> Vec<f64> {
    let query = all_queries()
        .into_iter()
        .find(|query| query.place == "All tracks B");
    let query = query.expect("the board lists the tracks");
    prometheus.answer(&query, chosen, moment).await
}

/// How many values each variable offers.
async fn choices(prometheus: &Prometheus, moment: SystemTime) -> Vec<usize> {
    let mut counts = Vec::new();
    for file in board::FILES {
        for (label, selector) in variables(&board::read(file)) {
            let expression = format!("count by ({label}) ({selector})");
            let sent = interpolated(&expression, Chosen::ALL);
            let values = prometheus.values(&sent, moment).await;
            counts.push(values.expect("it is a query").len());
        }
    }
    counts
}

async fn wait_until(moment: SystemTime) {
    if let Ok(left) = moment.duration_since(SystemTime::now()) {
        sleep(left).await;
    }
}

fn seconds(moment: SystemTime) -> f64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    since.expect("it is after 1970").as_secs_f64()
}
