//! Scrapes during many polls, and polls during many scrapes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::kit::{
    Client, Cloud, ENCODINGS, Estate, Findings, NEVER_AGAIN, Process, Scale, median, percentile,
    scrapes_for, start_exporter,
};

/// Tracks of an account.
const TRACKS: usize = 10;

const LATENCY: Duration = Duration::from_millis(20);

/// So that a thousand accounts are polled as often as ten thousand are in a minute.
const INTERVAL: Duration = Duration::from_secs(6);

/// The number of concurrent scrapers.
const CROWD: usize = 50;

/// The turns of a contestant of `poll` that each of these times is as long as.
const TURNS: u32 = 3;

/// The most that the slowest of a hundred may take, in scrapes of one that rests.
const GOAL: f64 = 3.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let rest = Estate::new(scale.crowd, NEVER_AGAIN, TRACKS);
    let polled = Estate {
        interval: INTERVAL.min(scale.steady.1),
        ..rest
    };
    let time = scale.turn * TURNS;
    let middles = {
        let cloud = Cloud::start(rest, LATENCY);
        let exporter = start_exporter(rest, &cloud);
        ENCODINGS.map(|encoding| median(&scrapes_for(time, &exporter, encoding)))
    };
    let cloud = Cloud::start(polled, LATENCY);
    let exporter = start_exporter(polled, &cloud);
    for (encoding, middle) in ENCODINGS.into_iter().zip(middles) {
        let busy = scrapes_for(time, &exporter, encoding);
        let (busy_middle, slowest) = (median(&busy), percentile(&busy, 0.99));
        Findings::note(&format!(
            "{encoding}: half of the scrapes take {middle:.2} ms at rest and {busy_middle:.2} ms while everything polls, 99 % {slowest:.2} ms"
        ));
        let what = format!("p99 of a scrape while everything polls to p50 at rest, {encoding}");
        findings.wanted(&what, slowest / middle, "×", GOAL);
    }
    let once_a_second = || crowd(&exporter, time, Duration::from_secs(1));
    let without_pause = || crowd(&exporter, time, Duration::ZERO);
    for (state, late) in [
        ("there are no scrapes", lateness(&cloud, || sleep(time))),
        ("50 scrape once a second", lateness(&cloud, once_a_second)),
        ("50 scrape without a pause", lateness(&cloud, without_pause)),
    ] {
        let [middle, slowest, most] = [0.5, 0.99, 1.0].map(|part| percentile(&late, part));
        Findings::note(&format!(
            "polls while {state}: late by {middle:.1} ms, p99 {slowest:.1} ms, at the most {most:.1} ms"
        ));
        let what = format!("p99 of the delay of a poll while {state}");
        findings.found(&what, slowest, "ms");
    }
}

/// Measures how late polls are during `meanwhile`.
fn lateness(cloud: &Cloud, meanwhile: impl FnOnce()) -> Vec<f64> {
    cloud.lateness();
    meanwhile();
    cloud.lateness()
}

/// Many scrape, every other one of them compressed, and pause after each scrape.
fn crowd(exporter: &Process, time: Duration, pause: Duration) {
    let is_over = AtomicBool::new(false);
    scope(|scope| {
        for encoding in ENCODINGS.into_iter().cycle().take(CROWD) {
            let mut client = Client::new(&exporter.address, "/metrics", encoding);
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    client.timed().expect("the exporter serves");
                    sleep(pause);
                }
            });
        }
        sleep(time);
        is_over.store(true, Ordering::Relaxed);
    });
}
