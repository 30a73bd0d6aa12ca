//! Measures what polls and scrapes cost, compared with a peer and with minimal programs. See
//! README.md in this folder.
//!
//! `cargo bench --bench bench` measures everything, `cargo bench --bench bench -- poll` one
//! part. `cargo test --bench bench` runs everything at a small scale, to check that it still runs.

#![allow(clippy::print_stdout, reason = "the figures are the point")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes live in real time, and this one reads its own environment"
)]

mod kit;
mod parts;
mod roles;

use kit::{Findings, Scale};

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "role") {
        let role = arguments.get(1).expect("a role has a name");
        return roles::run(role, &arguments[2..]);
    }
    // Cargo passes this flag to benches, not to tests.
    let is_full = arguments.iter().any(|argument| argument == "--bench");
    let scale = if is_full { Scale::FULL } else { Scale::SMOKE };
    arguments.retain(|argument| !argument.starts_with('-'));
    let is_part = |wanted: &String| parts::ALL.iter().any(|(name, _)| name == wanted);
    // What cargo test filters tests by is the name of a part only by chance.
    if let Some(unknown) = arguments.iter().find(|wanted| is_full && !is_part(wanted)) {
        panic!(
            "there is no part {unknown}; there are {:?}",
            parts::ALL.map(|(name, _)| name)
        );
    }
    let mut findings = Findings::default();
    for (name, measure) in parts::ALL {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            println!("\n## {name}\n");
            measure(&scale, &mut findings);
        }
    }
    findings.print();
    if !is_full {
        println!("\nA smoke run: the figures mean nothing.");
    }
}
