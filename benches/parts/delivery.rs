//! Measures the checks of storage targets: a thousand buckets at the default interval, while nothing is
//! polled.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kit::{
    Cloud, Estate, Exposition, Findings, Scale, milliseconds, start_exporter, wait_until,
};

const LATENCY: Duration = Duration::from_millis(100);

/// The window is this part of an interval.
const SHARE_OF_INTERVAL: u32 = 4;

/// The most percent of a core, and requests an hour for a thousand targets.
const GOAL_CPU: f64 = 1.0;
const GOAL_REQUESTS: f64 = 7_000.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let (targets, interval) = scale.delivery;
    let estate = Estate {
        delivery: Some(interval),
        ..Estate::at_rest(targets)
    };
    let cloud = Cloud::start(estate, LATENCY);
    let exporter = start_exporter(estate, &cloud);
    wait_until("every storage target was checked", || {
        arriving(&Exposition::of(&exporter)) == targets
    });
    let first = cloud.lists();
    Findings::note(&format!("the first checks took {first} requests"));
    let window = if scale.is_full {
        // The second checks begin after half an interval, and last for a whole one.
        sleep(interval / 2);
        interval / SHARE_OF_INTERVAL
    } else {
        scale.turn
    };

    let (began, cpu, lists) = (Instant::now(), exporter.cpu(), cloud.lists());
    sleep(window);
    let (time, lists) = (began.elapsed().as_secs_f64(), cloud.lists() - lists);
    let cpu = exporter.cpu().saturating_sub(cpu);
    let cost = milliseconds(cpu) / lists.max(1) as f64;
    Findings::note(&format!("{cost:.3} ms a request, of {lists}"));
    let what = format!(
        "{targets} storage targets, each checked once in {} s",
        interval.as_secs()
    );
    let percent = cpu.as_secs_f64() / time * 100.0;
    findings.wanted(&what, percent, "% of a core", GOAL_CPU);
    let requests = lists as f64 / time * 3_600.0;
    let what = format!("{what}, requests an hour");
    findings.wanted(&what, requests, "", GOAL_REQUESTS);
}

/// Counts the storage targets at which something arrives.
fn arriving(exposition: &Exposition) -> usize {
    let states = exposition.series("cloudaudit_delivery_state");
    states
        .filter(|line| line.contains("state=\"arriving\"") && line.ends_with(" 1"))
        .count()
}
