//! Eight processes and ten thousand accounts: each account is polled by exactly one of them,
//! whatever their number.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::estate::{ADMIN_KEY, Estate, Size};
use crate::record::Writer;

const SIZE: Size = Size {
    accounts: 9_600,
    members: 400,
    interval: Duration::from_mins(1),
    // Every shard refreshes the members several times in each phase of the test.
    refresh: Duration::from_secs(20),
};
const ALL: usize = 10_000;

/// The cloud refuses the 21st request of a second. All shards together send these at exactly that rate,
/// so a busy machine may bunch one request too many; the exporter retries it.
const AT_THE_LIMIT: [&str; 2] = ["DescribeOrganizationMembers", "AssumeRole"];

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_accounts_are_each_polled_by_one_shard_of_eight() {
    let mut estate = Estate::new(&SIZE, false).await;
    let writer = Writer::start(&estate.world);
    let began = Instant::now();
    estate.scale(8).await;
    let eight = estate.at_rest(ALL).await;
    println!(
        "eight are at rest after {:?}: {:?}",
        began.elapsed(),
        sizes(&eight)
    );

    let began = Instant::now();
    estate.scale(9).await;
    let nine = estate.at_rest(ALL).await;
    println!(
        "nine are at rest after {:?}: {:?}",
        began.elapsed(),
        sizes(&nine)
    );
    let ninth = ALL / 9;
    let moved = nine[8].len();
    assert!(moved.abs_diff(ninth) < ninth / 8, "{moved} accounts moved");
    for (before, after) in eight.iter().zip(&nine) {
        let before: BTreeSet<&String> = before.iter().collect();
        assert!(after.iter().all(|account| before.contains(account)));
    }

    let began = Instant::now();
    estate.scale(8).await;
    let again = estate.at_rest(ALL).await;
    println!("eight are at rest after {:?}", began.elapsed());
    assert_eq!(again, eight);
    drop(estate.shards.drain(..));

    let record = writer.end().await;
    assert_eq!(record.stays.len(), ALL);
    let gap = record.shortest_change(); // also asserts that no two shards poll the same account
    println!("shortest time between the polls of two processes: {gap:?}");
    for action in AT_THE_LIMIT {
        let peak = estate.world.peak_of(action, ADMIN_KEY);
        println!("{action}: {peak} in a second at the most");
    }
    let is_bunched =
        |action: &str, code: &str| AT_THE_LIMIT.contains(&action) && code == "RequestLimitExceeded";
    let refused = record.refused.iter();
    let refused: Vec<_> = refused
        .filter(|(action, code)| !is_bunched(action, code))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

fn sizes(shards: &[Vec<String>]) -> Vec<usize> {
    shards.iter().map(Vec::len).collect()
}
