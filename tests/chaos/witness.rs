//! What has to be true of every scrape, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::estate::{Account, Estate, tracks_of};
use crate::support::exporter::{Exporter, Samples};
use crate::weather::Weather;

/// From the first byte of a listing to its end, two walks of two pages with their retries, and what
/// the clocks of two processes on a loaded machine may differ in what they call now.
const LONGEST_POLL: Duration = Duration::from_secs(5);

/// What the storm may add to memory at the most, in megabytes: eight responses of 4 MiB that are
/// read at the same time and copied while they grow, the last 65,536 request ids, and a full log
/// queue. The allocator keeps what it had to have once.
const MOST_GROWTH: f64 = 64.0;

/// Until then each of these may still reach its limit for the first time.
const WARM_UP: Duration = Duration::from_secs(150);

/// Two halves of so many scrapes after the warm-up are compared.
const FEWEST_SCRAPES: usize = 200;

/// What the second half may need more, in megabytes. A leak of the growth during the warm-up would
/// exceed it many times over.
const FLAT: f64 = 4.0;

/// Counts what it saw.
pub struct Witness {
    started: Instant,
    scrapes: u64,
    targets_shown: u64,
    targets_hidden: u64,
    targets_mixed: u64,
    polls: f64,
    /// When each scrape was made, and the resident memory in megabytes.
    memory: Vec<(Duration, f64)>,
}

