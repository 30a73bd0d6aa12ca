//! Another client of the same key, such as the console, uses half of the rate limit.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::World;
use cloudaudit_exporter::tencent::{Client, Pacer, SourceIpLimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{NoObserver, client};
use crate::support::one_key::{HOST, REGION, SECRET_ID, SECRET_KEY, world};
use crate::support::signer::Signer;

/// The rate limit of the cloud per second, which is also the configured rate.
const ALLOWANCE: u32 = 20;

/// The constant rate of the other client per second.
const OTHERS: u32 = ALLOWANCE / 2;

/// The region of the other client. It only distinguishes its calls: the limit is per key.
const ELSEWHERE: &str = "ap-singapore";

const DURATION: Duration = Duration::from_mins(5);

const SECOND: Duration = Duration::from_secs(1);

/// The latency of every response, including refusals.
const LATENCY: Duration = Duration::from_millis(30);

/// At 20 calls per second, the exporter starts with 10 too many. The first refusal halves its rate.
/// Until that first second is over, calls at 10 per second may be refused, too, and one call in
/// flight.
const REFUSED_AT_START: usize = 11;

/// The time after which the start is over.
const SETTLED: Duration = Duration::from_secs(5);

/// Each probe for more room costs one refused call, and another one may be in flight.
const REFUSED_PER_PROBE: usize = 2;

/// Calls of the other client may exceed the limit before a call of the exporter does. Then the
/// lower rate of the exporter makes room again.
const REFUSED_OF_THE_OTHER_PER_PROBE: usize = 3;

/// Growing from 5 to 10 calls per second takes 15 s at a sixtieth of 20 per second, after a second
/// without growth.
const BETWEEN_PROBES: Duration = Duration::from_secs(16);

#[tokio::test(start_paused = true)]
async fn the_total_settles_under_the_limit_with_few_calls_refused() {
    let world = world();
    world.set_latency(LATENCY);
    let pacer = Arc::new(Pacer::new(ALLOWANCE, SourceIpLimit::default()));
    let client = Arc::new(client(&world, &pacer, 3));
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        callers.spawn(poll_forever(Arc::clone(&client)));
    }
    callers.spawn(call_forever(world.clone()));
    sleep(DURATION).await;
    callers.abort_all();

    let calls = world.calls();
    assert_eq!(
        calls.len() as u64,
        world.call_count(),
        "all calls are recorded"
    );
    let refused = |region: &str| -> Vec<Instant> {
        let refused = calls.iter().filter(|call| call.refused.is_some());
        let refused = refused.filter(|call| call.region == region);
        refused.map(|call| call.arrived).collect()
    };
    let (ours, others) = (refused(REGION), refused(ELSEWHERE));
    let is_settled = |at: &Instant| *at - start > SETTLED;

    // Few calls of the exporter are refused: at the start, and when it probes for more room.
    let probes = usize::try_from(DURATION.as_secs() / BETWEEN_PROBES.as_secs()).unwrap() + 1;
    let most = REFUSED_AT_START + (1 + probes) * REFUSED_PER_PROBE;
    let count = ours.len();
    assert!(count <= most, "{count}, and at most {most}: {ours:?}");
    assert!(count > 0, "the excess was noticed");
    let settled: Vec<Instant> = ours.into_iter().filter(is_settled).collect();
    for later in REFUSED_PER_PROBE..settled.len() {
        let apart = settled[later] - settled[later - REFUSED_PER_PROBE];
        assert!(apart >= BETWEEN_PROBES, "{apart:?}");
    }
    // Few calls of the other client are refused, because the exporter lowers its rate.
    let most = REFUSED_AT_START + (1 + probes) * REFUSED_OF_THE_OTHER_PER_PROBE;
    assert!(others.len() <= most, "{others:?}");

    // The total stays within the limit, apart from probes, and uses most of it.
    let arrived = calls.iter().map(|call| call.arrived);
    let settled: Vec<Instant> = arrived.filter(is_settled).collect();
    let busiest = busiest_second(&settled);
    assert!(busiest <= ALLOWANCE as usize + 2, "{busiest} in a second");
    let total = settled.len() as f64 / (start + DURATION - settled[0]).as_secs_f64();
    // The exporter's rate grows linearly from 5 to 10, so 7.5 on average; the other client adds 10.
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

async fn poll_forever(client: Arc<Client>) {
    loop {
        // A poll may fail because of throttling; the next one starts anyway.
        let _ = client
            .list(REGION, Instant::now() + SECOND * 60, &NoObserver)
            .await;
    }
}

async fn call_forever(world: World) {
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
