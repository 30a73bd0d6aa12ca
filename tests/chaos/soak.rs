//! Hours of ordinary work, in a minute or as long as `SOAK_SECONDS` says: tracks change, clients
//! scrape, and memory and descriptors stay where they are.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::estate::Estate;
use crate::support::exporter::{Exporter, Samples};
use crate::{setting, turn};

const ACCOUNTS: usize = 100;

/// The time between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// What allocator and buffers may still take after the first third: the chunks of one more
/// exposition, plain and deflated.
const MEMORY_SLACK: f64 = 8e6;

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_descriptors_stay_flat() {
    let _turn = turn();
    let seconds = setting("SOAK_SECONDS").unwrap_or(60);
    let mut estate = Estate::new(ACCOUNTS).await;
    estate.gateway.behave();
    let exporter = Exporter::start(Some(estate.config()), &[]);
    exporter
        .metrics_when("every target is up", |samples| {
            samples.sum("cloudaudit_up", &[]) >= ACCOUNTS as f64
        })
        .await;

    let mut looks: Vec<Samples> = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        // One account in a hundred changes at each look, between sizes that come again.
        let name = format!("a{}", looks.len() % ACCOUNTS);
        estate.replace(&name, 5 + looks.len() % 40);
        if looks.len() % 20 == 19 {
            estate.write_config(looks.len() as u64);
            exporter.signal("HUP");
        }
        sleep(EVERY).await;
        looks.push(exporter.metrics().await);
    }

    let third = looks.len() / 3;
    let (early, late) = (&looks[third..2 * third], &looks[2 * third..]);
    let memory = |looks: &[Samples]| median(looks, "process_resident_memory_bytes");
    let descriptors = |looks: &[Samples]| median(looks, "process_open_fds");
    let last = looks.last().unwrap();
    println!(
        "{seconds} s, {} polls, memory {:.1} MB and {:.1} MB, descriptors {} and {}",
        last.sum("cloudaudit_polls_total", &[]),
        memory(early) / 1e6,
        memory(late) / 1e6,
        descriptors(early),
        descriptors(late)
    );
    assert!(memory(late) <= memory(early) + MEMORY_SLACK, "memory grows");
    assert!(
        descriptors(late) <= descriptors(early) + 8.0,
        "descriptors grow"
    );
    let failed = last.sum("cloudaudit_poll_failures_total", &[]);
    assert!(
        failed < 0.5,
        "{failed} polls failed; log:\n{}",
        exporter.log()
    );
}

fn median(looks: &[Samples], metric: &str) -> f64 {
    let mut values: Vec<f64> = looks.iter().map(|look| look.sum(metric, &[])).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
