//! Limits the number of test programs, because each links the whole crate, and checks that
//! `make check` needs only cargo.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each additional program takes seconds to link after every change.
const MAX_PROGRAMS: usize = 12;

/// Modules of `tests/support` that start a program installed by `make parts`.
const PARTS: [&str; 3] = ["support::parts", "support::judges", "support::prometheus"];

#[test]
fn there_are_at_most_a_dozen_programs() {
    let entries = fs::read_dir(root().join("tests")).unwrap();
    let programs: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| is_rust(path) || path.join("main.rs").exists())
        .collect();
    assert!(
        programs.len() <= MAX_PROGRAMS,
        "{} programs; make the new one a module of another: {programs:#?}",
        programs.len()
    );
}

/// `make check` skips modules named `with_parts`, so only these may use a part.
#[test]
fn make_check_needs_no_part() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let line = makefile
        .lines()
        .find_map(|line| line.strip_prefix("CHECKED := "));
    let programs: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert!(programs.contains(&"unit"), "{programs:?}");
    for program in programs {
        for file in files_below(&root().join("tests").join(program)) {
            let path = file.display().to_string();
            let text = fs::read_to_string(&file).unwrap();
            let part = PARTS
                .iter()
                .find(|part| text.contains(&format!("crate::{part}")));
            assert!(
                part.is_none() || path.contains("/with_parts"),
                "{path} uses {part:?}; move its tests to a module named with_parts"
            );
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| is_rust(path))
        .collect()
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
