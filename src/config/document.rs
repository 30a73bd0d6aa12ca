//! A YAML file, and what others add to it, as a tree that remembers where everything stands.
//!
//! Scalars stay text, whatever YAML would make of them: `007`, `1.10`, `1e5` and `true` may be a
//! secret, an account number or a label, and then they must not become 7, 1.1, 100000 or a boolean.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::key_path::{KeyPath, Step};
use super::public::is_public;
use super::span::{Columns, Span};

/// The files, what they say, and which parts of it must not be shown.
pub(super) struct Document {
    /// The first is the configuration file, the others hold accounts.
    files: Vec<SourceFile>,
    root: Node,
    /// Every key and scalar, and whether it may be shown.
    spans: Vec<(Span, bool)>,
}

/// A file as it was read.
pub(super) struct SourceFile {
    pub(super) name: String,
    /// What the configuration calls it, from its own folder; nothing where it is the configuration.
    pub(super) called: PathBuf,
    pub(super) text: String,
    /// Whether everybody on this machine can read it.
    pub(super) is_open: bool,
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping, in the order of the file.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// What an error points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

/// A line, as YAML counts them from 1: a lone carriage return ends one too.
pub(super) fn nth_line(text: &str, number: usize) -> &str {
    let mut lines = text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    });
    lines.nth(number - 1).unwrap_or_default()
}

impl Document {
    pub(super) fn new(file: SourceFile, root: Node) -> Self {
        let mut spans = Vec::new();
        collect_spans(&root, &KeyPath::default(), &mut spans);
        Self {
            files: vec![file],
            root,
            spans,
        }
    }

    /// The configuration file.
    pub(super) fn main(&self) -> &SourceFile {
        &self.files[0]
    }

    /// The same, for another document.
    pub(super) fn into_main(mut self) -> SourceFile {
        self.files.swap_remove(0)
    }

    /// All that it says, the free keys too.
    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The file that a span of this document is in.
    pub(super) fn file(&self, span: Span) -> &SourceFile {
        &self.files[span.file]
    }

    /// Where it begins, for people.
    pub(super) fn place(&self, span: Span) -> String {
        let name = &self.file(span).name;
        format!("{name}:{}:{}", span.line, span.column)
    }

    /// Takes over a file, and returns what it holds as a part of this document.
    pub(super) fn add_file(&mut self, file: SourceFile, mut entries: Vec<Entry>) -> Vec<Entry> {
        for entry in &mut entries {
            entry.set_file(self.files.len());
        }
        self.files.push(file);
        entries
    }

    /// Adds to a mapping of the root, which is made if there is none; what is there and not a
    /// mapping stays as it is.
    pub(super) fn add(&mut self, key: &str, more: Vec<Entry>) {
        let (Some(first), Value::Map(root)) = (more.first(), &mut self.root.value) else {
            return;
        };
        let path = KeyPath::from([key]);
        collect_entries(&more, &path, &mut self.spans);
        if let Some(known) = root.iter_mut().find(|known| known.key == key) {
            if let Value::Map(entries) = &mut known.node.value {
                entries.extend(more);
            }
            return;
        }
        root.push(Entry {
            key: key.to_owned(),
            key_span: first.key_span,
            node: Node {
                span: first.key_span,
                value: Value::Map(more),
            },
        });
    }

    pub(super) fn line(&self, span: Span) -> &str {
        nth_line(&self.file(span).text, span.line)
    }

    /// The columns of the line where this begins that may hold a secret: all but blanks,
    /// punctuation, keys, and scalars that are known to be harmless. A comment is hidden too: an
    /// old key may have been left there.
    pub(super) fn hidden_in(&self, span: Span) -> Vec<Columns> {
        let text = self.line(span);
        let covers = self.covers_of(span, text.chars().count());
        let mut hidden: Vec<Columns> = Vec::new();
        for (column, (c, cover)) in text.chars().zip(covers).enumerate() {
            let shown = match cover {
                Some(public) => public,
                None if c == '#' => {
                    hidden.push(column..usize::MAX);
                    break;
                }
                None => c.is_whitespace() || PUNCTUATION.contains(c),
            };
            match hidden.last_mut() {
                _ if shown => {}
                Some(last) if last.end == column => last.end += 1,
                _ => hidden.push(column..column + 1),
            }
        }
        hidden
    }

