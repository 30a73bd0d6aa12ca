//! What a scrape costs between two polls, beside servers that have the same bytes and need not make them, and
//! beside the peer.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::kit::{
    Bytes, Client, Cloud, Estate, Exporter, Findings, Process, Scale, median, megabytes,
    milliseconds, percentile, program, start_peer,
};

/// What a scrape may take, in scrapes of the bare server and of nginx.
const GOAL: f64 = 1.3;
const GOAL_NGINX: f64 = 1.0;

/// A scrape is over in milliseconds, so a turn is a part of what it is where pages are measured.
const SHARE_OF_TURN: u32 = 4;

/// The peer takes seconds for a large exposition, and is two digits away from the others.
const PEER_SCRAPES: usize = 2;

/// One of those who serve the same bytes.
struct Server<'a> {
    name: &'static str,
    process: &'a Process,
    url: String,
    client: Client,
    /// Of each turn, in milliseconds: the median, the 99th percentile, processor time.
    middles: Vec<f64>,
    tails: Vec<f64>,
    cpu: Vec<f64>,
}

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    let mut ratios = [Vec::new(), Vec::new()];
    for tracks in scale.tracks {
        let estate = Estate::at_rest(*tracks);
        let cloud = Cloud::start(estate, Duration::ZERO);
        let exporter = Exporter::start(estate, &cloud.address);
        let bytes = Bytes::of(&exporter);
        for (gzip, ratios) in [false, true].into_iter().zip(&mut ratios) {
            let what = format!("a scrape of {tracks} tracks, {}", encoding(gzip));
            Findings::note(&format!("{what}: {:.2} MB", megabytes(bytes.length(gzip))));
            ratios.push(compare(&what, &exporter, &bytes, gzip, scale, findings));
        }
        compare_peer(*tracks, estate, &cloud, &exporter, findings);
    }
    for (gzip, ratios) in [false, true].into_iter().zip(ratios) {
        let most = percentile(&ratios, 1.0) / percentile(&ratios, 0.0);
        let what = format!(
            "the largest of these ratios to the smallest, {}",
            encoding(gzip)
        );
        findings.found(&what, most, "×");
    }
}

fn encoding(gzip: bool) -> &'static str {
    if gzip { "gzip" } else { "plain" }
}

/// The exporter beside servers of its bytes; how many scrapes of the bare one are one of its own.
fn compare(
    what: &str,
    exporter: &Exporter,
    bytes: &Bytes,
    gzip: bool,
    scale: &Scale,
    findings: &mut Findings,
) -> f64 {
    let (bare, bare_address) = bytes.bare();
    let nginx = bytes.nginx();
    let file = encoding(gzip);
    let mut servers = vec![
        Server::new(
            "the exporter",
            &exporter.process,
            &exporter.address,
            "metrics",
            gzip,
        ),
        Server::new("the bare server", &bare, &bare_address, file, gzip),
    ];
    if let Some((nginx, address)) = &nginx {
        servers.push(Server::new("nginx", nginx, address, file, gzip));
    } else {
        Findings::note("nginx is not here; tests/parts/install bench installs it");
    }
    for _ in 0..scale.rounds {
        servers
            .iter_mut()
            .for_each(|server| server.take_turn(scale));
    }
    for server in &servers {
        Findings::note(&format!("{what}: {}", server.told()));
        if scale.is_full {
            Findings::note(&format!(
                "{what}: {} by wrk: {}",
                server.name,
                server.by_wrk(gzip)
            ));
        }
    }
    let [exporter, bare, others @ ..] = &servers[..] else {
        unreachable!("there are two at least");
    };
    let ratio = exporter.middle() / bare.middle();
    findings.wanted(&format!("{what}, to the bare server"), ratio, "×", GOAL);
    let cpu = median(&exporter.cpu) / median(&bare.cpu);
    findings.found(&format!("{what}, to the bare server, CPU"), cpu, "×");
    for nginx in others {
        let ratio = exporter.middle() / nginx.middle();
        findings.wanted(&format!("{what}, to nginx"), ratio, "×", GOAL_NGINX);
    }
    ratio
}

fn compare_peer(
    tracks: usize,
    estate: Estate,
    cloud: &Cloud,
    exporter: &Exporter,
    findings: &mut Findings,
) {
    let (_peer, address) = start_peer(estate, cloud);
    for gzip in [false, true] {
        let scrapes = |mut client: Client| {
            let times = [(); PEER_SCRAPES].map(|()| client.timed().expect("it serves"));
            median(&times.map(milliseconds))
        };
        let peer = scrapes(Client::new(&address, "/metrics", gzip));
        let exporter = scrapes(exporter.scraper(gzip));
        let what = format!("a scrape of {tracks} tracks, {}", encoding(gzip));
        Findings::note(&format!("{what}: the peer {peer:.1} ms"));
        findings.found(&format!("{what}, to the peer"), exporter / peer, "×");
    }
}

impl<'a> Server<'a> {
    fn new(
        name: &'static str,
        process: &'a Process,
        address: &str,
        path: &str,
        gzip: bool,
    ) -> Self {
        Self {
            name,
            process,
            url: format!("http://{address}/{path}"),
            client: Client::new(address, &format!("/{path}"), gzip),
            middles: Vec::new(),
            tails: Vec::new(),
            cpu: Vec::new(),
        }
    }

    fn take_turn(&mut self, scale: &Scale) {
        let began = Instant::now();
        let cpu = self.process.cpu();
        let mut times = Vec::new();
        while began.elapsed() < scale.turn / SHARE_OF_TURN || times.is_empty() {
            let time = self.client.timed().expect("it serves");
            times.push(milliseconds(time));
        }
        let cpu = self.process.cpu().saturating_sub(cpu);
        self.cpu.push(milliseconds(cpu) / times.len() as f64);
        self.middles.push(median(&times));
        self.tails.push(percentile(&times, 0.99));
    }

    fn middle(&self) -> f64 {
        median(&self.middles)
    }

    fn told(&self) -> String {
        format!(
            "{} {:.3} ms, p99 {:.3} ms, CPU {:.3} ms",
            self.name,
            self.middle(),
            median(&self.tails),
            median(&self.cpu)
        )
    }

    /// What a client says that is not ours.
    fn by_wrk(&self, gzip: bool) -> String {
        let wrk = program("wrk").expect("wrk is there: tests/parts/install bench");
        let encoding = if gzip { "gzip" } else { "identity" };
        let said = Command::new(wrk)
            .args([
                "--threads",
                "1",
                "--connections",
                "1",
                "--duration",
                "1s",
                "--latency",
            ])
            .args([
                "--header",
                &format!("Accept-Encoding: {encoding}"),
                &self.url,
            ])
            .output()
            .expect("wrk runs");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let lines = said.lines().map(str::trim);
        let lines = lines.filter(|line| line.starts_with("50%") || line.starts_with("99%"));
        lines.collect::<Vec<_>>().join(", ")
    }
}
