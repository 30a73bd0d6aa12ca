//! The scale of a run: full, or just large enough to check that everything runs.

use std::time::Duration;

/// The sizes and times of a run.
pub(crate) struct Scale {
    /// Whether the figures are meaningful.
    pub(crate) is_full: bool,
    /// Each contestant's turns; the median counts.
    pub(crate) rounds: usize,
    /// How long one turn is measured.
    pub(crate) turn: Duration,
    /// How long a contestant runs before that, after a pause.
    pub(crate) settle: Duration,
    /// The numbers of tracks, in ascending order.
    pub(crate) tracks: &'static [usize],
    /// The accounts of a small fleet, and the time in which each is polled once.
    pub(crate) fleet: (usize, Duration),
    /// The accounts of the steady state, and the time in which each is polled once.
    pub(crate) steady: (usize, Duration),
    /// The storage targets, and the time in which each is checked once.
    pub(crate) delivery: (usize, Duration),
    /// The accounts that poll while others scrape.
    pub(crate) crowd: usize,
    /// The accounts that list too many tracks, and the tracks of each.
    pub(crate) excess: (usize, usize),
    /// How often all accounts are reloaded, for each encoding.
    pub(crate) reloads: u32,
    /// How often the time to start is measured.
    pub(crate) repeats: usize,
}

impl Scale {
    /// The scale of `make bench`.
    pub(crate) const FULL: Self = Self {
        is_full: true,
        rounds: 5,
        turn: Duration::from_secs(4),
        settle: Duration::from_millis(1_500),
        tracks: &[1_000, 10_000, 100_000],
        fleet: (1_000, Duration::from_secs(20)),
        steady: (10_000, Duration::from_mins(1)),
        delivery: (1_000, Duration::from_mins(10)),
        crowd: 1_000,
        excess: (20, 200_000),
        reloads: 10,
        repeats: 21,
    };

    /// The scale of `make test`, which only checks that every part runs.
    pub(crate) const SMOKE: Self = Self {
        is_full: false,
        rounds: 1,
        turn: Duration::from_millis(200),
        settle: Duration::from_millis(100),
        tracks: &[200],
        fleet: (20, Duration::from_secs(1)),
        steady: (10, Duration::from_secs(1)),
        delivery: (20, Duration::from_secs(10)),
        crowd: 20,
        excess: (2, 12_000),
        reloads: 1,
        repeats: 1,
    };
}
