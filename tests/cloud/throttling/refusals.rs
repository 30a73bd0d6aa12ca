//! What the client makes of throttled answers.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::sim::Fault;
use cloudaudit_exporter::tencent::{Pacer, SourceIpLimit};
use http::StatusCode;
use tokio::time::Instant;

use super::{Nobody, client};
use crate::support::one_key::{REGION, world};

/// The ceilings of the pacer that called, and of one beside it, after one call that failed so. Both
/// began at 20.
async fn ceilings_after(fault: Fault) -> (f64, f64) {
    let address = SourceIpLimit::default();
    let pacer = Arc::new(Pacer::new(20, address.clone()));
    let beside = Pacer::new(20, address);
    let world = world();
    world.inject(fault);
    let client = client(&world, &pacer, 1);
    let listing = client.list(REGION, Instant::now(), &Nobody).await;
    listing.unwrap_err();
    assert!((client.requests_per_second() - pacer.per_second()).abs() < 0.01);
    (pacer.per_second(), beside.per_second())
}

#[tokio::test(start_paused = true)]
async fn what_slows_whom() {
    let busy = StatusCode::TOO_MANY_REQUESTS;
    let own = |code: &str| (Fault::error(code, "told so"), 10.0, 20.0);
    let all = |code: &str| (Fault::error(code, "told so"), 10.0, 10.0);
    let nobody = |code: &str| (Fault::error(code, "told so"), 20.0, 20.0);
    for (fault, caller, others) in [
        own("RequestLimitExceeded"),
        own("RequestLimitExceeded.UinLimitExceeded"),
        own("RequestLimitExceeded.GlobalRegionUinLimitExceeded"),
        own("RequestLimitExceeded.Novel"),
        (Fault::raw(busy, "text/html", "busy"), 10.0, 20.0),
        all("RequestLimitExceeded.IPLimitExceeded"),
        nobody("InternalError"),
        nobody("UnauthorizedOperation"),
        nobody("LimitExceeded.OverAmount"),
    ] {
        let name = format!("{fault:?}");
        let (caller_has, others_have) = ceilings_after(fault).await;
        assert!((caller_has - caller).abs() < 0.01, "{name}: {caller_has}");
        assert!((others_have - others).abs() < 0.01, "{name}: {others_have}");
    }
}

/// Retries of one call are throttled too, and halve further.
#[tokio::test(start_paused = true)]
async fn retries_that_are_throttled_slow_further() {
    let world = world();
    world.inject(Fault::throttled().until_cleared());
    let pacer = Arc::new(Pacer::new(16, SourceIpLimit::default()));
    let client = client(&world, &pacer, 4);
    let hour = Instant::now() + Duration::from_hours(1);
    client.list(REGION, hour, &Nobody).await.unwrap_err();
    // Before the retries are at least 0.5, 1 and 2 s. So the third and the fourth try have halved
    // it besides the first, and no more than a minute's growth in 14 s has come to it in between.
    let ceiling = pacer.per_second();
    assert!((2.0..4.0).contains(&ceiling), "{ceiling}");
    assert_eq!(world.call_count(), 4);
}
