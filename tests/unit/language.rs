//! Keeps common marks of translated prose out of the code, the pages and the deployed texts.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

use std::fs;
use std::path::{Path, PathBuf};

use super::layers::rust_files;

/// Refused as whole words, in any case. Name the actor instead: the exporter, a client, an operator.
const REFUSED: &[&str] = &[
    "whoever",
    "nobody",
    "somebody",
    "anybody",
    "anew",
    "is told",
    "are told",
    "be told",
    "take up",
    "takes up",
    "taken up",
    "taking up",
    "is asked",
    "are asked",
    "be asked",
    "where there is none",
    "look at",
    "leave out",
    "bring along",
    "come to",
    "stand in",
    "give back",
];

/// Refused in pages and deployed texts, too: pronouns of people for programs, and British spelling.
const REFUSED_IN_TEXTS: &[&str] = &[
    "he",
    "him",
    "his",
    "organisation",
    "organisations",
    "recognise",
    "recognises",
    "recognised",
    "colour",
    "colours",
    "licence",
    "licences",
    "behaviour",
];

/// The folders of Rust code, relative to the root of the repository.
const SOURCES: [&str; 4] = ["src", "tests", "benches", "fuzz/targets"];

/// This file contains every refused word.
const THIS_FILE: &str = "tests/unit/language.rs";

/// Where texts for people are, from the root of the repository.
const TEXTS: [&str; 7] = [
    "CHANGELOG.md",
    "README.md",
    "benches/README.md",
    "deploy",
    "docs",
    "fuzz/README.md",
    "grafana/dashboards",
];

/// The kinds of files that are read there.
const EXTENSIONS: [&str; 7] = ["md", "yaml", "yml", "json", "tmpl", "tpl", "service"];

#[test]
fn refused_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let this_file = root.join(THIS_FILE);
    let mut found = Vec::new();
    for folder in SOURCES {
        let files = rust_files(&root.join(folder));
        assert!(!files.is_empty(), "{folder} has no Rust file");
        for file in files.iter().filter(|file| **file != this_file) {
            let words = refused_in(&fs::read_to_string(file).unwrap(), REFUSED);
            let name = file.display();
            found.extend(words.iter().map(|word| format!("{word} in {name}")));
        }
    }
    assert!(found.is_empty(), "write it in plain English: {found:#?}");
}

#[test]
fn pages_and_deployed_texts_have_no_refused_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for text in TEXTS {
        collect(&root.join(text), &mut files);
    }
    assert!(files.len() > 50, "{} files", files.len());
    let refused = [REFUSED, REFUSED_IN_TEXTS].concat();
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().display().to_string();
        let words = refused_in(&fs::read_to_string(&file).unwrap(), &refused);
        found.extend(words.iter().map(|word| format!("{word} in {name}")));
    }
    assert!(found.is_empty(), "write it in plain English: {found:#?}");
}

/// Adds the texts in a folder, or a file. A link leads to a text that is read where it is.
fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_symlink() {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
    } else if path
        .extension()
        .is_some_and(|it| EXTENSIONS.iter().any(|known| *known == it))
    {
        found.push(path.to_owned());
    }
}

#[test]
fn refused_words_are_found_across_lines_and_in_any_case() {
    let text =
        "//! Nobody\n/// it is\n    /// told\n\"be \\\n told\" nobodys told_nobody renew anew";
    let mut found = refused_in(text, REFUSED);
    found.sort_unstable();
    assert_eq!(found, ["anew", "be told", "is told", "nobody"]);
}

/// Every occurrence of a refused word, also if a line break is in it.
fn refused_in(text: &str, refused: &[&'static str]) -> Vec<&'static str> {
    let prose = prose(text);
    let occurrences = refused.iter().map(|word| {
        let spaced = format!(" {word} ");
        (word, prose.matches(&spaced).count())
    });
    occurrences
        .flat_map(|(word, count)| std::iter::repeat_n(*word, count))
        .collect()
}

/// The words of a text in lower case, each between spaces. Punctuation is a word; the marks of
/// comments and of continued strings are none.
fn prose(text: &str) -> String {
    let mut prose = String::from(" ");
    for c in text.chars() {
        match c {
            _ if c.is_alphanumeric() || c == '_' => prose.extend(c.to_lowercase()),
            '/' | '!' | '\\' => prose.push(' '),
            _ if c.is_whitespace() => prose.push(' '),
            _ => prose.push_str(" . "),
        }
    }
    let words: Vec<&str> = prose.split_whitespace().collect();
    format!(" {} ", words.join(" "))
}
