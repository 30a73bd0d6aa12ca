//! Measures memory that has a limit: of an idle account, of an account with very many tracks, and of
//! accounts that list far more tracks than get series.

use std::time::Duration;

use crate::kit::{
    Client, Cloud, Detail, ENCODINGS, Estate, Exposition, Findings, NEVER_AGAIN, Process, Scale,
    megabytes, start_exporter,
};

/// The tracks of an idle account.
const FEW: usize = 5;

/// Tracks on a page of a long listing.
const PAGE: usize = 100;

/// Tracks on a page of an excessive listing. The exporter asks for fewer, and accepts these.
const EXCESSIVE_PAGE: usize = 1_000;

/// The default of `poll.max_tracks`.
const MAX_TRACKS: usize = 10_000;

/// The most megabytes.
const GOAL_IDLE: f64 = 10.0;
const GOAL_LONG: f64 = 160.0;
const GOAL_EXCESSIVE: f64 = 300.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    idle(findings);
    long(scale, findings);
    excessive(scale, findings);
}

fn idle(findings: &mut Findings) {
    let estate = Estate::at_rest(FEW);
    let cloud = Cloud::start(estate, Duration::ZERO);
    let [now, _, _, file] = start_exporter(estate, &cloud).memory().map(megabytes);
    let what = format!("memory of one account of {FEW} tracks, never scraped");
    findings.wanted(&what, now, "MB", GOAL_IDLE);
    let what = format!("{what}, the pages of files in it, which are the floor");
    findings.found(&what, file, "MB");
}

fn long(scale: &Scale, findings: &mut Findings) {
    let tracks = *scale.tracks.last().expect("there is a largest number");
    let estate = Estate {
        pages: tracks / PAGE,
        detail: Detail::Shown,
        ..Estate::new(1, NEVER_AGAIN, PAGE)
    };
    let cloud = Cloud::start(estate, Duration::ZERO);
    let exporter = start_exporter(estate, &cloud);
    let what = format!("memory of one account of {tracks} tracks");
    let [now, ..] = scraped(&what, &exporter);
    assert_eq!(series(&exporter), estate.tracks(), "all tracks have series");
    findings.wanted(&what, now, "MB", GOAL_LONG);
}

/// The peak counts: it is in the first poll and the first scrapes.
fn excessive(scale: &Scale, findings: &mut Findings) {
    let (accounts, tracks) = scale.excess;
    let estate = Estate {
        pages: tracks / EXCESSIVE_PAGE,
        detail: Detail::Least,
        max_tracks: MAX_TRACKS,
        ..Estate::new(accounts, NEVER_AGAIN, EXCESSIVE_PAGE)
    };
    let cloud = Cloud::start(estate, Duration::ZERO);
    let exporter = start_exporter(estate, &cloud);
    let what = format!("memory of {accounts} accounts of {tracks} tracks, at the most");
    let [_, most, ..] = scraped(&what, &exporter);
    let counted = Exposition::of(&exporter).sum("cloudaudit_tracks");
    assert!(
        (counted - estate.tracks() as f64).abs() < 0.5,
        "{counted} tracks are counted"
    );
    assert_eq!(
        series(&exporter),
        accounts * MAX_TRACKS,
        "no more have series"
    );
    findings.wanted(&what, most, "MB", GOAL_EXCESSIVE);
}

/// Returns the megabytes after one scrape in each encoding.
fn scraped(what: &str, exporter: &Process) -> [f64; 4] {
    let [before, peak, ..] = exporter.memory().map(megabytes);
    for encoding in ENCODINGS {
        let scrape = Client::new(&exporter.address, "/metrics", encoding).timed();
        scrape.expect("the exporter serves");
    }
    let memory = exporter.memory().map(megabytes);
    let [after, most, ..] = memory;
    Findings::note(&format!(
        "{what}: {before:.1} MB before scrapes, at the most {peak:.1} MB; {after:.1} MB after, at the most {most:.1} MB"
    ));
    memory
}

fn series(exporter: &Process) -> usize {
    Exposition::of(exporter)
        .series("cloudaudit_track_enabled")
        .count()
}
