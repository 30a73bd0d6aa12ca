//! A short fuzzing pass: replays every seed and regression, and then tries random mutations for a
//! few seconds. `make fuzz` runs the same targets for hours.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]
#![expect(clippy::print_stderr, reason = "shown if a test fails, and on request")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use tokio::time::Instant;

#[path = "../../fuzz/targets/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzers take them from a library")]
mod targets;

/// How long each target is fuzzed here.
const SHORT_PASS: Duration = Duration::from_secs(5);

#[test]
fn answer() {
    fuzz("answer", targets::answer, &[]);
}

#[test]
fn bucket() {
    fuzz("bucket", targets::bucket, &[]);
}

#[test]
fn configuration() {
    let cases = ["tests/config/valid", "tests/config/invalid", "deploy"];
    fuzz("configuration", targets::configuration, &cases);
}

#[test]
fn events() {
    fuzz("events", targets::events, &[]);
}

#[test]
fn exposition() {
    fuzz("exposition", targets::exposition, &[]);
}

#[test]
fn request() {
    fuzz("request", targets::request, &[]);
}

#[test]
fn state() {
    fuzz("state", targets::state, &[]);
}

#[test]
fn walk() {
    fuzz("walk", targets::walk, &[]);
}

/// Every target must be in both drivers: this file and `fuzz/fuzz_targets`.
#[test]
fn both_drivers_have_the_same_targets() {
    let names = |folder: &str, take: fn(&Path) -> bool| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| take(path))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    let fuzzed = names("fuzz/fuzz_targets", Path::is_file);
    assert_eq!(names("fuzz/seeds", Path::is_dir), fuzzed, "seeds");
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let tests = fs::read_to_string(root().join(file!())).unwrap();
    for name in fuzzed {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(tests.contains(&format!("fuzz(\"{name}\", ")), "{name}");
    }
}

fn fuzz(name: &str, body: fn(&[u8]), more_seeds: &[&str]) {
    let own = ["seeds", "regressions"].map(|kind| format!("fuzz/{kind}/{name}"));
    let folders = own
        .iter()
        .map(String::as_str)
        .chain(more_seeds.iter().copied());
    let seeds: Vec<Vec<u8>> = folders
        .flat_map(|folder| files(&root().join(folder)))
        .map(|file| {
            // Printed first, so that the output names a seed that panics.
            eprintln!("{}", file.display());
            let seed = fs::read(file).unwrap();
            body(&seed);
            seed
        })
        .collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let executions = mutate(name, body, seeds);
    eprintln!("{name}: {executions} executions in {SHORT_PASS:?}");
}

/// Tries mutations until the time is up, and returns their number. An input that fails is minimized
/// and saved. Every run tries the same inputs in the same order, so that a change is judged by what it
/// changes; `make fuzz` explores.
fn mutate(name: &str, body: fn(&[u8]), seeds: Vec<Vec<u8>>) -> u64 {
    /// The number of mutations between two checks of the time.
    const ROUND: u32 = 64;
    let config = |round: u64| ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(round),
        ..ProptestConfig::with_cases(ROUND)
    };
    let seeds = prop::sample::select(seeds);
    let edits = prop::collection::vec(any_edit(), 0..8);
    let inputs = (seeds.clone(), seeds, edits).prop_map(|(seed, other, edits)| {
        edits
            .iter()
            .fold(seed, |bytes, edit| edit.apply(bytes, &other))
    });
    let executions = Cell::new(0);
    let end = Instant::now() + SHORT_PASS;
    for round in 0.. {
        if Instant::now() >= end {
            break;
        }
        // A runner cannot be used again after it has run its cases.
        let result = TestRunner::new(config(round)).run(&inputs, |input| {
            executions.set(executions.get() + 1);
            body(&input);
            Ok(())
        });
        if let Err(TestError::Fail(why, input)) = result {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&file, &input).unwrap();
            panic!(
                "{why}\n{:?}\nis in {}; after the fix, copy it to fuzz/regressions/{name}",
                String::from_utf8_lossy(&input),
                file.display()
            );
        }
        result.unwrap();
    }
    executions.get()
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Put(prop::sample::Index, Vec<u8>),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
    /// Replaces the rest with that of another seed.
    Cross(prop::sample::Index, prop::sample::Index),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    let bytes = || {
        prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 1..4),
            2 => prop::sample::select(TOKENS).prop_map(|text| text.as_bytes().to_vec()),
            1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        ]
    };
    prop_oneof![
        3 => (at(), bytes()).prop_map(|(at, bytes)| Edit::Put(at, bytes)),
        3 => (at(), bytes()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (at(), 1..20_usize).prop_map(|(at, length)| Edit::Cut(at, length)),
        1 => (at(), 1..20_usize, 1..60_usize).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => (at(), at()).prop_map(|(at, from)| Edit::Cross(at, from)),
    ]
}

/// Tokens with a meaning in JSON, YAML, HTTP or the text format.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "\r\n\r\n",
    ": ",
    "- ",
    "# ",
    "&a ",
    "*a",
    "<<: *a",
    "? ",
    "| \n",
    ">-\n",
    "!!str ",
    "%",
    "---\n",
    "...",
    "\t",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "\\ud800",
    "\\n",
    "gzip",
    "*;q=0",
    "HTTP/1.0",
    "HEAD ",
    "POST ",
    "OPTIONS * ",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "HUSH",
];

impl Edit {
    fn apply(&self, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
        let place = |at: &prop::sample::Index| at.index(bytes.len() + 1);
        match self {
            Self::Put(at, new) => {
                let at = place(at);
                let end = (at + new.len()).min(bytes.len());
                bytes.splice(at..end, new.iter().copied());
            }
            Self::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Cut(at, length) => {
                let at = place(at);
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::Repeat(at, length, times) => {
                let at = place(at);
                let end = (at + length).min(bytes.len());
                let again = bytes[at..end].repeat(*times);
                bytes.splice(at..at, again);
            }
            Self::Cross(at, from) => {
                let at = place(at);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
        bytes
    }
}

/// Returns the files of a folder that may not exist.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|found| found != "txt"))
        .collect();
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
