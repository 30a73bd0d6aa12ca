//! Somebody else, the console or another tool, uses half of the allowance of the same key.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::tencent::{Client, Pacer, SourceIpLimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Nobody, client};
use crate::support::one_key::{HOST, REGION, SECRET_ID, SECRET_KEY, world};
use crate::support::signer::Signer;

/// What the cloud allows in any second, and what we are told to use: all of it.
const ALLOWANCE: u32 = 20;

/// What the other one sends in a second, come what may.
const OTHERS: u32 = ALLOWANCE / 2;

/// Where the other one asks: it tells its calls from ours, and matters to no limit.
const ELSEWHERE: &str = "ap-singapore";

const DURATION: Duration = Duration::from_mins(5);

const SECOND: Duration = Duration::from_secs(1);

/// How long the cloud takes to answer, and so to refuse.
const LATENCY: Duration = Duration::from_millis(30);

/// Told to use 20 a second, we begin with 10 too many. The first refusal halves that, and until the
/// faster second is over, what is sent at 10 a second may be refused as well, and one that was on
/// its way.
const REFUSED_AT_FIRST: usize = 11;

/// When that has long passed.
const SETTLED: Duration = Duration::from_secs(5);

/// Each time it finds out how much room there is, one call is refused, and one may be on its way.
const REFUSED_AT_A_TIME: usize = 2;

/// It may be a call of the other's that is one too many, and a second one before one of ours is.
/// After that a call of ours less in each fifth of a second makes room again.
const REFUSED_OF_THE_OTHER: usize = 3;

/// From half of the room, 5 a second, back to all of it, 10 a second, it takes 15 s at a sixtieth
/// of 20 a second, after a second of calm.
const BETWEEN_TIMES: Duration = Duration::from_secs(16);

#[tokio::test(start_paused = true)]
async fn the_total_settles_under_the_limit_with_few_calls_refused() {
    let world = world();
    world.set_latency(LATENCY);
    let pacer = Arc::new(Pacer::new(ALLOWANCE, SourceIpLimit::default()));
    let client = Arc::new(client(&world, &pacer, 3));
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        callers.spawn(poll_without_end(Arc::clone(&client)));
    }
    callers.spawn(call_without_end(world.clone()));
    sleep(DURATION).await;
    callers.abort_all();

    let calls = world.calls();
    assert_eq!(calls.len() as u64, world.call_count(), "all are remembered");
    let refused = |region: &str| -> Vec<Instant> {
        let refused = calls.iter().filter(|call| call.refused.is_some());
        let refused = refused.filter(|call| call.region == region);
        refused.map(|call| call.arrived).collect()
    };
    let (ours, others) = (refused(REGION), refused(ELSEWHERE));
    let is_settled = |at: &Instant| *at - start > SETTLED;

    // Few of ours are refused: none but at first and then to find out how much room there is.
    let times = usize::try_from(DURATION.as_secs() / BETWEEN_TIMES.as_secs()).unwrap() + 1;
    let most = REFUSED_AT_FIRST + (1 + times) * REFUSED_AT_A_TIME;
    let count = ours.len();
    assert!(count <= most, "{count}, and at most {most}: {ours:?}");
    assert!(count > 0, "there was too much, and it was found out");
    let settled: Vec<Instant> = ours.into_iter().filter(is_settled).collect();
    for later in REFUSED_AT_A_TIME..settled.len() {
        let apart = settled[later] - settled[later - REFUSED_AT_A_TIME];
        assert!(apart >= BETWEEN_TIMES, "{apart:?}");
    }
    // And few of the other's: it is we who give way.
    let most = REFUSED_AT_FIRST + (1 + times) * REFUSED_OF_THE_OTHER;
    assert!(others.len() <= most, "{others:?}");

    // All together it is what is allowed, but for the calls that find out, and most of it is used.
    let arrived = calls.iter().map(|call| call.arrived);
    let settled: Vec<Instant> = arrived.filter(is_settled).collect();
    let busiest = busiest_second(&settled);
    assert!(busiest <= ALLOWANCE as usize + 2, "{busiest} in a second");
    let total = settled.len() as f64 / (start + DURATION - settled[0]).as_secs_f64();
    // Between 5 and 10 a second, at the same pace up: 7.5 on the way, and 10 of the other's.
    assert!((16.5..18.5).contains(&total), "{total} a second");
}

fn busiest_second(arrived: &[Instant]) -> usize {
    let in_second = |from: usize| {
        let window = arrived[from..].iter();
        window
            .take_while(|at| **at - arrived[from] < SECOND)
            .count()
    };
    (0..arrived.len()).map(in_second).max().unwrap_or(0)
}

async fn poll_without_end(client: Arc<Client>) {
    loop {
        // A poll may fail of it, and the next one is made all the same.
        let _ = client
            .list(REGION, Instant::now() + SECOND * 60, &Nobody)
            .await;
    }
}

async fn call_without_end(world: World) {
    let signer = Signer::new(HOST, SECRET_ID, SECRET_KEY);
    let mut due = interval(SECOND / OTHERS);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        due.tick().await;
        let call = signer.list(world.now(), ELSEWHERE, 1, 10);
        let world = world.clone();
        tokio::spawn(async move { drop(world.answer(call).await) });
    }
}
