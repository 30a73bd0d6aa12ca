//! Holds the sources to the layers of the design: which module may use which.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may use of the crate. `*` is everything.
const MAY_USE: &[(&str, &[&str])] = &[
    // Plain values and arithmetic.
    ("failure", &[]),
    ("clock", &[]),
    ("duration", &[]),
    ("hash", &[]),
    // The one place that reads files.
    ("files", &[]),
    ("pem", &[]),
    ("proxy", &[]),
    // Which part of the accounts is ours.
    ("shard", &["hash"]),
    ("snapshot", &["failure", "clock"]),
    // Halves that know nothing of each other. `tencent` tells an observer and returns values.
    (
        "tencent",
        &[
            "failure",
            "snapshot",
            "clock",
            "files",
            "pem",
            "proxy",
            "resources",
        ],
    ),
    ("history", &["failure", "snapshot", "clock"]),
    // Pure logic: the caller sends the requests and knows the time.
    ("attribution", &["failure", "snapshot", "clock"]),
    ("changes", &["snapshot", "clock"]),
    // What checks of storage targets prove. It calls nothing.
    (
        "delivery",
        &["failure", "snapshot", "clock", "hash", "tencent"],
    ),
    // The state file: reports become a file's own types and reports again.
    (
        "state",
        &["failure", "snapshot", "clock", "files", "replace"],
    ),
    ("exposition", &["failure", "snapshot", "clock"]),
    ("publisher", &["exposition", "snapshot", "clock", "hash"]),
    (
        "config",
        &["duration", "snapshot", "shard", "files", "proxy"],
    ),
    // The web configuration of the listener.
    ("web_config", &["duration", "files", "pem"]),
    (
        "http",
        &["failure", "snapshot", "clock", "resources", "web_config"],
    ),
    // A simulated cloud that shared types with the client would share its mistakes.
    ("sim", &[]),
    // The process's own series are told of calls.
    ("process", &["snapshot", "clock", "tencent"]),
    ("heartbeat", &[]),
    // Limits, files that are replaced, signals, and pipes, whatever they are for.
    ("replace", &[]),
    ("resources", &[]),
    ("signals", &[]),
    ("stdio", &[]),
    // Knows a service manager's protocol, and nothing of what is managed.
    ("systemd", &[]),
    // One account, and all of them.
    (
        "poll",
        // The loop beats, so that one that stands still is found out.
        &[
            "failure",
            "duration",
            "snapshot",
            "attribution",
            "changes",
            "clock",
            "hash",
            "tencent",
            "history",
            "delivery",
            "heartbeat",
        ],
    ),
    (
        "fleet",
        &[
            "failure",
            "files",
            "snapshot",
            "changes",
            "clock",
            "hash",
            "shard",
            "history",
            "config",
            "organization",
            "poll",
            "heartbeat",
            "tencent",
        ],
    ),
    // From members to accounts.
    (
        "organization",
        &["failure", "snapshot", "config", "tencent"],
    ),
    // `check --online`: one request of each kind.
    (
        "probe",
        &[
            "failure",
            "clock",
            "config",
            "fleet",
            "organization",
            "snapshot",
            "tencent",
        ],
    ),
    // Where the parts meet.
    ("app", &["*"]),
    (
        "demo",
        &["app", "clock", "config", "fleet", "sim", "stdio", "tencent"],
    ),
    (
        "commands",
        // `check` shows which tracks are expected, and says what is in the way of a call.
        &[
            "app",
            "cli",
            "clock",
            "config",
            "demo",
            "duration",
            "failure",
            "files",
            "fleet",
            "logging",
            "probe",
            "replace",
            "shard",
            "snapshot",
            "stdio",
            "tencent",
            "web_config",
        ],
    ),
    ("cli", &["app", "duration", "shard"]),
    ("logging", &["cli", "stdio"]),
    ("lib", &[]),
    ("main", &["*"]),
];

#[test]
fn modules_use_only_what_their_layer_allows() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for file in rust_files(&sources) {
        let module = module_of(&sources, &file);
        let text = fs::read_to_string(&file).unwrap();
        let Some(allowed) = allowed.get(module.as_str()) else {
            faults.insert(format!("{module} is not in the table"));
            continue;
        };
        for used in used_modules(
            &text,
            if module == "main" {
                "cloudaudit_exporter"
            } else {
                "crate"
            },
        ) {
            let fits = used == module || allowed.contains(&"*") || allowed.contains(&used.as_str());
            if !fits {
                faults.insert(format!("{module} uses {used} ({})", file.display()));
            }
        }
        seen.insert(module);
    }
    for (module, _) in MAY_USE {
        if !seen.contains(*module) {
            faults.insert(format!("{module} is in the table and not in the sources"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn uses_are_found_in_all_their_forms() {
    let text = "use crate::a::B;\nuse crate::{b, c::D};\nlet x = crate::d::e();\n// crate::not_this\n\
                pub(crate) fn f() {}\nuse crate::{\n    e::F,\n    g,\n};";
    let used: Vec<String> = used_modules(text, "crate").into_iter().collect();
    assert_eq!(used, ["a", "b", "c", "d", "e", "g"]);
}

pub(super) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

pub(super) fn module_of(sources: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(sources).unwrap();
    let first = relative
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

pub(super) fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The top-level modules named behind `root::` anywhere in the code, comments aside.
fn used_modules(text: &str, root: &str) -> BTreeSet<String> {
    let code = without_comments(text);
    let mut used = BTreeSet::new();
    for (place, _) in code.match_indices(&format!("{root}::")) {
        let rest = &code[place + root.len() + 2..];
        let names = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![first_name(rest)],
        };
        used.extend(
            names
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        );
    }
    used
}

fn top_level_names(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut names = vec![first_name(group.trim_start())];
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_name(group[place + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}
