//! Everything at once: faults, a gateway that delivers answers twice, a cloud that restarts, clocks
//! that jump, key files that hang, crowds of half requests, a log that is not read, reloads, changes
//! and scrapes, over loopback and in real time. At every moment each target shows what was there when
//! it was last listed, or nothing; and when calm returns, everything is exact.
//!
//! `CHAOS_SECONDS` makes it longer, `CHAOS_SEED` repeats one; both are printed.

use std::time::{Duration, Instant};

use crate::estate::Estate;
use crate::support::exporter::{Exporter, Samples};
use crate::weather::Weather;
use crate::witness::Witness;
use crate::{setting, turn};

const ACCOUNTS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_a_target_shows_what_was_there_or_nothing() {
    let _turn = turn();
    let seconds = setting("CHAOS_SECONDS").unwrap_or(30);
    let seed = setting("CHAOS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("CHAOS_SECONDS={seconds} CHAOS_SEED={seed}");

    let mut estate = Estate::new(ACCOUNTS).await;
    let mut exporter = Exporter::start(Some(estate.config()), &[]);
    let all_up = |samples: &Samples| samples.sum("cloudaudit_up", &[]) == ACCOUNTS as f64;
    let before = exporter.metrics_when("every target is up", all_up).await;

    let mut weather = Weather::new(seed);
    let mut witness = Witness::new();
    // What reads the log has stopped: nothing else may.
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
    println!(
        "{} answers were delivered twice",
        estate.gateway.mischiefs()
    );
    let asked = Instant::now();
    exporter.signal("TERM");
    assert_eq!(exporter.wait_for_end(), Some(0), "at the first signal");
    println!("it ended {:?} after SIGTERM", asked.elapsed());
    exporter.leave_log_unread(false);
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
}
