//! Rejects import cycles between the files and folders of one folder of `src`.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::layers::{rust_files, without_comments};

/// Maps each file or folder to those that it uses, all in the same folder. The file of the folder
/// itself, which declares them, is excluded.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_folder_has_an_import_cycle() {
    let files = files();
    let mut circular = BTreeMap::new();
    for folder in files.keys().filter(|path| has_children(&files, path)) {
        let cycle = cycle(&uses_within(&files, folder));
        if !cycle.is_empty() {
            circular.insert(folder.join("/"), cycle);
        }
    }
    assert!(
        circular.is_empty(),
        "these import each other; move what they share to a file of its own: {circular:#?}"
    );
}

#[test]
fn cycles_are_found_in_every_syntax() {
    for (texts, expected) in [
        ([("", ""), ("a", "use super::b::B;"), ("b", "")], ""),
        (
            [
                ("", ""),
                ("a", "use super::b::B;"),
                ("b", "use crate::f::a;"),
            ],
            "a b",
        ),
        (
            [
                ("", ""),
                ("a", "super::{b, x};"),
                ("b", "use crate::{f::{x, a::A}};"),
            ],
            "a b",
        ),
        // Through a name that the folder re-exports.
        (
            [
                ("", "pub use self::a::A;"),
                ("a", "use super::b;"),
                ("b", "super::A::new()"),
            ],
            "a b",
        ),
        (
            [
                ("", "pub use a::{self, A};"),
                ("a", "super::B"),
                ("b", "use super::A;"),
            ],
            "",
        ),
        // In a subfolder.
        (
            [
                ("", ""),
                ("a", "use super::b;"),
                ("b/c", "use super::super::a;"),
            ],
            "a b",
        ),
        (
            [
                ("", ""),
                ("b/c", "use super::d;"),
                ("b/d", "use crate::f::b::e;"),
            ],
            "",
        ),
    ] {
        let files = texts.map(|(name, text)| (path(&format!("f/{name}")), text.to_owned()));
        let found = cycle(&uses_within(&BTreeMap::from(files.clone()), &path("f")));
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found.join(" "), expected, "{files:?}");
    }
}

/// Returns the sources without comments, by module path.
fn files() -> BTreeMap<Vec<String>, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |file: &Path| {
        let file = file.strip_prefix(&sources).unwrap().with_extension("");
        path(file.to_str().unwrap().trim_end_matches("/mod"))
    };
    let files = rust_files(&sources);
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let modules = files.iter().map(|file| module(file));
    modules
        .zip(texts.map(|text| without_comments(&text)))
        .collect()
}

fn path(text: &str) -> Vec<String> {
    let parts = text.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn has_children(files: &BTreeMap<Vec<String>, String>, folder: &[String]) -> bool {
    files
        .keys()
        .any(|path| path.len() > folder.len() && path.starts_with(folder))
}

/// Returns which files and folders of a folder use each other.
fn uses_within(files: &BTreeMap<Vec<String>, String>, folder: &[String]) -> Uses {
    let below = || files.iter().filter(|(path, _)| path.starts_with(folder));
    let children: BTreeSet<&String> = below()
        .filter_map(|(path, _)| path.get(folder.len()))
        .collect();
    let exports = exports(&files[folder]);
    let mut uses = Uses::new();
    for (file, text) in below() {
        let Some(from) = file.get(folder.len()) else {
            continue;
        };
        let paths = paths(text).into_iter().map(|path| absolute(file, &path));
        for path in paths.filter(|path| path.starts_with(folder)) {
            let name = path.get(folder.len());
            let child = name.filter(|name| children.contains(name));
            let to = child.or_else(|| exports.get(name?));
            if let Some(to) = to.filter(|to| *to != from) {
                uses.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    uses
}

/// Returns every file or folder that can be reached from itself.
fn cycle(uses: &Uses) -> BTreeSet<String> {
    let reached = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for next in uses.get(at).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached.contains(start)
    };
    uses.keys()
        .filter(|start| reached(start))
        .cloned()
        .collect()
}

/// Returns the names that a folder re-exports, each with the child that defines it.
fn exports(text: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for statement in text.split(';').map(str::trim_start) {
        let used = statement.split_once("use ");
        let exported =
            used.filter(|(before, _)| before.starts_with("pub") && !before.contains('{'));
        let mut found = Vec::new();
        if let Some((_, tree)) = exported {
            expand(tree, &mut Vec::new(), &mut found);
        }
        for path in found {
            let path: Vec<String> = path.into_iter().filter(|part| part != "self").collect();
            if let [child, .., name] = path.as_slice() {
                exports.insert(name.clone(), child.clone());
            }
        }
    }
    exports
}

/// Returns every path that begins with `crate`, `super` or `self`, with groups expanded.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (place, _) in text.match_indices(root) {
            let before = text[..place].chars().next_back();
            if before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':')) {
                expand(&text[place..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one path or group after `prefix`, and returns the rest of the text.
fn expand<'a>(text: &'a str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let mut rest = text.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        rest = group;
        loop {
            let depth = prefix.len();
            rest = expand(rest, prefix, found).trim_start();
            prefix.truncate(depth);
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                Some(next) => return next.trim_start().strip_prefix('}').unwrap_or(next),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
        .unwrap_or(rest.len());
    prefix.push(rest[..end].to_owned());
    match rest[end..].strip_prefix("::") {
        Some(more) if !more.starts_with('<') => expand(more, prefix, found),
        _ => {
            found.push(prefix.clone());
            &rest[end..]
        }
    }
}

/// Converts a path in a module to a path from the root of the crate.
fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut absolute = match path.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        _ => module.to_vec(),
    };
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(absolute.pop()),
            "*" => break,
            _ => absolute.push(part.clone()),
        }
    }
    absolute
}