impl Witness {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            scrapes: 0,
            targets_shown: 0,
            targets_hidden: 0,
            targets_mixed: 0,
            polls: 0.0,
            memory: Vec::new(),
        }
    }

    /// Scrapes once and checks every target.
    pub async fn look(&mut self, estate: &Estate, exporter: &Exporter) {
        let asked = SystemTime::now();
        let samples = exporter.metrics().await;
        self.scrapes += 1;
        let mut series = samples.series();
        let all = series.len();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), all, "no series twice");
        let polls = samples.sum("cloudaudit_polls_total", &[]);
        assert!(
            polls >= self.polls,
            "counters only grow: {} after {}",
            polls,
            self.polls
        );
        self.polls = polls;
        let memory = samples.sum("process_resident_memory_bytes", &[]) / 1e6;
        self.memory.push((self.started.elapsed(), memory));
        let mut by_account = by_account(samples);
        for (name, account) in &estate.accounts {
            let samples = by_account.remove(name.as_str()).unwrap();
            self.target(name, account, &samples, asked);
        }
    }

    fn target(&mut self, name: &str, account: &Account, samples: &Samples, asked: SystemTime) {
        let label = [("account", name)];
        let up = samples.values("cloudaudit_up", &label);
        assert_eq!(up.len(), 1, "{name}: up is always there");
        let failures = samples.values("cloudaudit_last_failure_info", &label);
        assert!(
            failures.len() <= 1 && (failures.is_empty() || up == [0.0]),
            "{name}: {up:?} {failures:?}"
        );
        let tracks = tracks_of(samples, name);
        if tracks.is_empty() {
            assert!(
                samples.values("cloudaudit_tracks", &label).is_empty(),
                "{name}: counts of nothing"
            );
            assert_eq!(up, [0.0], "{name}: up without tracks");
            self.targets_hidden += 1;
            return;
        }
        self.targets_shown += 1;
        let versions: BTreeSet<&str> = tracks
            .iter()
            .map(|track| track.split('-').next().unwrap())
            .collect();
        let success = samples.sum("cloudaudit_last_success_timestamp_seconds", &label);
        let success = UNIX_EPOCH + Duration::from_secs_f64(success);
        let age = asked.duration_since(success).unwrap_or_default();
        assert!(
            age < Duration::from_secs(7),
            "{name}: shown for {age:?} after its last success"
        );
        // An incomplete listing updates the tracks that it holds and keeps the others.
        let incomplete = [label[0], ("reason", "incomplete")];
        if versions.len() > 1
            && up == [0.0]
            && samples.sum("cloudaudit_poll_failures_total", &incomplete) > 0.0
        {
            self.targets_mixed += 1;
            return;
        }
        assert_eq!(
            versions.len(),
            1,
            "{name}: tracks of one moment only: {versions:?}"
        );
        let number: usize = versions.first().unwrap()[1..].parse().unwrap();
        let version = account.versions[number];
        assert_eq!(
            tracks.len(),
            version.tracks,
            "{name}: all tracks of version {number}"
        );
        assert_eq!(
            samples.sum("cloudaudit_tracks", &label),
            version.tracks as f64,
            "{name}"
        );
        let enabled = samples.sum("cloudaudit_track_enabled", &label);
        assert_eq!(enabled, (version.tracks / 2) as f64, "{name}: their status");

        assert!(
            version.since <= success,
            "{name}: listed before it was there"
        );
        if let Some(next) = account.versions.get(number + 1) {
            let gone = next.since + LONGEST_POLL;
            assert!(
                success <= gone,
                "{name}: version {number} was long gone at its last success"
            );
        }
    }

    /// Says what was seen, and that nothing has leaked.
    pub fn done(&self, weather: &Weather, before: &Samples, after: &Samples) {
        let memory = |samples: &Samples| samples.sum("process_resident_memory_bytes", &[]) / 1e6;
        let descriptors = |samples: &Samples| samples.sum("process_open_fds", &[]);
        println!("blows: {:?}", weather.blows);
        println!(
            "polls: {}, scrapes: {}, targets shown: {}, hidden: {}, partly updated: {}",
            self.polls, self.scrapes, self.targets_shown, self.targets_hidden, self.targets_mixed
        );
        println!(
            "memory: {:.1} MB at the start, {:.1} MB at the end; descriptors: {} and {}",
            memory(before),
            memory(after),
            descriptors(before),
            descriptors(after)
        );
        assert!(
            self.targets_shown > 0 && self.targets_hidden > 0,
            "both were seen"
        );
        // A connection for each account and some for scrapes; and what buffers of 4 MiB leave
        // behind.
        assert!(
            descriptors(after) <= descriptors(before) + 64.0,
            "descriptors leak"
        );
        let growth = memory(after) - memory(before);
        assert!(growth <= MOST_GROWTH, "memory grew by {growth:.1} MB");
        self.memory_is_flat();
    }

    /// Compares the second half of a long run with the first.
    fn memory_is_flat(&self) {
        let eighth = self.memory.len().div_ceil(8);
        let eighths: Vec<f64> = self.memory.chunks(eighth).map(median).collect();
        println!("memory by eighths of the storm: {eighths:.1?} MB");
        let warm = self.memory.partition_point(|(at, _)| *at < WARM_UP);
        let settled = &self.memory[warm..];
        if settled.len() < FEWEST_SCRAPES {
            println!("the storm was too short to tell whether memory is flat");
            return;
        }
        let (first, second) = settled.split_at(settled.len() / 2);
        let (first, second) = (median(first), median(second));
        println!("memory after {WARM_UP:?}: {first:.1} MB, then {second:.1} MB");
        assert!(
            second <= first + FLAT,
            "memory grows from {first:.1} MB to {second:.1} MB"
        );
    }
}

/// The samples of each account by themselves.
fn by_account(samples: Samples) -> BTreeMap<String, Samples> {
    let mut by_account: BTreeMap<String, Samples> = BTreeMap::new();
    for (series, value) in samples.0 {
        if let Some((_, rest)) = series.split_once("{account=\"") {
            let account = rest.split('"').next().unwrap().to_owned();
            let of_account = by_account
                .entry(account)
                .or_insert_with(|| Samples(Vec::new()));
            of_account.0.push((series, value));
        }
    }
    by_account
}

fn median(scrapes: &[(Duration, f64)]) -> f64 {
    let mut values: Vec<f64> = scrapes.iter().map(|(_, memory)| *memory).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
