//! What tracks take to be kept, served plain and compressed, and what one account takes.

use std::time::Duration;

use crate::kit::{Cloud, Estate, Exporter, Findings, Process, Scale, megabytes, start_peer};

/// The most megabytes for so many tracks.
const GOALS: [(usize, f64); 3] = [(ONE_ACCOUNT, 10.0), (10_000, 60.0), (100_000, 200.0)];

/// The tracks of one account.
const ONE_ACCOUNT: usize = 5;

/// As often as it takes for the memory of a scrape to be used again.
const SCRAPES: usize = 3;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    for tracks in [ONE_ACCOUNT].iter().chain(scale.tracks) {
        let estate = Estate::at_rest(*tracks);
        let cloud = Cloud::start(estate, Duration::ZERO);
        let what = format!("memory with {tracks} tracks");

        let exporter = Exporter::start(estate, &cloud.address);
        let before = exporter.process.memory().0;
        for _ in 0..SCRAPES {
            for gzip in [false, true] {
                exporter.scraper(gzip).fetch().expect("the exporter serves");
            }
        }
        let before = megabytes(before);
        Findings::note(&format!("{what}: {before:.1} MB before the first scrape"));
        let resident = note(&what, "the exporter", &exporter.process);
        match GOALS.iter().find(|(of, _)| of == tracks) {
            Some((_, most)) => findings.wanted(&what, resident, "MB", *most),
            None => findings.found(&what, resident, "MB"),
        }
        drop(exporter);

        let (peer, _) = start_peer(estate, &cloud);
        let peer = note(&what, "the peer", &peer);
        findings.found(&format!("{what}, to the peer"), resident / peer, "×");
    }
}

fn note(what: &str, who: &str, process: &Process) -> f64 {
    let (now, most) = process.memory();
    let (now, most) = (megabytes(now), megabytes(most));
    Findings::note(&format!(
        "{what}: {who} {now:.1} MB, at the most {most:.1} MB"
    ));
    now
}
