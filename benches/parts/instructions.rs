//! Counts the instructions of pieces of work, which do not depend on the load of the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::kit::{Findings, Scale, program};
use crate::roles::WORK;

/// The most instructions that a piece may take, as a factor of the number in the table. The
/// optimizer sees the bench and the library as one program, so a change of the bench alone can
/// change the number by two or three percent.
const TOLERANCE: f64 = 1.03;

/// What a piece takes is what more of them take than fewer.
const FEW: u64 = 5;
const MANY: u64 = 15;

pub(super) fn measure(scale: &Scale, findings: &mut Findings) {
    if !scale.is_full {
        for (work, _) in WORK {
            let status = role(&mut this_program(), work, 2).status();
            assert!(status.is_ok_and(|status| status.success()), "{work}");
        }
        return Findings::note("without valgrind: every piece of work runs");
    }
    let header = concat!(env!("BUILD_RUSTC"), " ", env!("BUILD_TARGET"));
    let counts = WORK.map(|(work, _)| {
        (
            work,
            (collected(work, MANY) - collected(work, FEW)) / (MANY - FEW),
        )
    });
    let lines = counts.map(|(work, count)| format!("{work} {count}\n"));
    let table = format!("{header}\n{}", lines.concat());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, table).expect("the table can be written");
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    let is_comparable = known.lines().next() == Some(header);
    if !is_comparable {
        Findings::note("the table in instructions.txt is of another compiler or machine");
    }
    for (work, count) in counts {
        Findings::note(&format!("{work}: {count} instructions"));
        let line = known
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{work} ")));
        let before = line.and_then(|count| count.parse::<f64>().ok());
        if let Some(before) = before.filter(|_| is_comparable) {
            let what = format!("instructions: {work}, to those in the table");
            findings.wanted(&what, count as f64 / before, "×", TOLERANCE);
        }
    }
}

/// Returns the count of valgrind.
fn collected(work: &str, times: u64) -> u64 {
    let valgrind = program("valgrind").expect("valgrind is there: tests/parts/install bench");
    let mut command = Command::new(valgrind);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(this_program().get_program());
    let said = role(&mut command, work, times)
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let count = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = count.and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("{work}: valgrind says no number:\n{said}"))
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("a running program has a file"))
}

fn role<'a>(command: &'a mut Command, work: &str, times: u64) -> &'a mut Command {
    command.args(["role", "work", work]).arg(times.to_string())
}
