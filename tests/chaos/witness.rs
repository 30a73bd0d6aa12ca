//! The invariants that every scrape must satisfy during the storm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::estate::{Account, Estate, tracks_of};
use crate::support::exporter::{Exporter, Samples};
use crate::weather::Weather;

/// The longest time from the first byte of a listing to its end: two walks of two pages with their
/// retries, plus scheduling delays between two processes on a loaded machine.
const LONGEST_POLL: Duration = Duration::from_secs(5);

/// `stale_after` in the estate's configuration.
const STALE_AFTER: Duration = Duration::from_secs(5);

/// The longest reload on a busy machine. Scrapes during it show the state from before.
const LONGEST_RELOAD: Duration = Duration::from_secs(5);

/// The longest time to answer a scrape.
const LONGEST_ANSWER: Duration = Duration::from_secs(2);

/// The most memory that the storm may add, in megabytes: eight responses of 4 MiB that are read at
/// the same time and copied while they grow, the last 65,536 request IDs, and a full log queue. The
/// allocator does not return this memory.
const MOST_GROWTH: f64 = 64.0;

/// Within this time, each of these buffers may reach its limit for the first time.
const WARM_UP: Duration = Duration::from_secs(150);

/// The fewest scrapes after the warm-up whose two halves are worth comparing.
const FEWEST_SCRAPES: usize = 200;

/// How much more memory the second half may need, in megabytes. A leak as fast as the growth during
/// the warm-up would exceed it many times over.
const FLAT: f64 = 4.0;

/// Checks scrapes and counts what they show.
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
                "{name}: a track count without tracks"
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
            age < STALE_AFTER + LONGEST_RELOAD + LONGEST_ANSWER,
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
            "{name}: tracks of several versions: {versions:?}"
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
            "{name}: listed before the version existed"
        );
        if let Some(next) = account.versions.get(number + 1) {
            let gone = next.since + LONGEST_POLL;
            assert!(
                success <= gone,
                "{name}: version {number} was replaced long before the last success"
            );
        }
    }

    /// Prints a summary, and asserts that neither memory nor descriptors leaked.
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
            "the storm did not both show and hide targets"
        );
        // One connection for each account, and some for scrapes.
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

/// Groups the samples by account.
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
