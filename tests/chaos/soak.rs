//! Hours of ordinary work, in a minute or as long as `SOAK_SECONDS` says: tracks change, clients
//! scrape, and memory and descriptors stay where they are.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::estate::Estate;
use crate::support::exporter::{Exporter, ONE_ARENA, Samples};
use crate::{setting, turn};

const ACCOUNTS: usize = 50;

/// The time between two scrapes.
const EVERY: Duration = Duration::from_millis(500);

/// How many accounts change before each scrape.
const CHANGES: usize = 5;

/// How many different track counts an account cycles through: every fiftieth number has four
/// different remainders modulo forty.
const SIZES: usize = 4;

/// The number of scrapes between two reloads.
const RELOAD_EVERY: usize = 10;

/// The number of scrapes until memory is stable. By then, each account has had each of its sizes,
/// the change feed is full, tombstones expire as fast as they appear, and each third of the
/// accounts has been reloaded.
const WARM_UP: usize = SIZES * ACCOUNTS / CHANGES;

/// How much memory may grow after the first third, in bytes: the chunks of one more exposition,
/// plain and compressed.
const MEMORY_SLACK: f64 = 8e6;

/// A scrape that takes longer shows that the machine is busy. It is half of `poll.timeout`.
const SLOW: Duration = Duration::from_millis(250);

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_descriptors_stay_flat() {
    let _turn = turn();
    let seconds = setting("SOAK_SECONDS").unwrap_or(60);
    let mut estate = Estate::new(ACCOUNTS).await;
    estate.gateway.behave();
    let mut changes = 0..;
    // The estate has its full size from the start.
    change(&mut estate, changes.by_ref().take(ACCOUNTS));
    let exporter = Exporter::start(Some(estate.config()), &[ONE_ARENA]);
    exporter
        .metrics_when("every target is up", |samples| {
            samples.sum("cloudaudit_up", &[]) >= ACCOUNTS as f64
        })
        .await;

    let mut slow = 0_usize;
    let mut looks: Vec<Samples> = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end || looks.len() < 3 * WARM_UP {
        change(&mut estate, changes.by_ref().take(CHANGES));
        if looks.len() % RELOAD_EVERY == RELOAD_EVERY - 1 {
            estate.write_config(looks.len() as u64);
            exporter.signal("HUP");
        }
        sleep(EVERY).await;
        let began = Instant::now();
        looks.push(exporter.metrics().await);
        slow += usize::from(began.elapsed() > SLOW);
    }

    let third = looks.len() / 3;
    let (early, late) = (&looks[third..2 * third], &looks[2 * third..]);
    let memory = |looks: &[Samples]| median(looks, "process_resident_memory_bytes");
    let descriptors = |looks: &[Samples]| median(looks, "process_open_fds");
    let last = looks.last().unwrap();
    println!(
        "{seconds} s, {} polls, {slow} slow looks, memory {:.1} MB and {:.1} MB, descriptors {} and {}",
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
    let failed = |labels: &[(&str, &str)]| last.sum("cloudaudit_poll_failures_total", labels);
    let timed_out = failed(&[("reason", "unavailable")]);
    let other = failed(&[]) - timed_out;
    let polls = last.sum("cloudaudit_polls_total", &[]);
    // A delay that slowed a scrape slowed at most one poll of each account, because each account
    // has at most one poll in flight.
    let most_timed_out = polls / 1_000.0 + (slow * ACCOUNTS) as f64;
    assert!(
        other < 0.5 && timed_out <= most_timed_out,
        "{timed_out} polls timed out, {slow} looks were slow, {other} polls failed; log:\n{}",
        exporter.log()
    );
}

/// Replaces the tracks of one account for each number. An account's sizes repeat.
fn change(estate: &mut Estate, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        estate.replace(&format!("a{}", number % ACCOUNTS), 5 + number % 40);
    }
}

fn median(looks: &[Samples], metric: &str) -> f64 {
    let mut values: Vec<f64> = looks.iter().map(|look| look.sum(metric, &[])).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
