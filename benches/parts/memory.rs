//! Measures the memory for one account, and for many tracks that are served.

use std::time::Duration;

use crate::kit::{
    Client, Cloud, ENCODINGS, Estate, Findings, Process, Scale, megabytes, start_exporter,
    start_peer,
};

/// The most megabytes for so many tracks. `bounds` has those for one account.
const GOALS: [(usize, f64); 2] = [(10_000, 60.0), (100_000, 200.0)];

/// The tracks of one account.
const ONE_ACCOUNT: usize = 5;

/// As often as it takes for the memory of a scrape to be used again.
const SCRAPES: usize = 3;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    for tracks in [ONE_ACCOUNT].iter().chain(scale.tracks) {
        let estate = Estate::at_rest(*tracks);
        let cloud = Cloud::start(estate, Duration::ZERO);
        let what = format!("memory with {tracks} tracks");

        let exporter = start_exporter(estate, &cloud);
        let before = note(&what, "the exporter, not scraped yet", &exporter);
        for encoding in [ENCODINGS; SCRAPES].concat() {
            let scrape = Client::new(&exporter.address, "/metrics", encoding).timed();
            scrape.expect("the exporter serves");
        }
        let after = note(&what, "the exporter", &exporter);
        // One account is to be idle, and many tracks are to be served.
        let counts = if *tracks == ONE_ACCOUNT {
            before
        } else {
            after
        };
        match GOALS.iter().find(|(of, _)| of == tracks) {
            Some((_, most)) => findings.wanted(&what, counts, "MB", *most),
            None => findings.found(&what, counts, "MB"),
        }
        drop(exporter);
        let peer = note(&what, "the peer", &start_peer(estate, &cloud));
        findings.found(&format!("{what}, to the peer"), counts / peer, "×");
    }
}

/// Returns resident megabytes.
fn note(what: &str, who: &str, process: &Process) -> f64 {
    let [now, most, own, _] = process.memory().map(megabytes);
    Findings::note(&format!(
        "{what}: {who} {now:.1} MB, of them {own:.1} MB no file's, at the most {most:.1} MB"
    ));
    now
}
