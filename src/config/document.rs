//! A YAML file as a tree that remembers where everything stands.
//!
//! Scalars stay text, whatever YAML would make of them: `007`, `1.10`, `1e5` and `true` may be a
//! secret, an account number or a label, and then they must not become 7, 1.1, 100000 or a boolean.

use std::collections::BTreeSet;

use super::key_path::{KeyPath, Step};

/// The file, what it says, and which parts of it must not be shown.
pub(super) struct Document {
    name: String,
    text: String,
    root: Node,
    /// Every key and scalar, and whether it may be shown.
    spans: Vec<(Span, bool)>,
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

/// A stretch of the file. Lines and columns count from 1, columns in characters; the end is the
/// first column behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// Columns of one line, counted from 0.
pub(super) type Columns = std::ops::Range<usize>;

impl Span {
    /// The very beginning, for what is wrong with the file as a whole.
    pub(super) const START: Self = Self::at(1, 1);

    /// One place.
    pub(super) const fn at(line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            end_line: line,
            end_column: column,
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        (self.line, self.column) == (self.end_line, self.end_column)
    }

    /// The part of it on one line.
    pub(super) fn columns_of(&self, line: usize) -> Columns {
        let start = if line == self.line {
            self.column - 1
        } else {
            0
        };
        let end = if line == self.end_line {
            self.end_column - 1
        } else {
            usize::MAX
        };
        start..end
    }
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
    pub(super) fn new(name: &str, text: &str, root: Node) -> Self {
        let mut spans = Vec::new();
        collect_spans(&root, &KeyPath::default(), &mut spans);
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            root,
            spans,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn line(&self, number: usize) -> &str {
        nth_line(&self.text, number)
    }

    /// The columns of a line that may hold a secret: all but blanks, punctuation, keys, and scalars
    /// that are known to be harmless. A comment is hidden too: an old key may have been left there.
    pub(super) fn hidden_in(&self, line: usize) -> Vec<Columns> {
        let text = self.line(line);
        let covers = self.covers_of(line, text.chars().count());
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

    /// For each column of a line whether what stands there may be shown; none where neither a key
    /// nor a scalar does. A generated file may be one line, so the spans are gone through once.
    fn covers_of(&self, line: usize, columns: usize) -> Vec<Option<bool>> {
        let here = |(span, public): &(Span, bool)| {
            let touches = (span.line..=span.end_line).contains(&line);
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

    /// Where something stands. A mapping, a list and an empty value are shown by their key; what the
    /// file does not have is shown by the nearest key around it, if there is one.
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
const FREE_KEYS: &str = "x-";

impl Node {
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
        Value::Map(entries) => {
            for entry in entries {
                spans.push((entry.key_span, path.may_show(&entry.key)));
                collect_spans(&entry.node, &path.key(&entry.key), spans);
            }
        }
    }
}

/// Whether a value may be shown. A key that nobody knows may be a mistyped `secret_key`, so only
/// what is known to be harmless is harmless.
pub(super) fn is_public(path: &KeyPath, value: &str) -> bool {
    match path.keys()[..] {
        [] | [.., "credentials", _] | [.., "credentials", _, _] => false,
        [.., "labels", _] | ["state", "file"] | [.., "expected_tracks", "name"] => true,
        // A user name and a password would stand before the @.
        [.., "endpoint"] => !value.contains('@'),
        [.., last] => HARMLESS.contains(&last),
    }
}

const HARMLESS: [&str; 22] = [
    "action_type",
    "attempts",
    "ca_file",
    "create_time_offset",
    "expected_tracks",
    "interval",
    "max_tracks",
    "page_size",
    "regions",
    "requests_per_second",
    "resource_type",
    "site",
    "stale_after",
    "storage_account",
    "storage_name",
    "storage_prefix",
    "storage_region",
    "storage_type",
    "timeout",
    "tombstone_for",
    "track_required",
    "trusted_storage_accounts",
];
