//! The short pass of the fuzzing: every seed and every input that ever broke something, and then
//! random mutations of them for some seconds. `make fuzz` runs the same bodies for hours.

#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::print_stderr,
    reason = "shown where a test fails, and on request"
)]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use tokio::time::Instant;

#[path = "../../fuzz/targets/mod.rs"]
#[allow(unreachable_pub, reason = "the fuzzers take them from a library")]
mod targets;

/// How long each target is fuzzed here.
const SHORT_PASS: Duration = Duration::from_secs(5);

#[test]
fn answer() {
    holds("answer", targets::answer, &[]);
}

#[test]
fn bucket() {
    holds("bucket", targets::bucket, &[]);
}

#[test]
fn configuration() {
    let cases = ["tests/config/valid", "tests/config/invalid", "deploy"];
    holds("configuration", targets::configuration, &cases);
}

#[test]
fn events() {
    holds("events", targets::events, &[]);
}

#[test]
fn exposition() {
    holds("exposition", targets::exposition, &[]);
}

#[test]
fn request() {
    holds("request", targets::request, &[]);
}

#[test]
fn state() {
    holds("state", targets::state, &[]);
}

#[test]
fn walk() {
    holds("walk", targets::walk, &[]);
}

/// A target that only one of the two drivers knows would be fuzzed for hours or tested, not both.
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
        assert!(tests.contains(&format!("holds(\"{name}\", ")), "{name}");
    }
}

fn holds(name: &str, body: fn(&[u8]), more_seeds: &[&str]) {
    let own = ["seeds", "regressions"].map(|kind| format!("fuzz/{kind}/{name}"));
    let folders = own
        .iter()
        .map(String::as_str)
        .chain(more_seeds.iter().copied());
    let seeds: Vec<Vec<u8>> = folders
        .flat_map(|folder| files(&root().join(folder)))
        .map(|file| {
            // Said before it is tried, so that a seed that panics has a name.
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

/// Tries mutations until the time is up, and tells how many there were. What breaks the body is
/// made as small as can be and written down.
fn mutate(name: &str, body: fn(&[u8]), seeds: Vec<Vec<u8>>) -> u64 {
    /// So many between two looks at the clock.
    const ROUND: u32 = 64;
    let config = ProptestConfig {
        failure_persistence: None,
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
    while Instant::now() < end {
        // A runner stops for good when it has had its cases.
        let result = TestRunner::new(config.clone()).run(&inputs, |input| {
            executions.set(executions.get() + 1);
            body(&input);
            Ok(())
        });
        if let Err(TestError::Fail(why, input)) = result {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&file, &input).unwrap();
            panic!(
                "{why}\n{:?}\nis in {}; mended, it belongs into fuzz/regressions/{name}",
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
    /// The rest is that of another seed.
    Cross(prop::sample::Index, prop::sample::Index),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    let bytes = || {
        prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 1..4),
            2 => prop::sample::select(TELLING).prop_map(|text| text.as_bytes().to_vec()),
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

/// What means something somewhere: to JSON, to YAML, to HTTP, to the text format.
const TELLING: &[&str] = &[
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

/// The files of a folder that need not be there.
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
