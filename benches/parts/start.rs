//! Measures the time from the start of the process to a complete exposition of one account.

use std::time::{Duration, Instant};

use crate::kit::{
    Client, Cloud, Estate, Findings, Scale, begin_exporter, median, milliseconds, wait_until,
};

const TRACKS: usize = 5;

/// The latency of the simulated API.
const LATENCY: Duration = Duration::from_millis(100);

/// The most milliseconds over that.
const GOAL: f64 = 30.0;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let estate = Estate::at_rest(TRACKS);
    let cloud = Cloud::start(estate, LATENCY);
    let times: Vec<f64> = (0..scale.repeats).map(|_| time(estate, &cloud)).collect();
    let what = "from the start to the exposition of one account, over the cloud's latency";
    findings.wanted(what, median(&times), "ms", GOAL);
}

fn time(estate: Estate, cloud: &Cloud) -> f64 {
    let began = Instant::now();
    let exporter = begin_exporter(estate, cloud);
    let mut client = Client::new(&exporter.address, "/metrics", "identity");
    wait_until("the tracks are there", || {
        let exposition = client.fetch().unwrap_or_default();
        let tracks = b"\ncloudaudit_track_enabled{";
        exposition.windows(tracks.len()).any(|text| text == tracks)
    });
    milliseconds(began.elapsed().saturating_sub(LATENCY))
}
