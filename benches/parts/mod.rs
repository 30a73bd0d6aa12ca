//! The parts of the benchmark. Each can run alone.

mod bounds;
mod change;
mod crowd;
mod delivery;
mod instructions;
mod memory;
mod poll;
mod scrape;
mod start;
mod steady;

use crate::kit::{Findings, Scale};

/// A part: measures and adds its findings.
type Part = fn(&Scale, &mut Findings);

/// All parts by name.
pub(crate) const ALL: [(&str, Part); 10] = [
    ("instructions", instructions::measure),
    ("poll", poll::measure),
    ("scrape", scrape::measure),
    ("memory", memory::measure),
    ("bounds", bounds::measure),
    ("start", start::measure),
    ("crowd", crowd::measure),
    ("change", change::measure),
    ("steady", steady::measure),
    ("delivery", delivery::measure),
];
