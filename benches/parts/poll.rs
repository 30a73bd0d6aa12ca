//! What a page costs the exporter, the floor and the peer, with nothing changed since the last
//! poll: where polls are far apart, and where they come as fast as they can.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kit::{
    Cloud, Estate, Findings, Process, Scale, median, milliseconds, start_exporter, start_peer,
    wait_until,
};

/// Tracks on a page: as many as there can be, and what an account has.
const PAGES: [usize; 2] = [100, 5];

/// How long an answer takes where polls are far apart. As fast as they can they come where it takes
/// no time.
const LATENCY: Duration = Duration::from_millis(10);

/// After its answer a poll is over in less.
const AFTERMATH: Duration = Duration::from_millis(20);

/// The peer keeps a connection for each account. It has fewer accounts by this factor, and polls
/// each account more often by the same factor.
const FEWER: u32 = 5;

/// Polls without a pause, of the peer: an account for each of its threads, more of which would make
/// its pages dearer.
const PEER_THREADS: usize = 8;

/// The most that a page may cost, in pages of the floor.
const GOAL_APART: f64 = 1.3;
const GOAL_FAST: f64 = 1.5;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    rest(scale);
    for tracks in PAGES {
        let (accounts, interval) = scale.fleet;
        contest(Estate::new(accounts, interval, tracks), scale, findings);
    }
}

/// Measures the exporter at rest. The result is not subtracted from the cost of a page.
fn rest(scale: &Scale) {
    let estate = Estate::at_rest(scale.tracks[0]);
    let cloud = Cloud::start(estate, Duration::ZERO);
    let mut exporter = Contestant::new(start_exporter(estate, &cloud));
    let cost = exporter.apart(&cloud, scale);
    Findings::note(&format!(
        "the exporter at rest: {:.3} % of a core",
        cost.load
    ));
}

fn contest(estate: Estate, scale: &Scale, findings: &mut Findings) {
    let cloud = Cloud::start(estate, Duration::ZERO);
    let page_size = estate.page_size;
    let mut exporter = Contestant::new(start_exporter(estate, &cloud));
    let mut floor = Contestant::new(floor(estate, &cloud));
    let peers_own = |accounts, interval| Estate::new(accounts, interval, page_size);
    let fewer = peers_own(estate.accounts / FEWER as usize, estate.interval / FEWER);
    let mut peer = Contestant::new(start_peer(fewer, &cloud));
    let mut fast_peer =
        Contestant::new(start_peer(peers_own(PEER_THREADS, Duration::ZERO), &cloud));
    for _ in 0..scale.rounds {
        for contestant in [&mut exporter, &mut floor] {
            contestant.burst(&cloud, estate);
            contestant.apart(&cloud, scale);
        }
        peer.apart(&cloud, scale);
        fast_peer.without_pause(&cloud, scale);
    }
    let page = format!("a page of {page_size} tracks");
    report(
        &format!("{page}, polls apart"),
        [&exporter.apart, &floor.apart, &peer.apart],
        GOAL_APART,
        findings,
    );
    report(
        &format!("{page}, as fast as can be"),
        [&exporter.fast, &floor.fast, &fast_peer.fast],
        GOAL_FAST,
        findings,
    );
}

fn floor(estate: Estate, cloud: &Cloud) -> Process {
    let interval = estate.interval.as_millis();
    let numbers = [estate.accounts as u128, interval, estate.page_size as u128];
    let mut arguments = vec![cloud.address().to_owned()];
    arguments.extend(numbers.map(|number| number.to_string()));
    Process::in_role("floor", &arguments)
}

fn report(what: &str, costs: [&Vec<Cost>; 3], goal: f64, findings: &mut Findings) {
    let of = |costs: &Vec<Cost>, take: fn(&Cost) -> f64| {
        median(&costs.iter().map(take).collect::<Vec<_>>())
    };
    for (who, costs) in ["the exporter", "the floor", "the peer"].iter().zip(costs) {
        let [ms, pages] = [of(costs, |cost| cost.page), of(costs, |cost| cost.pace)];
        Findings::note(&format!(
            "{what}: {who} {ms:.3} ms at {pages:.0} pages a second"
        ));
    }
    let [exporter, floor, peer] = costs.map(|costs| of(costs, |cost| cost.page));
    findings.wanted(
        &format!("{what}, to the floor"),
        exporter / floor,
        "×",
        goal,
    );
    findings.found(&format!("{what}, to the peer"), exporter / peer, "×");
}

/// A program that polls. It is stopped while another program is measured.
struct Contestant {
    process: Process,
    stands_since: Instant,
    apart: Vec<Cost>,
    fast: Vec<Cost>,
}

#[derive(Clone, Copy)]
struct Cost {
    /// Milliseconds on a processor for a page.
    page: f64,
    /// Pages a second.
    pace: f64,
    /// Percent of a core.
    load: f64,
}

impl Contestant {
    fn new(process: Process) -> Self {
        process.pause();
        Self {
            process,
            stands_since: Instant::now(),
            apart: Vec::new(),
            fast: Vec::new(),
        }
    }

    /// After an interval in which the program was stopped, all accounts are due. It first polls all
    /// of them, as many at once as may be in flight; the measurement starts after that.
    fn burst(&mut self, cloud: &Cloud, estate: Estate) {
        cloud.set_latency(Duration::ZERO);
        sleep(estate.interval.saturating_sub(self.stands_since.elapsed()));
        let due = cloud.calls() + estate.accounts as u64;
        let cost = self.cost(cloud, |process| {
            process.resume();
            wait_until("every account has been polled", || cloud.calls() >= due);
        });
        self.fast.push(cost);
    }

    /// Measures the polls of the schedule.
    fn apart(&mut self, cloud: &Cloud, scale: &Scale) -> Cost {
        let cost = self.turn(cloud, LATENCY, scale);
        self.apart.push(cost);
        cost
    }

    /// Measures the polls of a program without a schedule.
    fn without_pause(&mut self, cloud: &Cloud, scale: &Scale) {
        let cost = self.turn(cloud, Duration::ZERO, scale);
        self.fast.push(cost);
    }

    fn turn(&mut self, cloud: &Cloud, latency: Duration, scale: &Scale) -> Cost {
        cloud.set_latency(latency);
        self.process.resume();
        sleep(scale.settle);
        let cost = self.cost(cloud, |_| sleep(scale.turn));
        self.process.pause();
        self.stands_since = Instant::now();
        cost
    }

    fn cost(&self, cloud: &Cloud, meanwhile: impl FnOnce(&Process)) -> Cost {
        let (calls, cpu, began) = (cloud.calls(), self.process.cpu(), Instant::now());
        meanwhile(&self.process);
        let time = began.elapsed().as_secs_f64();
        // The work that the last responses start is part of the measurement.
        sleep(AFTERMATH);
        let cpu = self.process.cpu().saturating_sub(cpu);
        let pages = (cloud.calls() - calls).max(1) as f64;
        Cost {
            page: milliseconds(cpu) / pages,
            pace: pages / time,
            load: cpu.as_secs_f64() / time * 100.0,
        }
    }
}
