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

/// The most calls in any one second, its beginning included and its end not.
fn busiest_second(sent: &[Instant]) -> usize {
    let in_second = |from: usize| {
        let window = sent[from..].iter();
        window.take_while(|at| **at - sent[from] < SECOND).count()
    };
    (0..sent.len()).map(in_second).max().unwrap_or(0)
}

/// Spawns a caller that takes its turn and writes down who it is and when.
fn caller(
    pacer: &Arc<Pacer>,
    log: &Arc<Mutex<Vec<(usize, Instant)>>>,
    who: usize,
) -> tokio::task::JoinHandle<()> {
    let (pacer, log) = (Arc::clone(pacer), Arc::clone(log));
    tokio::spawn(async move {
        pacer.acquire().await.consume();
        log.lock().unwrap().push((who, Instant::now()));
    })
}

/// Lets every task run that can run now, without time going on.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn callers_go_in_the_order_they_came() {
    let (pacer, log) = (
        Arc::new(Pacer::new(10, SourceIpLimit::default())),
        Arc::default(),
    );
    let mut callers = Vec::new();
    for who in 0..50 {
        callers.push(caller(&pacer, &log, who));
        settle().await;
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let log = log.lock().unwrap();
    let order: Vec<usize> = log.iter().map(|(who, _)| *who).collect();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn many_at_once_are_no_faster_than_one() {
    let (pacer, log) = (
        Arc::new(Pacer::new(20, SourceIpLimit::default())),
        Arc::default(),
    );
    let callers: Vec<_> = (0..200).map(|who| caller(&pacer, &log, who)).collect();
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

/// The timers of the runtime are a millisecond coarse, and that must not add up.
#[tokio::test(start_paused = true)]
async fn the_rate_that_is_asked_for_is_had() {
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

/// When the caller behind somebody who went away gets its turn, counted from the first call.
async fn second_turn_when(goes_away: impl AsyncFnOnce(&Pacer)) -> Duration {
    let pacer = Pacer::new(10, SourceIpLimit::default());
    pacer.acquire().await.consume();
    let first = Instant::now();
    goes_away(&pacer).await;
    pacer.acquire().await.consume();
    first.elapsed()
}

const ONE_GAP: Duration = Duration::from_millis(110);

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_at_the_head_gives_its_slot_back() {
    let took = second_turn_when(async |pacer: &Pacer| {
        let waiter = timeout(Duration::from_millis(50), pacer.acquire());
        assert!(waiter.await.is_err(), "it was waiting");
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn waiters_that_go_away_in_the_queue_give_their_slots_back() {
    let took = second_turn_when(async |pacer: &Pacer| {
        let waiters = (0..100).map(|_| timeout(Duration::from_millis(50), pacer.acquire()));
        let gone = futures_util::future::join_all(waiters).await;
        assert!(gone.iter().all(Result::is_err), "all were waiting");
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_not_taken_is_given_back() {
    let took = second_turn_when(async |pacer: &Pacer| {
        drop(pacer.acquire().await);
    })
    .await;
    assert!(took < ONE_GAP, "{took:?}");
}

/// Those behind one who goes away move up, and keep their order.
#[tokio::test(start_paused = true)]
async fn who_stays_moves_up() {
    let (pacer, log) = (
        Arc::new(Pacer::new(10, SourceIpLimit::default())),
        Arc::default(),
    );
    let mut callers = Vec::new();
    for who in 0..6 {
        callers.push(caller(&pacer, &log, who));
        settle().await;
    }
    let start = Instant::now();
    for gone in [1, 3] {
        callers[gone].abort(); // 0 has gone out, 1 is at the head, 3 is in the middle
    }
    for caller in callers {
        let _ = caller.await;
    }
    let log = log.lock().unwrap();
    let order: Vec<usize> = log.iter().map(|(who, _)| *who).collect();
    assert_eq!(order, [0, 2, 4, 5]);
    let took = log[3].1 - start;
    assert!(
        took <= Duration::from_millis(310),
        "three gaps, not five: {took:?}"
    );
}

/// Whoever holds a turn holds up the queue, and the slots count from when the call went out.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_held_spaces_from_its_end() {
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

/// What becomes of one who waits.
#[derive(Clone, Copy, Debug)]
enum Waiter {
    Calls,
    GivesItsTurnBack,
    GivesUpAfter(Duration),
}

fn waiter() -> impl Strategy<Value = Waiter> {
    let patience = (0..2_000_u64).prop_map(Duration::from_millis);
    prop_oneof![
        2 => Just(Waiter::Calls),
        1 => Just(Waiter::GivesItsTurnBack),
        2 => patience.prop_map(Waiter::GivesUpAfter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever goes away, and whenever: those who stay go out one gap behind the other, none sooner
    /// and none later.
    #[test]
    fn nobody_who_goes_away_costs_a_slot_or_wins_one(
        rate in 1_u32..=200,
        waiters in prop::collection::vec(waiter(), 1..60),
    ) {
        /// A timer fires in the millisecond behind its time, and a place is kept that long.
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
                    Waiter::GivesUpAfter(patience) => timeout(*patience, pacer.acquire()).await.ok(),
                    Waiter::Calls | Waiter::GivesItsTurnBack => Some(pacer.acquire().await),
                };
                if let Some(permit) = permit
                    && !matches!(waiter, Waiter::GivesItsTurnBack)
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
