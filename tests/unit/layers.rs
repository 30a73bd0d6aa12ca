//! Checks that modules use only the modules that their layer allows.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules that it may use. `*` allows all.
const MAY_USE: &[(&str, &[&str])] = &[
    // Plain values and arithmetic.
    ("failure", &[]),
    ("clock", &[]),
    ("duration", &[]),
    ("escape", &[]),
    ("hash", &[]),
    // The only module that reads files.
    ("files", &["escape"]),
    ("pem", &["files"]),
    ("proxy", &[]),
    // Which accounts this process polls.
    ("shard", &["hash"]),
    ("snapshot", &["failure", "clock"]),
    // The API client and the history are independent. `tencent` notifies an observer.
    (
        "tencent",
        &[
            "failure",
            "snapshot",
            "clock",
            "escape",
            "files",
            "pem",
            "proxy",
            "resources",
        ],
    ),
    ("history", &["failure", "snapshot", "clock"]),
    // Pure logic: the caller sends the requests and passes the time.
    ("attribution", &["failure", "snapshot", "clock"]),
    ("changes", &["snapshot", "clock"]),
    // What the results of storage checks prove. It sends no requests.
    (
        "delivery",
        &["failure", "snapshot", "clock", "hash", "tencent"],
    ),
    // The state file: converts reports to the types of the file and back.
    (
        "state",
        &["failure", "snapshot", "clock", "escape", "files", "replace"],
    ),
    ("exposition", &["failure", "snapshot", "clock"]),
    ("publisher", &["exposition", "snapshot", "clock", "hash"]),
    (
        "config",
        &["duration", "escape", "snapshot", "shard", "files", "proxy"],
    ),
    // The web configuration of the listener.
    ("web_config", &["duration", "escape", "files", "pem"]),
    (
        "http",
        &[
            "failure",
            "snapshot",
            "clock",
            "escape",
            "resources",
            "web_config",
        ],
    ),
    // The simulator shares no types with the client, because then it would share its bugs.
    ("sim", &[]),
    // The series of the process count requests to the API.
    ("process", &["failure", "snapshot", "clock", "tencent"]),
    ("heartbeat", &[]),
    // Limits, replacing files, signals and pipes, independent of their use.
    ("replace", &["escape"]),
    ("resources", &[]),
    ("signals", &[]),
    ("stdio", &[]),
    // The protocol of the service manager.
    ("systemd", &[]),
    // One account, and all of them.
    (
        "poll",
        // The loop sends heartbeats, so that a stalled loop is detected.
        &[
            "failure",
            "duration",
            "escape",
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
            "escape",
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
            "escape",
            "fleet",
            "organization",
            "snapshot",
            "tencent",
        ],
    ),
    // Connects the parts.
    ("app", &["*"]),
    (
        "demo",
        &[
            "app", "clock", "config", "escape", "fleet", "sim", "stdio", "tencent",
        ],
    ),
    (
        "commands",
        // `check` shows the expected tracks, and explains why a request fails.
        &[
            "app",
            "cli",
            "clock",
            "config",
            "demo",
            "duration",
            "escape",
            "failure",
            "files",
            "fleet",
            "logging",
            "probe",
            "replace",
            "shard",
            "snapshot",
            "state",
            "stdio",
            "tencent",
            "web_config",
        ],
    ),
    ("cli", &["app", "duration", "escape", "shard"]),
    ("logging", &["cli", "escape", "stdio"]),
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
            faults.insert(format!("{module} is in the table but not in the sources"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn used_modules_are_found_in_every_syntax() {
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

/// Returns the top-level modules named after `root::` in the code, without comments.
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
