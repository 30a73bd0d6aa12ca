//! What a page costs the exporter, the floor and the peer, one after another in every round, with nothing
//! changed since the last poll.

use std::thread::sleep;
use std::time::Duration;

use crate::kit::{
    Cloud, Estate, Exporter, Findings, Process, Scale, median, milliseconds, start_peer,
};

/// Tracks on a page: as many as there can be, and what an account has.
const PAGES: [usize; 2] = [100, 5];

/// Of an exporter that is looked at while it polls nobody.
const TRACKS_AT_REST: usize = 1_000;

/// As many accounts as calls may be in flight: each walks over its pages, one after another.
const WALKERS: usize = 64;

/// More threads than this make a page of the peer dearer; each of them has an account.
const PEER_WALKERS: usize = 8;

/// A way of asking.
struct World {
    name: &'static str,
    /// Those of the exporter and of the floor.
    accounts: usize,
    peer_accounts: usize,
    interval: Duration,
    pages: usize,
    latency: Duration,
    /// The most that a page may cost, in pages of the floor.
    goal: f64,
}

struct Contestant {
    name: &'static str,
    process: Process,
    /// Milliseconds a page, and pages a second, of each turn.
    costs: Vec<f64>,
    paces: Vec<f64>,
}

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    rest(scale);
    for tracks in PAGES {
        for world in worlds(scale, tracks) {
            contest(&world, tracks, scale, findings);
        }
    }
}

/// What the exporter takes while it polls nobody, which is not taken off from what a page costs.
fn rest(scale: &Scale) {
    let estate = Estate::at_rest(TRACKS_AT_REST);
    let cloud = Cloud::start(estate, 1, Duration::ZERO);
    let process = Exporter::start(estate, &cloud.address).process;
    sleep(scale.settle);
    let cpu = process.cpu();
    sleep(scale.turn);
    let cpu = process.cpu().saturating_sub(cpu);
    let share = cpu.as_secs_f64() / scale.turn.as_secs_f64() * 100.0;
    Findings::note(&format!("the exporter at rest: {share:.3} % of a core"));
}

/// A small fleet, whose polls are far apart; and a closed loop: walks so long that the next is due before
/// they have ended.
fn worlds(scale: &Scale, tracks: usize) -> [World; 2] {
    let full = scale.is_full;
    let pages_of_walk = if tracks > 50 { 60 } else { 120 };
    let small = if full { 250 } else { 5 };
    [
        World {
            name: "50 pages a second",
            accounts: small,
            peer_accounts: small,
            interval: Duration::from_secs(if full { 5 } else { 1 }),
            pages: 1,
            latency: Duration::from_millis(10),
            goal: 1.3,
        },
        World {
            name: "a closed loop",
            accounts: if full { WALKERS } else { 4 },
            peer_accounts: if full { PEER_WALKERS } else { 2 },
            interval: Duration::from_secs(1),
            pages: if full { pages_of_walk } else { 3 },
            latency: Duration::ZERO,
            goal: 1.5,
        },
    ]
}

fn contest(world: &World, tracks: usize, scale: &Scale, findings: &mut Findings) {
    let estate = Estate {
        accounts: world.accounts,
        interval: world.interval,
        page_size: tracks,
    };
    let cloud = Cloud::start(estate, world.pages, world.latency);
    let mut contestants = contestants(estate, world.peer_accounts, &cloud);
    for _ in 0..scale.rounds {
        for contestant in &mut contestants {
            contestant.take_turn(scale, &cloud);
        }
    }
    let what = format!("a page of {tracks} tracks, {}", world.name);
    for contestant in &contestants {
        Findings::note(&format!(
            "{what}: {} {:.3} ms at {:.0} pages a second",
            contestant.name,
            contestant.cost(),
            median(&contestant.paces)
        ));
    }
    let [exporter, floor, peer] = contestants.map(|contestant| contestant.cost());
    findings.wanted(
        &format!("{what}, to the floor"),
        exporter / floor,
        "×",
        world.goal,
    );
    findings.found(&format!("{what}, to the peer"), exporter / peer, "×");
}

/// Everybody, ready and standing still.
fn contestants(estate: Estate, peer_accounts: usize, cloud: &Cloud) -> [Contestant; 3] {
    let exporter = Exporter::start(estate, &cloud.address).process;
    exporter.pause();
    let of_peer = Estate {
        accounts: peer_accounts,
        ..estate
    };
    let (peer, _) = start_peer(of_peer, cloud);
    peer.pause();
    let floor = [
        cloud.address.clone(),
        estate.accounts.to_string(),
        estate.interval.as_millis().to_string(),
        estate.page_size.to_string(),
    ];
    let (floor, _) = Process::in_role("floor", &floor);
    floor.pause();
    [
        ("the exporter", exporter),
        ("the floor", floor),
        ("the peer", peer),
    ]
    .map(|(name, process)| Contestant {
        name,
        process,
        costs: Vec::new(),
        paces: Vec::new(),
    })
}

impl Contestant {
    fn take_turn(&mut self, scale: &Scale, cloud: &Cloud) {
        self.process.resume();
        sleep(scale.settle);
        let (cpu, calls) = (self.process.cpu(), cloud.calls());
        sleep(scale.turn);
        let cpu = self.process.cpu().saturating_sub(cpu);
        let pages = (cloud.calls() - calls).max(1) as f64;
        self.process.pause();
        self.costs.push(milliseconds(cpu) / pages);
        self.paces.push(pages / scale.turn.as_secs_f64());
    }

    fn cost(&self) -> f64 {
        median(&self.costs)
    }
}
