//! Random faults and changes. The same seed repeats the same sequence.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cloudaudit_exporter::sim::Fault;
use tokio::net::TcpStream;

use crate::estate::Estate;
use crate::half_requests;
use crate::support::exporter::Exporter;

/// The time before the first outage of the cloud.
const CLEAR: Duration = Duration::from_secs(8);

/// The length of the first outage: longer than `stale_after` in the estate's configuration.
const LONG: Duration = Duration::from_secs(8);

/// How many clients send half a request at once: fewer than the exporter's cap on connections, so
/// that two such crowds together exceed it.
const CROWD: usize = 300;

/// How long later outages, clock jumps and hanging key files last.
const SHORT: Duration = Duration::from_secs(1);

/// The random generator, the faults in effect, and a count of each kind.
pub struct Weather {
    state: u64,
    generation: u64,
    started: Instant,
    stopped_until: Option<Instant>,
    skewed_until: Option<Instant>,
    /// The account whose key file hangs, and until when.
    hung: Option<(String, Instant)>,
    crowds: Vec<Vec<TcpStream>>,
    pub blows: BTreeMap<&'static str, u64>,
}

impl Weather {
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed | 1,
            generation: 0,
            started: Instant::now(),
            stopped_until: None,
            skewed_until: None,
            hung: None,
            crowds: Vec::new(),
            blows: BTreeMap::new(),
        }
    }

    /// Injects some faults and changes, and occasionally a larger fault.
    pub async fn blow(&mut self, estate: &mut Estate, exporter: &Exporter) {
        let names: Vec<String> = estate.accounts.keys().cloned().collect();
        for _ in 0..3 {
            let name = &names[self.below(names.len())];
            let (kind, fault) = self.fault();
            let times = 1 + u32::try_from(self.below(3)).unwrap();
            estate
                .world
                .inject(fault.account(&estate.accounts[name].uin).times(times));
            self.count(kind);
        }
        for _ in 0..2 {
            let number = self.below(names.len());
            let least = 1 + self.below(70);
            estate.replace(&names[number], least);
            self.count("tracks replaced");
        }
        self.stop_cloud(estate).await;
        self.skew(estate);
        self.hang_a_key_file(estate);
        self.crowd(exporter).await;
        // At least one reload of a file that hangs is certain.
        let draw = if self.is_due("reload of a file that hangs") {
            2
        } else {
            self.below(12)
        };
        match draw {
            0 => {
                self.generation += 1;
                estate.write_config(self.generation);
                exporter.signal("HUP");
                self.count("reload");
            }
            1 => {
                estate.write_broken_config();
                exporter.signal("HUP");
                self.count("reload of a broken file");
            }
            2 => {
                estate.hang_config();
                exporter.signal("HUP");
                self.count("reload of a file that hangs");
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Ends every fault: the gateway delivers each response once, the cloud runs, the clocks agree,
    /// and the configuration is valid.
    pub async fn calm(&mut self, estate: &mut Estate, exporter: &Exporter) {
        estate.gateway.behave();
        estate.world.clear_faults();
        estate.world.set_skew_seconds(0);
        estate.start_cloud().await;
        if let Some((name, _)) = self.hung.take() {
            estate.restore_key_file(&name);
        }
        self.crowds.clear();
        self.generation += 1;
        estate.write_config(self.generation);
        exporter.signal("HUP");
    }

    fn hang_a_key_file(&mut self, estate: &Estate) {
        let now = Instant::now();
        if let Some((name, _)) = self.hung.take_if(|(_, until)| *until <= now) {
            estate.restore_key_file(&name);
        }
        let first = self.is_due("key file hangs");
        if self.hung.is_none() && (first || self.below(40) == 0) {
            let names = estate.with_key_files();
            let name = names[self.below(names.len())].clone();
            estate.hang_key_file(&name);
            self.hung = Some((name, now + SHORT));
            self.count("key file hangs");
        }
    }

    /// Sends a crowd of half requests; at most two crowds exist at the same time.
    async fn crowd(&mut self, exporter: &Exporter) {
        if self.is_due("crowd of half requests") || self.below(30) == 0 {
            if self.crowds.len() > 1 {
                self.crowds.clear();
            }
            self.crowds
                .push(half_requests::send(exporter.address(), CROWD).await);
            self.count("crowd of half requests");
        }
    }

    /// Stops the cloud at random. One outage is certain, and lasts until all data is stale.
    async fn stop_cloud(&mut self, estate: &mut Estate) {
        let now = Instant::now();
        if self.stopped_until.is_some_and(|until| until <= now) {
            self.stopped_until = None;
            estate.start_cloud().await;
        }
        let first = !self.blows.contains_key("cloud killed") && now > self.started + CLEAR;
        if self.stopped_until.is_none() && (first || self.below(100) == 0) {
            estate.kill_cloud();
            self.stopped_until = Some(now + if first { LONG } else { SHORT });
            self.count("cloud killed");
        }
    }

    fn skew(&mut self, estate: &Estate) {
        let now = Instant::now();
        if self.skewed_until.is_some_and(|until| until <= now) {
            self.skewed_until = None;
            estate.world.set_skew_seconds(0);
        }
        let first = self.is_due("clock jump");
        if self.skewed_until.is_none() && (first || self.below(100) == 0) {
            let seconds = [-4_000, -400, 400, 4_000][self.below(4)];
            estate.world.set_skew_seconds(seconds);
            self.skewed_until = Some(now + SHORT);
            self.count("clock jump");
        }
    }

    fn fault(&mut self) -> (&'static str, Fault) {
        match self.below(14) {
            0 => ("delay", Fault::delay(Duration::from_millis(300))),
            1 => ("hang", Fault::hang()),
            2 => ("reset", Fault::reset()),
            3 => ("truncated", Fault::truncated()),
            4 => ("drip", Fault::drip(Duration::from_millis(700))),
            5 => ("bad gateway", Fault::bad_gateway()),
            6 => ("not json", Fault::not_json()),
            7 => ("wrong shape", Fault::wrong_shape()),
            8 => ("huge", Fault::huge(6 * 1024 * 1024)),
            9 => ("throttled", Fault::throttled()),
            10 => ("internal error", Fault::internal_error()),
            11 => ("unauthorized", Fault::unauthorized()),
            12 => ("null tracks", Fault::null_tracks()),
            _ => ("total off by one", Fault::total_off_by(1)),
        }
    }

    /// Whether a kind of fault has not occurred, although the storm has begun a while ago.
    fn is_due(&self, kind: &str) -> bool {
        !self.blows.contains_key(kind) && self.started.elapsed() > CLEAR / 2
    }

    fn count(&mut self, kind: &'static str) {
        *self.blows.entry(kind).or_default() += 1;
    }

    /// Returns a random number below the limit (xorshift64).
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % limit as u64).unwrap()
    }
}
