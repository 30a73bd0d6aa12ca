//! Requests that the cloud refuses: because of a wrong clock, and because of their rate.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::sim::Fault;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::cloud::{Cloud, loopback, uin, world, write_config};
use crate::support::exporter::{Exporter, Samples};

/// The only metric for the allowed request rate.
const CEILING: &str = "cloudaudit_rate_limiter_requests_per_second";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_a_wrong_clock_polls_and_logs_the_offset_once() {
    const AHEAD: i64 = 3_600;
    let world = world(&["one", "two"]);
    world.set_rate_limit(1_000);
    world.set_skew_seconds(AHEAD);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let fast = "poll: {interval: 1s, timeout: 1s, page_size: 100, attempts: 1}\n\
                rate_limit: {requests_per_second: 100}\n";
    let config = write_config(&folder, &cloud, fast, &["one", "two"]);
    let exporter = Exporter::start(Some(&config), &[]);
    let samples = exporter
        .metrics_when("every target has been polled twice", |samples| {
            let polls = samples.values("cloudaudit_polls_total", &[]);
            polls.len() == 6 && polls.iter().all(|polls| *polls >= 2.0)
        })
        .await;
    assert_eq!(samples.sum("cloudaudit_up", &[]), 6.0);
    assert_eq!(samples.sum("cloudaudit_poll_failures_total", &[]), 0.0);
    let skew = samples.sum("cloudaudit_clock_skew_seconds", &[]);
    assert!((skew - AHEAD as f64).abs() < 2.0, "{skew}");

    // At most one request per region is refused for it, and each account logs it once.
    let expired = [("code", "AuthFailure.SignatureExpire")];
    let expired = samples.sum("cloudaudit_api_request_errors_total", &expired);
    assert!((2.0..=6.0).contains(&expired), "{expired}");
    assert_eq!(world.refused_signatures() as f64, expired);
    for account in ["one", "two"] {
        let account = format!("account={account}");
        let words = ["rejects the time of this machine", &account];
        exporter.line_with(&words).await;
        let log = exporter.log();
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| words.iter().all(|it| line.contains(it)))
            .collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("level=warn"), "{log}");
    }
    // The exposed times are those of the machine's own clock.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_secs_f64();
    for at in samples.values("cloudaudit_last_success_timestamp_seconds", &[]) {
        assert!((now - at).abs() < 60.0, "{at}, and it is {now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_the_address_slows_every_account() {
    const RATE: f64 = 100.0;
    let world = world(&["one", "two"]);
    world.set_rate_limit(1_000);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let fast = "poll: {interval: 1s, timeout: 1s, page_size: 100}\n\
                rate_limit: {requests_per_second: 100}\n";
    let config = write_config(&folder, &cloud, fast, &["one", "two"]);
    let exporter = Exporter::start(Some(&config), &[]);
    let ceilings = |samples: &Samples| -> Vec<f64> {
        let ceiling = |account| samples.sum(CEILING, &[("account", account)]);
        ["one", "two"].map(ceiling).to_vec()
    };
    let all_up = |samples: &Samples| samples.sum("cloudaudit_up", &[]) == 6.0;
    let before = exporter.metrics_when("all are up", all_up).await;
    assert_eq!(ceilings(&before), [RATE, RATE]);

    // A refusal for one identity slows only that identity.
    world.inject(Fault::throttled().account(&uin("one")));
    let own = exporter
        .metrics_when("one is slower", |samples| ceilings(samples)[0] < RATE)
        .await;
    assert!(ceilings(&own)[0] >= RATE / 2.0, "{:?}", ceilings(&own));
    assert_eq!(ceilings(&own)[1], RATE);

    let code = "RequestLimitExceeded.IPLimitExceeded";
    world.inject(Fault::error(code, "too many from there").account(&uin("one")));
    let all = exporter
        .metrics_when("two is slower", |samples| ceilings(samples)[1] < RATE)
        .await;
    assert!(ceilings(&all)[1] >= RATE / 2.0, "{:?}", ceilings(&all));

    // The rate recovers by a sixtieth per second.
    let (slow, seen) = (ceilings(&all)[1], Instant::now());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let later = exporter.metrics_when("it is faster", |samples| ceilings(samples)[1] > slow);
    let later = ceilings(&later.await)[1];
    // The observed value was up to one interval old.
    let most = RATE / 60.0 * (seen.elapsed().as_secs_f64() + 1.5);
    assert!(later <= slow + most, "{slow} became {later}");
}
