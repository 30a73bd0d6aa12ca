//! Measures a large fleet: ten thousand accounts, each polled once a minute, over a network with a
//! latency.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kit::{
    Client, Cloud, Estate, Findings, Process, Scale, megabytes, milliseconds, percentile,
    start_exporter,
};

/// Tracks of an account.
const TRACKS: usize = 5;

const LATENCY: Duration = Duration::from_millis(100);

/// Of a thousand polls: one in a hundred.
const CHANGES: u32 = 10;

/// A window is this part of the interval, so that two of them see most of the accounts.
const SHARE_OF_INTERVAL: u32 = 2;

/// Prometheus scrapes this often in a window, which is once in fifteen seconds.
const SCRAPES: u32 = 2;

/// The most percent of a core, megabytes, and milliseconds behind the schedule.
const GOAL_CPU: f64 = 10.0;
const GOAL_MEMORY: f64 = 400.0;
const GOAL_LATE: f64 = 1_000.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let (accounts, interval) = scale.steady;
    let estate = Estate::new(accounts, interval, TRACKS);
    let cloud = Cloud::start(estate, LATENCY);
    let exporter = start_exporter(estate, &cloud);
    let what = format!("{accounts} accounts in {} s", interval.as_secs());
    // First polls are on no schedule.
    cloud.lateness();
    for (changes, scrapes) in [(0, 0), (CHANGES, 0), (CHANGES, SCRAPES)] {
        cloud.change(changes);
        let state = match (changes, scrapes) {
            (0, _) => "nothing changes",
            (_, 0) => "1 % changes",
            _ => "1 % changes, scraped every 15 s",
        };
        let what = format!("{what}, {state}");
        let cpu = window(
            &what,
            interval / SHARE_OF_INTERVAL,
            scrapes,
            &exporter,
            &cloud,
        );
        match scrapes {
            0 => findings.wanted(&what, cpu, "% of a core", GOAL_CPU),
            _ => findings.found(&what, cpu, "% of a core"),
        }
    }
    let late = cloud.lateness();
    for (which, part) in [("half", 0.5), ("99 %", 0.99)] {
        let late = percentile(&late, part);
        Findings::note(&format!(
            "{what}: {which} of the polls are late by {late:.1} ms at most"
        ));
    }
    let latest = percentile(&late, 1.0);
    findings.wanted(&format!("{what}, the latest poll"), latest, "ms", GOAL_LATE);
    let [now, most, ..] = exporter.memory().map(megabytes);
    Findings::note(&format!("{what}: memory at the most {most:.0} MB"));
    findings.wanted(&format!("{what}, memory"), now, "MB", GOAL_MEMORY);
}

/// Percent of a core over a time, in which it is scraped so often.
fn window(what: &str, time: Duration, scrapes: u32, exporter: &Process, cloud: &Cloud) -> f64 {
    let mut client = Client::new(&exporter.address, "/metrics", "gzip");
    let (began, cpu, calls) = (Instant::now(), exporter.cpu(), cloud.calls());
    for _ in 0..scrapes {
        sleep(time / scrapes);
        let took = milliseconds(client.timed().expect("the exporter serves"));
        Findings::note(&format!("{what}: a scrape takes {took:.0} ms"));
    }
    if scrapes == 0 {
        sleep(time);
    }
    let time = began.elapsed();
    let cpu = exporter.cpu().saturating_sub(cpu);
    let pages = (cloud.calls() - calls).max(1) as f64;
    let cost = milliseconds(cpu) / pages;
    let pages = pages / time.as_secs_f64();
    Findings::note(&format!(
        "{what}: {cost:.3} ms a page at {pages:.0} pages a second"
    ));
    cpu.as_secs_f64() / time.as_secs_f64() * 100.0
}
