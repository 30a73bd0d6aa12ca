//! The queue of the rate limiter, in paused time.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::tencent::{Pacer, SourceIpLimit};
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the largest number of calls in any second, excluding its end.
fn busiest_second(sent: &[Instant]) -> usize {
    let in_second = |from: usize| {
        let window = sent[from..].iter();
        window.take_while(|at| **at - sent[from] < SECOND).count()
    };
    (0..sent.len()).map(in_second).max().unwrap_or(0)
}

/// Spawns a caller that waits for its slot, then logs its number and the time.
fn caller(
    pacer: &Arc<Pacer>,
    log: &Arc<Mutex<Vec<(usize, Instant)>>>,
    number: usize,
) -> tokio::task::JoinHandle<()> {
    let (pacer, log) = (Arc::clone(pacer), Arc::clone(log));
    tokio::spawn(async move {
        pacer.acquire().await.consume();
        log.lock().unwrap().push((number, Instant::now()));
    })
}

/// Runs every task that is ready, without advancing time.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn callers_are_served_in_order_of_arrival() {
    let (pacer, log) = (
        Arc::new(Pacer::new(10, SourceIpLimit::default())),
        Arc::default(),
    );
    let mut callers = Vec::new();
    for number in 0..50 {
        callers.push(caller(&pacer, &log, number));
        settle().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let log = log.lock().unwrap();
    let order: Vec<usize> = log.iter().map(|(number, _)| *number).collect();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn many_concurrent_callers_do_not_exceed_the_rate() {
    let (pacer, log) = (
        Arc::new(Pacer::new(20, SourceIpLimit::default())),
        Arc::default(),
    );
    let callers: Vec<_> = (0..200)
        .map(|number| caller(&pacer, &log, number))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let mut sent: Vec<Instant> = log.lock().unwrap().iter().map(|(_, at)| *at).collect();
    sent.sort();
    assert_eq!(sent.len(), 200);
    assert!(busiest_second(&sent) <= 20);
    let took = *sent.last().unwrap() - sent[0];
    assert!(
        took <= Duration::from_secs_f64(200.0 / 20.0 * 1.1),
        "{took:?}"
    );
}

/// Runtime timers have a resolution of a millisecond; the errors must not accumulate.
#[tokio::test(start_paused = true)]
async fn the_configured_rate_is_reached() {
    for (rate, calls) in [
        (1, 20),
        (3, 50),
        (10, 500),
        (20, 500),
        (100, 2_000),
        (200, 4_000),
    ] {
        let pacer = Pacer::new(rate, SourceIpLimit::default());
        let start = Instant::now();
        for _ in 0..calls {
            pacer.acquire().await.consume();
        }
        let took = start.elapsed().as_secs_f64();
        let ideal = f64::from(calls) / f64::from(rate);
        assert!(took <= ideal * 1.1, "{rate}/s: {calls} calls took {took} s");
        let least = f64::from(calls - 1) / f64::from(rate);
        assert!(took >= least, "{rate}/s: {calls} calls took only {took} s");
    }
}

/// Returns the time from the first call to the slot of the caller behind one that leaves.
async fn time_to_second_slot(leave: impl AsyncFnOnce(&Pacer)) -> Duration {
    let pacer = Pacer::new(10, SourceIpLimit::default());
    pacer.acquire().await.consume();
    let first = Instant::now();
    leave(&pacer).await;
    pacer.acquire().await.consume();
    first.elapsed()
}

const ONE_GAP: Duration = Duration::from_millis(110);

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_the_head_of_the_queue_frees_its_slot() {
    let took = time_to_second_slot(async |pacer: &Pacer| {
        let waiter = timeout(Duration::from_millis(50), pacer.acquire());
        assert!(waiter.await.is_err(), "it was waiting");
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn waiters_that_leave_the_queue_free_their_slots() {
    let took = time_to_second_slot(async |pacer: &Pacer| {
        let waiters = (0..100).map(|_| timeout(Duration::from_millis(50), pacer.acquire()));
        let gone = futures_util::future::join_all(waiters).await;
        assert!(gone.iter().all(Result::is_err), "all were waiting");
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unused_permit_frees_its_slot() {
    let took = time_to_second_slot(async |pacer: &Pacer| {
        drop(pacer.acquire().await);
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

/// Waiters behind one that leaves move up and keep their order.
#[tokio::test(start_paused = true)]
async fn remaining_waiters_move_up() {
    let (pacer, log) = (
        Arc::new(Pacer::new(10, SourceIpLimit::default())),
        Arc::default(),
    );
    let mut callers = Vec::new();
    for number in 0..6 {
        callers.push(caller(&pacer, &log, number));
        settle().await;
    }
    let start = Instant::now();
    for gone in [1, 3] {
        callers[gone].abort(); // 0 was sent, 1 is at the head, 3 is in the middle
    }
    for caller in callers {
        let _ = caller.await;
    }
    let log = log.lock().unwrap();
    let order: Vec<usize> = log.iter().map(|(number, _)| *number).collect();
    assert_eq!(order, [0, 2, 4, 5]);
    let took = log[3].1 - start;
    assert!(
        took <= Duration::from_millis(310),
        "three gaps, not five: {took:?}"
    );
}

/// A held permit blocks the queue, and the next slot counts from when the call is sent.
#[tokio::test(start_paused = true)]
async fn a_held_permit_spaces_calls_from_its_use() {
    let pacer = Arc::new(Pacer::new(10, SourceIpLimit::default()));
    pacer.acquire().await.consume();
    let permit = pacer.acquire().await;
    let log = Arc::default();
    let behind = caller(&pacer, &log, 1);
    sleep(Duration::from_secs(3)).await;
    assert!(log.lock().unwrap().is_empty());
    let sent = Instant::now();
    permit.consume();
    behind.await.unwrap();
    let gap = log.lock().unwrap()[0].1 - sent;
    assert!(gap >= Duration::from_millis(95), "{gap:?}");
    assert!(gap < ONE_GAP, "{gap:?}");
}

/// What a waiter does.
#[derive(Clone, Copy, Debug)]
enum Waiter {
    Calls,
    DropsItsPermit,
    GivesUpAfter(Duration),
}

fn waiter() -> impl Strategy<Value = Waiter> {
    let limit = (0..2_000_u64).prop_map(Duration::from_millis);
    prop_oneof![
        2 => Just(Waiter::Calls),
        1 => Just(Waiter::DropsItsPermit),
        2 => limit.prop_map(Waiter::GivesUpAfter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// For any waiters that leave at any time, the remaining calls go out one gap apart, neither
    /// earlier nor later.
    #[test]
    fn waiters_that_leave_neither_cost_nor_gain_a_slot(
        rate in 1_u32..=200,
        waiters in prop::collection::vec(waiter(), 1..60),
    ) {
        /// A timer fires up to a millisecond late, and a slot is held for that long.
        const LATE: Duration = Duration::from_millis(2);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let sent = runtime.block_on(async {
            let (pacer, sent) = (Pacer::new(rate, SourceIpLimit::default()), Mutex::new(Vec::new()));
            let waiting = waiters.iter().map(async |waiter| {
                let permit = match waiter {
                    Waiter::GivesUpAfter(limit) => timeout(*limit, pacer.acquire()).await.ok(),
                    Waiter::Calls | Waiter::DropsItsPermit => Some(pacer.acquire().await),
                };
                if let Some(permit) = permit
                    && !matches!(waiter, Waiter::DropsItsPermit)
                {
                    permit.consume();
                    sent.lock().unwrap().push(Instant::now());
                }
            });
            futures_util::future::join_all(waiting).await;
            sent.into_inner().unwrap()
        });
        let calls = waiters.iter().filter(|it| matches!(it, Waiter::Calls)).count();
        prop_assert!(sent.len() >= calls);
        prop_assert!(busiest_second(&sent) <= rate as usize);
        let gap = Duration::from_secs_f64(1.02 / f64::from(rate));
        for (number, at) in (0..).zip(&sent) {
            let due = sent[0] + gap * number;
            prop_assert!(*at <= due + LATE, "call {} is {:?} late", number, *at - due);
        }
    }
}
