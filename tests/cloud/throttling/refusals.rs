//! How the client reacts to throttled responses.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::{Pacer, SourceIpLimit};
use http::StatusCode;
use tokio::time::Instant;

use super::{NoObserver, client};
use crate::support::one_key::{REGION, world};

/// Returns the rate ceilings of the calling pacer and of another pacer at the same address, after
/// one call that fails with `fault`. Both start at 20.
async fn ceilings_after(fault: Fault) -> (f64, f64) {
    let address = SourceIpLimit::default();
    let pacer = Arc::new(Pacer::new(20, address.clone()));
    let other = Pacer::new(20, address);
    let world = world();
    world.inject(fault);
    let client = client(&world, &pacer, 1);
    let listing = client.list(REGION, Instant::now(), &NoObserver).await;
    listing.unwrap_err();
    assert!((client.requests_per_second() - pacer.per_second()).abs() < 0.01);
    (pacer.per_second(), other.per_second())
}

#[tokio::test(start_paused = true)]
async fn a_throttled_response_slows_its_own_scope() {
    let busy = StatusCode::TOO_MANY_REQUESTS;
    let own = |code: &str| (Fault::error(code, "too many requests"), 10.0, 20.0);
    let all = |code: &str| (Fault::error(code, "too many requests"), 10.0, 10.0);
    let none = |code: &str| (Fault::error(code, "too many requests"), 20.0, 20.0);
    for (fault, expected, expected_of_others) in [
        own("RequestLimitExceeded"),
        own("RequestLimitExceeded.UinLimitExceeded"),
        own("RequestLimitExceeded.GlobalRegionUinLimitExceeded"),
        own("RequestLimitExceeded.Novel"),
        (Fault::raw(busy, "text/html", "busy"), 10.0, 20.0),
        all("RequestLimitExceeded.IPLimitExceeded"),
        none("InternalError"),
        none("UnauthorizedOperation"),
        none("LimitExceeded.OverAmount"),
    ] {
        let name = format!("{fault:?}");
        let (caller_has, others_have) = ceilings_after(fault).await;
        assert!((caller_has - expected).abs() < 0.01, "{name}: {caller_has}");
        assert!(
            (others_have - expected_of_others).abs() < 0.01,
            "{name}: {others_have}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_retries_slow_the_rate_further() {
    let world = world();
    world.inject(Fault::throttled().until_cleared());
    let pacer = Arc::new(Pacer::new(16, SourceIpLimit::default()));
    let client = client(&world, &pacer, 4);
    let hour = Instant::now() + Duration::from_hours(1);
    client.list(REGION, hour, &NoObserver).await.unwrap_err();
    // The waits before the retries are at least 0.5, 1 and 2 s, so the first, third and fourth
    // attempts halve the rate. In between, it grows for at most 14 s.
    let ceiling = pacer.per_second();
    assert!((2.0..4.0).contains(&ceiling), "{ceiling}");
    assert_eq!(world.call_count(), 4);
}
