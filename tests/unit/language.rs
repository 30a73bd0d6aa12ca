//! Keeps the worst tell-tales of translated prose out of comments and messages in `src`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

use std::fs;
use std::path::Path;

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
];

#[test]
fn refused_words_do_not_come_back() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in rust_files(&sources) {
        let words = refused_in(&fs::read_to_string(&file).unwrap());
        found.extend(
            words
                .iter()
                .map(|word| format!("{word} in {}", file.display())),
        );
    }
    assert!(found.is_empty(), "write it in plain English: {found:#?}");
}

#[test]
fn refused_words_are_found_across_lines_and_in_any_case() {
    let text =
        "//! Nobody\n/// it is\n    /// told\n\"be \\\n told\" nobodys told_nobody renew anew";
    let mut found = refused_in(text);
    found.sort_unstable();
    assert_eq!(found, ["anew", "be told", "is told", "nobody"]);
}

/// Every occurrence of a refused word, also if a line break is in it.
fn refused_in(text: &str) -> Vec<&'static str> {
    let prose = prose(text);
    let occurrences = REFUSED.iter().map(|word| {
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
