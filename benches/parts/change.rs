//! Measures scrapes while all accounts change: during reloads, and when the process starts with a state
//! file.

use std::thread::scope;
use std::time::{Duration, Instant};

use crate::kit::{
    Client, Cloud, ENCODINGS, Estate, Exposition, Findings, Installation, NEVER_AGAIN, Process,
    Scale, median, milliseconds, percentile, scrapes, scrapes_for, wait_until, wait_until_polled,
};

/// Tracks of an account.
const TRACKS: usize = 5;

const LATENCY: Duration = Duration::from_millis(100);

/// The turns of a contestant of `poll` that scrapes at rest last.
const TURNS: u32 = 3;

/// The most that the slowest of a hundred scrapes may take, in scrapes at rest.
const GOAL: f64 = 2.0;

/// The most seconds from a start to a complete exposition.
const GOAL_START: f64 = 2.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let (accounts, _) = scale.steady;
    let estate = Estate::new(accounts, NEVER_AGAIN, TRACKS);
    let cloud = Cloud::start(estate, LATENCY);
    let installation = Installation::new(estate, &cloud);
    let exporter = installation.begin_with_state();
    wait_until_polled(estate, &cloud, &exporter);
    let at_rest = ENCODINGS.map(|encoding| {
        let times = scrapes_for(scale.turn * TURNS, &exporter, encoding);
        let (middle, slowest) = (median(&times), percentile(&times, 0.99));
        Findings::note(&format!(
            "{encoding}: half of the scrapes take {middle:.2} ms at rest, 99 % {slowest:.2} ms"
        ));
        middle
    });
    let mut generation = 0;
    for (encoding, at_rest) in ENCODINGS.into_iter().zip(at_rest) {
        let (mut reloads, mut times) = (Vec::new(), Vec::new());
        for _ in 0..scale.reloads {
            generation += 1;
            installation.configure(estate, &cloud, generation);
            let (reload, scrapes) = during_reload(&exporter, encoding);
            reloads.push(reload);
            times.extend(scrapes);
        }
        let label = format!("generation=\"{generation}\"");
        let exposition = Exposition::of(&exporter);
        let accounts_with_label = exposition.series("cloudaudit_up");
        let accounts_with_label = accounts_with_label.filter(|line| line.contains(&label));
        assert_eq!(accounts_with_label.count(), accounts, "all have changed");
        let when = format!("while {accounts} accounts are reloaded");
        Findings::note(&format!(
            "a reload of {accounts} accounts takes {:.0} ms; {} scrapes during {} reloads",
            median(&reloads),
            times.len(),
            reloads.len()
        ));
        report(&when, encoding, &times, at_rest, findings);
    }
    exporter.end();
    restored(estate, &installation, at_rest, scale, findings);
}

/// Returns the milliseconds of a reload, and of the scrapes meanwhile.
fn during_reload(exporter: &Process, encoding: &str) -> (f64, Vec<f64>) {
    scope(|scope| {
        let reload = scope.spawn(|| {
            let took = Client::post(&exporter.address, "/-/reload").timed();
            milliseconds(took.expect("the new configuration is in use"))
        });
        let times = scrapes(exporter, encoding, || !reload.is_finished());
        (reload.join().expect("the reload succeeds"), times)
    })
}

/// Measures starts with the state file, and the scrapes that follow them.
fn restored(
    estate: Estate,
    installation: &Installation,
    at_rest: [f64; 2],
    scale: &Scale,
    findings: &mut Findings,
) {
    let mut starts = Vec::new();
    let mut times = ENCODINGS.map(|_| Vec::new());
    for _ in 0..scale.rounds {
        let (start, exporter) = start_complete(estate, installation);
        starts.push(start);
        for (encoding, times) in ENCODINGS.into_iter().zip(&mut times) {
            times.extend(scrapes_for(scale.turn, &exporter, encoding));
        }
    }
    let start = format!("a start with the state of {} accounts", estate.accounts);
    let what = format!("from {start} to a complete exposition");
    findings.wanted(&what, median(&starts), "s", GOAL_START);
    let when = format!("during the first polls after {start}");
    for ((encoding, times), at_rest) in ENCODINGS.into_iter().zip(&times).zip(at_rest) {
        report(&when, encoding, times, at_rest, findings);
    }
}

/// Starts the exporter. Returns the seconds to the first exposition with every track.
fn start_complete(estate: Estate, installation: &Installation) -> (f64, Process) {
    let began = Instant::now();
    let exporter = installation.begin_with_state();
    let mut client = Client::new(&exporter.address, "/metrics", "identity");
    let mut took = Duration::ZERO;
    wait_until("every track is there", || {
        let body = client.fetch().unwrap_or_default();
        took = began.elapsed();
        let exposition = Exposition::from(body);
        exposition.series("cloudaudit_track_enabled").count() == estate.tracks()
    });
    (took.as_secs_f64(), exporter)
}

fn report(when: &str, encoding: &str, times: &[f64], at_rest: f64, findings: &mut Findings) {
    let [middle, slowest, most] = [0.5, 0.99, 1.0].map(|part| percentile(times, part));
    Findings::note(&format!(
        "{encoding}: half of the scrapes take {middle:.2} ms {when}, 99 % {slowest:.2} ms, the slowest {most:.2} ms"
    ));
    let what = format!("p99 of a scrape {when} to p50 at rest, {encoding}");
    findings.wanted(&what, slowest / at_rest, "×", GOAL);
}
