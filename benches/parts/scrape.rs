//! Measures a scrape between two polls, compared with servers of the same prepared bytes and with the
//! peer.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::kit::{
    Bytes, Client, Cloud, ENCODINGS, Estate, Findings, Process, Scale, median, megabytes,
    milliseconds, percentile, program, start_exporter, start_peer,
};

/// What a scrape may take, in scrapes of the bare server and of nginx. Few compressed tracks may take
/// more, because the series of the process are a large part of them.
const GOAL: f64 = 1.3;
const GOAL_FEW: f64 = 1.5;
const FEW: usize = 1_000;
const GOAL_NGINX: f64 = 1.0;

/// The most bytes of the compressed exposition, in those of `gzip -6`.
const GOAL_SIZE: f64 = 1.3;

/// A scrape is over in milliseconds, so a turn is a part of what it is where pages are measured.
const SHARE_OF_TURN: u32 = 4;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    for tracks in scale.tracks {
        let estate = Estate::at_rest(*tracks);
        let cloud = Cloud::start(estate, Duration::ZERO);
        let exporter = start_exporter(estate, &cloud);
        let bytes = Bytes::of(&exporter);
        let (bare, nginx) = (bytes.bare(), bytes.nginx());
        let peer = start_peer(estate, &cloud);
        for encoding in ENCODINGS {
            let what = format!("a scrape of {tracks} tracks, {encoding}");
            let file = format!("/{encoding}");
            let server = |name, process, path| Server::new(name, process, path, encoding);
            let mut servers = vec![
                server("the exporter", &exporter, "/metrics"),
                server("the bare server", &bare, &file),
                server("the peer", &peer, "/metrics"),
            ];
            servers.extend(nginx.iter().map(|nginx| server("nginx", nginx, &file)));
            for round in 0..scale.rounds {
                for server in &mut servers {
                    // It takes seconds, and is two digits away from the others.
                    if round == 0 || server.name != "the peer" {
                        server.take_turn(scale);
                    }
                }
            }
            let size = megabytes(bytes.length(encoding));
            Findings::note(&format!("{what}: {size:.2} MB"));
            let is_small = encoding == "gzip" && *tracks <= FEW;
            let goal = if is_small { GOAL_FEW } else { GOAL };
            report(&what, &servers, goal, scale, findings);
        }
        let ratio = bytes.length("gzip") as f64 / bytes.length_as_one_member() as f64;
        let what = format!("the compressed size of {tracks} tracks, to gzip -6 of the whole");
        findings.wanted(&what, ratio, "×", GOAL_SIZE);
    }
}

fn report(what: &str, servers: &[Server<'_>], goal: f64, scale: &Scale, findings: &mut Findings) {
    for server in servers {
        Findings::note(&format!("{what}: {}", server.summary()));
        if scale.is_full && server.name != "the peer" {
            Findings::note(&format!("{what}: {}", server.told_by_wrk()));
        }
    }
    let (exporter, others) = servers.split_first().expect("it is among them");
    for other in others {
        let ratio = median(&exporter.middles) / median(&other.middles);
        let what = format!("{what}, to {}", other.name);
        match other.name {
            "the peer" => findings.found(&what, ratio, "×"),
            "nginx" => findings.wanted(&what, ratio, "×", GOAL_NGINX),
            _ => {
                findings.wanted(&what, ratio, "×", goal);
                let ratio = median(&exporter.cpu) / median(&other.cpu);
                findings.found(&format!("{what}, CPU"), ratio, "×");
            }
        }
    }
}

/// A measured server.
struct Server<'a> {
    name: &'static str,
    process: &'a Process,
    client: Client,
    path: String,
    encoding: &'static str,
    /// Of each turn, in milliseconds: the median, the 99th percentile, processor time.
    middles: Vec<f64>,
    tails: Vec<f64>,
    cpu: Vec<f64>,
}

impl<'a> Server<'a> {
    fn new(name: &'static str, process: &'a Process, path: &str, encoding: &'static str) -> Self {
        Self {
            name,
            process,
            client: Client::new(&process.address, path, encoding),
            path: path.to_owned(),
            encoding,
            middles: Vec::new(),
            tails: Vec::new(),
            cpu: Vec::new(),
        }
    }

    fn take_turn(&mut self, scale: &Scale) {
        let (began, cpu) = (Instant::now(), self.process.cpu());
        let mut times = Vec::new();
        while began.elapsed() < scale.turn / SHARE_OF_TURN || times.is_empty() {
            times.push(milliseconds(self.client.timed().expect("it serves")));
        }
        let cpu = self.process.cpu().saturating_sub(cpu);
        self.cpu.push(milliseconds(cpu) / times.len() as f64);
        self.middles.push(median(&times));
        self.tails.push(percentile(&times, 0.99));
    }

    fn summary(&self) -> String {
        let [middle, tail, cpu] = [&self.middles, &self.tails, &self.cpu].map(|it| median(it));
        let name = self.name;
        format!("{name} {middle:.3} ms, p99 {tail:.3} ms, CPU {cpu:.3} ms")
    }

    /// Measures with wrk, an independent client.
    fn told_by_wrk(&self) -> String {
        let wrk = program("wrk").expect("wrk is there: tests/parts/install bench");
        let said = Command::new(wrk)
            .args("--threads 1 --connections 1 --duration 1s --latency --header".split(' '))
            .arg(format!("Accept-Encoding: {}", self.encoding))
            .arg(format!("http://{}{}", self.process.address, self.path))
            .output();
        let said = String::from_utf8(said.expect("wrk runs").stdout).expect("it writes text");
        let latency = |part| said.lines().find_map(|line| line.trim().strip_prefix(part));
        let [middle, tail] = ["50%", "99%"].map(|part| latency(part).unwrap_or("?").trim());
        format!("{} {middle}, p99 {tail}, says wrk", self.name)
    }
}