    /// For each column of that line whether what stands there may be shown; none where neither a
    /// key nor a scalar does. A generated file may be one line, so the spans are gone through once.
    fn covers_of(&self, Span { file, line, .. }: Span, columns: usize) -> Vec<Option<bool>> {
        let here = |(span, public): &(Span, bool)| {
            let touches = span.file == file && (span.line..=span.end_line).contains(&line);
            let Columns { start, end } = span.columns_of(line);
            touches.then_some((start.min(columns), end.min(columns), *public))
        };
        // Each alias repeats the spans of what it stands for.
        let spans: BTreeSet<_> = self.spans.iter().filter_map(here).collect();
        let mut covers = vec![None; columns];
        for (start, end, public) in spans {
            for cover in &mut covers[start..end.max(start)] {
                // An alias makes one span of the file two values: both must be harmless.
                *cover = Some(public && cover.unwrap_or(true));
            }
        }
        covers
    }

    /// The keys of the root, without the free ones.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.root
            .entries()
            .iter()
            .filter(|entry| !entry.key.starts_with(FREE_KEYS))
    }

    /// The value at a path, if the file has it.
    pub(super) fn get(&self, path: &KeyPath) -> Option<&Node> {
        path.steps().iter().try_fold(&self.root, Node::child)
    }

    /// Where something stands. A mapping, a list and an empty value are shown by their key; what
    /// the file does not have is shown by the nearest key around it, if there is one.
    pub(super) fn span(&self, path: &KeyPath, part: Part) -> Option<Span> {
        let parent = path.parent()?;
        let Some(around) = self.get(&parent) else {
            return self.span(&parent, Part::Key);
        };
        let found = match (path.steps().last(), &around.value) {
            (Some(Step::Key(key)), Value::Map(entries)) => entries
                .iter()
                .find(|entry| entry.key == *key)
                .map(|entry| match part {
                    Part::Value if entry.node.is_text() => entry.node.span,
                    Part::Value | Part::Key => entry.key_span,
                }),
            (Some(Step::Index(index)), Value::List(items)) => {
                items.get(*index).map(|item| item.span)
            }
            _ => None,
        };
        found.or_else(|| self.span(&parent, Part::Key))
    }
}

/// What stands between keys and values.
const PUNCTUATION: &str = ":,-?[]{}|><";

/// Top-level keys that begin so are free: a place for YAML anchors.
pub(super) const FREE_KEYS: &str = "x-";

impl Entry {
    fn set_file(&mut self, file: usize) {
        self.key_span.file = file;
        self.node.set_file(file);
    }
}

impl Node {
    fn set_file(&mut self, file: usize) {
        self.span.file = file;
        match &mut self.value {
            Value::Scalar(_) => {}
            Value::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| entry.set_file(file)),
        }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (step, &self.value) {
            (Step::Key(key), Value::Map(entries)) => entries
                .iter()
                .find(|entry| entry.key == *key)
                .map(|entry| &entry.node),
            (Step::Index(index), Value::List(items)) => items.get(*index),
            _ => None,
        }
    }

    /// The keys of a mapping; none where it is not one.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }

    /// A scalar with something in it.
    fn is_text(&self) -> bool {
        matches!(&self.value, Value::Scalar(text) if !text.is_empty())
    }
}

/// Every scalar that is not known to be harmless may be a secret, and so may some keys.
fn collect_spans(node: &Node, path: &KeyPath, spans: &mut Vec<(Span, bool)>) {
    match &node.value {
        Value::Scalar(text) => spans.push((node.span, is_public(path, text))),
        Value::List(items) => {
            for item in items {
                collect_spans(item, path, spans);
            }
        }
        Value::Map(entries) => collect_entries(entries, path, spans),
    }
}

fn collect_entries(entries: &[Entry], path: &KeyPath, spans: &mut Vec<(Span, bool)>) {
    for entry in entries {
        spans.push((entry.key_span, path.may_show(&entry.key)));
        collect_spans(&entry.node, &path.key(&entry.key), spans);
    }
}
