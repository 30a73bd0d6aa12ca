//! Mutation tests for the rules: each trap is a known mistake. The tests of the rules must fail for
//! a copy of the rules with that mistake.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;
use serde_json::Value;

use super::promtool::promtool;
use super::rule::{SOURCES, path, read, yaml};

/// How many traps there are.
const TRAPS: u32 = 37;

/// How many promtool processes run in parallel.
const AT_ONCE: usize = 2;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trap {
    /// The number of the trap, and a description.
    #[serde(rename = "trap")]
    what: String,
    rule: Option<String>,
    from: Option<String>,
    to: Option<String>,
    drop: Option<String>,
    red: Option<String>,
    /// The group of the file that fails. Running the others would take minutes.
    group: Option<String>,
    guard: Option<Guard>,
}

/// The test that guards a trap for which no mutation exists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    file: String,
    test: String,
}

#[test]
fn the_rules_pass_their_tests() {
    let tests = fs::read_dir(path("deploy/prometheus/tests")).unwrap();
    let tests: Vec<String> = tests
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!tests.is_empty());
    let files: Vec<Value> = SOURCES.iter().map(|name| yaml(name)).collect();
    in_parallel(&tests, |test| verdict(&files, test, ".*"));
}

#[test]
fn every_trap_that_is_opened_turns_a_test_red() {
    let traps: Vec<Trap> = traps();
    in_parallel(&traps, |trap| {
        let Some(red) = &trap.red else { return Ok(()) };
        let group = trap.group.as_deref().unwrap_or_default();
        let group = format!("^{}$", regex_lite::escape(group));
        match verdict(&opened(trap)?, red, &group) {
            Ok(()) => Err(format!("{}: {group} of {red} does not notice", trap.what)),
            // promtool must report failed tests, not an invalid copy.
            Err(said) if said.contains("FAILED") && !said.contains("parse") => Ok(()),
            Err(said) => Err(format!("{}: {said}", trap.what)),
        }
    });
}

#[test]
fn every_trap_has_a_mutation_or_a_guard_that_exists() {
    let traps = traps();
    let number = |trap: &Trap| trap.what.split(' ').next().unwrap().parse::<u32>().unwrap();
    let numbers: BTreeSet<u32> = traps.iter().map(number).collect();
    assert_eq!(numbers, (1..=TRAPS).collect());
    for trap in &traps {
        assert_eq!(trap.red.is_some(), trap.guard.is_none(), "{trap:?}");
        if let Some(guard) = &trap.guard {
            let text = read(&guard.file);
            let is_there = text.contains(&guard.test);
            assert!(
                is_there,
                "{}: no {} in {}",
                trap.what, guard.test, guard.file
            );
        }
    }
}

fn traps() -> Vec<Trap> {
    serde_saphyr::from_str(&read("tests/prometheus/rules/traps.yaml")).unwrap()
}

/// Returns the rules with one mistake in them.
fn opened(trap: &Trap) -> Result<Vec<Value>, String> {
    let mut files: Vec<Value> = SOURCES.iter().map(|name| yaml(name)).collect();
    let wanted = trap.rule.as_deref().unwrap_or_default();
    let mut mutated = 0;
    let groups = files
        .iter_mut()
        .flat_map(|file| file["groups"].as_array_mut().unwrap());
    for rule in groups.flat_map(|group| group["rules"].as_array_mut().unwrap()) {
        if rule["alert"] != wanted && rule["record"] != wanted {
            continue;
        }
        if let Some(key) = &trap.drop {
            mutated += usize::from(rule.as_object_mut().unwrap().remove(key).is_some());
        }
        if let (Some(from), Some(to)) = (&trap.from, &trap.to) {
            let expression = collapsed(rule["expr"].as_str().unwrap());
            mutated += usize::from(expression.contains(&collapsed(from)));
            rule["expr"] = expression.replace(&collapsed(from), to).into();
        }
    }
    if mutated == 0 {
        return Err(format!(
            "{}: there is nothing like it in {wanted}",
            trap.what
        ));
    }
    Ok(files)
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the groups of one test file against these rules with promtool. JSON is valid YAML.
fn verdict(rules: &[Value], test: &str, group: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("rules")).unwrap();
    fs::create_dir(file("tests")).unwrap();
    for (index, rules) in rules.iter().enumerate() {
        fs::write(file(&format!("rules/{index}.yaml")), rules.to_string()).unwrap();
    }
    let from = path("deploy/prometheus/tests").join(test);
    fs::copy(from, file("tests").join(test)).unwrap();
    let test = file("tests").join(test);
    let group = format!("--run={group}");
    promtool(["test", "rules", &group, &test.to_string_lossy()])
}

/// Judges every item in parallel, and panics with a list of all failures.
fn in_parallel<T: Sync>(all: &[T], judge: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) =
                    all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(said) = judge(one) {
                        failed.lock().unwrap().push(said);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
