//! All faults at once: API errors, a gateway that delivers responses twice, restarts of the cloud,
//! clock jumps, key and configuration files that hang, crowds of half requests, a full pipe of a log
//! that is not read, reloads and changes, over loopback and in real time. At every moment, each target shows the tracks of its
//! last listing or nothing. After the storm, every target shows its latest tracks.
//!
//! `CHAOS_SECONDS` sets the length, `CHAOS_SEED` repeats a run; the test prints both.

use std::time::{Duration, Instant};

use crate::estate::Estate;
use crate::support::exporter::{Exporter, Samples};
use crate::weather::Weather;
use crate::witness::Witness;
use crate::{setting, turn};

const ACCOUNTS: usize = 50;

/// How long the exporter may take to end after SIGTERM. It takes at most a second; the rest is for a
/// busy machine.
const LONGEST_STOP: Duration = Duration::from_secs(2);

/// Every request is logged, so that the pipe and the queue of the log are full within seconds.
const LOG_LEVEL: (&str, &str) = ("CLOUDAUDIT_EXPORTER_LOG_LEVEL", "debug");

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_a_target_shows_its_last_listing_or_nothing() {
    let _turn = turn();
    let seconds = setting("CHAOS_SECONDS").unwrap_or(30);
    let seed = setting("CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("CHAOS_SECONDS={seconds} CHAOS_SEED={seed}");

    let mut estate = Estate::new(ACCOUNTS).await;
    let mut exporter = Exporter::start(Some(estate.config()), &[LOG_LEVEL]);
    let all_up = |samples: &Samples| samples.sum("cloudaudit_up", &[]) == ACCOUNTS as f64;
    let before = exporter.metrics_when("every target is up", all_up).await;

    let mut weather = Weather::new(seed);
    let mut witness = Witness::new();
    // The reader of the log stops; the exporter must not.
    exporter.leave_log_unread(true);
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while tokio::time::Instant::now() < end {
        weather.blow(&mut estate, &exporter).await;
        witness.look(&estate, &exporter).await;
    }

    weather.calm(&mut estate, &exporter).await;
    let after = exporter
        .metrics_when("every target is up again", |samples| {
            all_up(samples) && estate.is_exactly(samples)
        })
        .await;
    witness.look(&estate, &exporter).await;
    witness.done(&weather, &before, &after);
    let twice = estate.gateway.mischiefs();
    let dropped = after.sum("cloudaudit_exporter_log_lines_dropped_total", &[]);
    println!("{twice} answers were delivered twice, {dropped} log lines were dropped");
    assert!(twice > 0, "the gateway delivered every answer once");
    assert!(dropped > 0.0, "the log was never full");
    let asked = Instant::now();
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0), "at the first signal");
    let took = asked.elapsed();
    println!("it ended {took:?} after SIGTERM");
    assert!(took < LONGEST_STOP, "{took:?}");
    exporter.leave_log_unread(false);
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
}
