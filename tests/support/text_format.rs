//! A parser of the text format 0.0.4 that shares no code with the exporter. It is stricter than
//! Prometheus: every metric needs its HELP and TYPE lines in this order and occurs once, and no
//! sample occurs twice.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// A metric with all its samples.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    /// In the order of the text.
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    /// Returns the value of a label; empty if the sample has no such label, as in Prometheus.
    pub(crate) fn label(&self, name: &str) -> &str {
        let mut labels = self.labels.iter();
        labels.find(|it| it.0 == name).map_or("", |it| &it.1)
    }
}

/// Parses an exposition; panics with the line that is wrong.
pub(crate) fn parse(text: &str) -> Vec<Family> {
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line has no line break"
    );
    let mut families: Vec<Family> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines = text.split_terminator('\n');
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
            let next = lines.next().unwrap_or_else(|| panic!("{line}"));
            let kind = next
                .strip_prefix(&format!("# TYPE {name} "))
                .unwrap_or_else(|| panic!("{next} under {line}"));
            assert!(families.iter().all(|it| it.name != name), "again: {line}");
            assert!(families.iter().all(|it| !it.samples.is_empty()), "{line}");
            families.push(Family {
                name: name.to_owned(),
                help: help.to_owned(),
                kind: kind.to_owned(),
                samples: Vec::new(),
            });
            continue;
        }
        let (name, sample) = parse_sample(line);
        let family = families.last_mut().unwrap_or_else(|| panic!("{line}"));
        assert_eq!(name, family.name, "not in its group: {line}");
        let mut identity = sample.labels.clone();
        identity.sort();
        let names: BTreeSet<&str> = identity.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), identity.len(), "a label twice: {line}");
        assert!(seen.insert((name, identity)), "a series twice: {line}");
        family.samples.push(sample);
    }
    families
}

fn parse_sample(line: &str) -> (String, Sample) {
    let mut rest = line.chars().peekable();
    let name = identifier(&mut rest, line);
    let mut labels = Vec::new();
    if rest.next_if_eq(&'{').is_some() {
        while rest.next_if_eq(&'}').is_none() {
            let label = identifier(&mut rest, line);
            assert_eq!(rest.next(), Some('='), "{line}");
            assert_eq!(rest.next(), Some('"'), "{line}");
            labels.push((label, quoted(&mut rest, line)));
            let closed = rest.peek() == Some(&'}');
            assert!(closed || rest.next() == Some(','), "{line}");
        }
    }
    assert_eq!(rest.next(), Some(' '), "{line}");
    let value: String = rest.collect();
    let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
    (name, Sample { labels, value })
}

fn identifier(rest: &mut Peekable<Chars<'_>>, line: &str) -> String {
    let mut name = String::new();
    while let Some(next) = rest.next_if(|it| it.is_ascii_alphanumeric() || *it == '_') {
        name.push(next);
    }
    let first = name.chars().next();
    assert!(first.is_some_and(|it| !it.is_ascii_digit()), "{line}");
    name
}

fn quoted(rest: &mut Peekable<Chars<'_>>, line: &str) -> String {
    let mut value = String::new();
    loop {
        match rest.next() {
            Some('"') => return value,
            Some('\\') => value.push(match rest.next() {
                Some('n') => '\n',
                Some(same @ ('\\' | '"')) => same,
                _ => panic!("an invalid escape: {line}"),
            }),
            Some(other) => value.push(other),
            None => panic!("an unterminated value: {line}"),
        }
    }
}
