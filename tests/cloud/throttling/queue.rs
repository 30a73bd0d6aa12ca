//! Callers that wait while the rate ceiling changes.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::tencent::{LimitScope, Pacer, SourceIpLimit};
use tokio::time::{Instant, sleep};

/// Timers have a resolution of a millisecond.
const COARSE: Duration = Duration::from_millis(2);

/// Returns how long the second caller of `pacer` waits if `happens` runs 50 ms after the first
/// call.
async fn waits_when(pacer: Arc<Pacer>, happens: impl FnOnce()) -> Duration {
    pacer.acquire().await.consume();
    let start = Instant::now();
    let behind = Arc::clone(&pacer);
    let behind = tokio::spawn(async move {
        behind.acquire().await.consume();
        start.elapsed()
    });
    sleep(Duration::from_millis(50)).await;
    happens();
    behind.await.unwrap()
}

fn assert_about(waited: Duration, millis: u64) {
    let expected = Duration::from_millis(millis);
    assert!(waited.abs_diff(expected) <= COARSE, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_slows_down_when_its_identity_is_throttled() {
    let pacer = Arc::new(Pacer::new(10, SourceIpLimit::default()));
    assert_about(waits_when(Arc::clone(&pacer), || ()).await, 102);
    let pacer = Arc::new(Pacer::new(10, SourceIpLimit::default()));
    let refused = Arc::clone(&pacer);
    let waited = waits_when(pacer, || refused.throttled(LimitScope::Identity)).await;
    assert_about(waited, 204);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_slows_down_when_its_source_address_is_throttled() {
    let address = SourceIpLimit::default();
    let pacer = Arc::new(Pacer::new(10, address.clone()));
    let other = Pacer::new(20, address);
    let waited = waits_when(pacer, || other.throttled(LimitScope::SourceIp)).await;
    assert_about(waited, 204);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_follows_a_changed_rate() {
    for (from, to, millis) in [(10, 2, 510), (1, 10, 102), (1, 1_000, 50), (10, 10, 102)] {
        let pacer = Arc::new(Pacer::new(from, SourceIpLimit::default()));
        let configured = Arc::clone(&pacer);
        let waited = waits_when(pacer, || configured.set_per_second(to)).await;
        assert_about(waited, millis);
    }
}

/// At the lowest rate, the rise of the ceiling shortens the wait for the next call.
#[tokio::test(start_paused = true)]
async fn the_queue_recovers_to_full_speed() {
    let pacer = Pacer::new(20, SourceIpLimit::default());
    for _ in 0..10 {
        pacer.throttled(LimitScope::Identity);
        sleep(Duration::from_secs(1)).await;
    }
    assert!((pacer.per_second() - 1.0).abs() < 0.01);
    let start = Instant::now();
    let mut sent = Vec::new();
    while start.elapsed() < Duration::from_secs(70) {
        pacer.acquire().await.consume();
        sent.push(start.elapsed());
    }
    let in_second = |second: u64| {
        let from = Duration::from_secs(second);
        let window = |at: &&Duration| **at >= from && **at < from + Duration::from_secs(1);
        sent.iter().filter(window).count()
    };
    assert!(in_second(0) <= 2);
    // The rate grows by a third of a call per second, every second.
    for second in [15, 30, 45] {
        let expected = (1.0 + f64::from(u32::try_from(second).unwrap()) / 3.0) / 1.02;
        let counted = f64::from(u32::try_from(in_second(second)).unwrap());
        assert!((counted - expected).abs() <= 1.5, "{counted}, {expected}");
    }
    assert!(in_second(65) >= 19);
}
