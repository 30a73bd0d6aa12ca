//! YAML text → [`Document`], on the parser of serde-saphyr.
//!
//! It reads the events of the parser: serde's data model would already have decided what a number
//! is, and keeps no place for a key.

use std::collections::HashMap;

use serde_saphyr::granit_parser as granit;

use super::defaults::MOST_ACCOUNT_FILES_BYTES;
use super::document::{Document, Entry, Node, Place, SourceFile, Value};
use super::error::Fault;
use super::span::Span;

/// The longest file that the exporter reads.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Parses the one document of a file, and resolves aliases and merge keys (`<<`).
pub(super) fn parse(file: SourceFile, budget: &mut Budget) -> Result<Document, Fault> {
    if file.text.len() > MAX_BYTES {
        return Err(Fault::of_file(&file.name, too_long(MAX_BYTES)));
    }
    match read(&file.text, budget) {
        Ok(root) => Ok(Document::new(file, root)),
        Err((span, message)) => {
            let place = format!("{}:{}:{}", file.name, span.line, span.column);
            Err(Fault::of_file(&place, message))
        }
    }
}

/// Returns the message for a file that is longer than `limit` bytes.
pub(super) fn too_long(limit: usize) -> String {
    format!(
        "the file is longer than {limit} bytes; make it shorter, or split it with account_files"
    )
}

fn read(text: &str, budget: &mut Budget) -> Result<Node, Refused> {
    let options = granit::options! {
        block_nesting_limit: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        emit_comments: false,
    };
    let mut reader = Reader {
        events: granit::Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        budget,
        depth: 0,
    };
    reader.document()
}

/// The deepest nesting of collections, with aliases expanded. A valid configuration needs six.
const MAX_DEPTH: usize = 32;

/// The most values of a file, copies by anchors and aliases included: the bound on "billion laughs".
const MAX_NODES: usize = 200_000;

/// The most values of all account files together.
const MAX_NODES_OF_MANY: usize = 1_000_000;

/// The most bytes of the keys and values of a file, copies included. A file without anchors stays
/// below it.
const MAX_EXPANDED_BYTES: usize = 2 * MAX_BYTES;

/// The memory that a file, or several files together, may still use.
pub(super) struct Budget {
    nodes: usize,
    max_nodes: usize,
    bytes: usize,
    max_bytes: usize,
}

impl Default for Budget {
    /// Returns the budget of one file.
    fn default() -> Self {
        Self::new(MAX_NODES, MAX_EXPANDED_BYTES)
    }
}

impl Budget {
    /// Returns the budget of all account files.
    pub(super) fn of_many_files() -> Self {
        Self::new(MAX_NODES_OF_MANY, 2 * MOST_ACCOUNT_FILES_BYTES)
    }

    fn new(max_nodes: usize, max_bytes: usize) -> Self {
        Self {
            nodes: max_nodes,
            max_nodes,
            bytes: max_bytes,
            max_bytes,
        }
    }

    /// Spends a part of the budget.
    fn take(&mut self, weight: &Weight) -> Result<(), String> {
        let nodes = self.nodes.checked_sub(weight.nodes);
        self.nodes = nodes.ok_or_else(|| {
            let max = self.max_nodes;
            format!("more than {max} values with aliases expanded")
        })?;
        let bytes = self.bytes.checked_sub(weight.bytes);
        self.bytes = bytes.ok_or_else(|| {
            let max = self.max_bytes;
            format!(
                "more than {max} bytes with aliases expanded; repeat less, or alias smaller values"
            )
        })?;
        Ok(())
    }
}

/// The cost of a value, everything below it included.
struct Weight {
    nodes: usize,
    bytes: usize,
    height: usize,
}

/// The place of a fault, and its message.
type Refused = (Span, String);

type Event<'t> = granit::Event<'t>;

struct Reader<'t, 'b> {
    events: granit::Parser<'t, granit::StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    budget: &'b mut Budget,
    depth: usize,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Result<Node, Refused> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => break,
                (_, span) if root.is_some() => {
                    return Err((span, "a second YAML document; only one is allowed".into()));
                }
                (event, span) => root = Some(self.node(event, span)?),
            }
        }
        match root {
            Some(node) if matches!(node.value, Value::Map(_)) => Ok(node),
            Some(node) => Err((span_of(&node.place), format!("not a mapping; {AT_LEAST}"))),
            None => Err((Span::START, format!("the file is empty; {AT_LEAST}"))),
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Refused> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, converted(span))),
            Some(Err(error)) => {
                let marker = error.marker();
                let span = Span::at(marker.line().max(1), marker.col() + 1);
                Err((span, format!("not valid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Span::START)),
        }
    }

    /// Reads the node that begins with this event.
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, Refused> {
        let bytes = match &event {
            Event::Scalar(text, ..) => text.len(),
            _ => 0,
        };
        let weight = Weight {
            nodes: 1,
            bytes,
            height: 1,
        };
        self.charge(&weight, span)?;
        self.depth += 1;
        let (value, anchor, tag) = match event {
            // The parser writes an absent value as a tilde of no width.
            Event::Scalar(_, _, anchor, tag) if span.is_empty() => {
                (Value::Scalar(String::new()), anchor, tag)
            }
            Event::Scalar(text, _, anchor, tag) => (Value::Scalar(text.into_owned()), anchor, tag),
            Event::SequenceStart(_, anchor, tag) => (self.list()?, anchor, tag),
            Event::MappingStart(_, anchor, tag) => (self.map()?, anchor, tag),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err((span, "an alias inside the value that it refers to".into()));
                };
                self.depth -= 1;
                // Before the copy is made.
                let weight = weigh(node);
                self.charge(&weight, span)?;
                return Ok(self.anchors[&anchor].clone());
            }
            _ => return Err((span, "a value is missing here".into())),
        };
        self.depth -= 1;
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema_tag("str")) {
            let message = "a YAML tag; remove it, every value is read as text";
            return Err((span, message.into()));
        }
        let node = Node {
            place: Place::File(span),
            value,
        };
        if anchor != NO_ANCHOR {
            // The anchor keeps a copy, and anchors nest. Its depth counts where an alias uses it.
            let copy = Weight {
                height: 0,
                ..weigh(&node)
            };
            self.charge(&copy, span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Value, Refused> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, Refused> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        loop {
            let (key, key_span, is_merge) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, style, NO_ANCHOR, None), span) => {
                    let is_merge = key == "<<" && style == granit::ScalarStyle::Plain;
                    (key.into_owned(), span, is_merge)
                }
                (_, span) => return Err((span, "not a key; a key is a plain word".into())),
            };
            let weight = Weight {
                nodes: 0,
                bytes: key.len(),
                height: 0,
            };
            self.charge(&weight, key_span)?;
            if let Some(line) = lines.insert(key.clone(), key_span.line) {
                let message = format!("the same key again; it is already on line {line}");
                return Err((key_span, message));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            if is_merge {
                merged.extend(to_merge(node, key_span)?);
            } else {
                let place = Place::File(key_span);
                entries.push(Entry { key, place, node });
            }
        }
        for entry in merged {
            // A key of the mapping itself wins, then the mapping that is merged first.
            let line = span_of(&entry.place).line;
            if lines.insert(entry.key.clone(), line).is_none() {
                entries.push(entry);
            }
        }
        Ok(Value::Map(entries))
    }

    /// Spends a part of the budget, and checks the depth.
    fn charge(&mut self, weight: &Weight, span: Span) -> Result<(), Refused> {
        self.budget.take(weight).map_err(|why| (span, why))?;
        if self.depth + weight.height > MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} with aliases expanded");
            return Err((span, message));
        }
        Ok(())
    }
}

const AT_LEAST: &str = "write keys, as in accounts: {prod: {}}";

/// The parser's number for "no anchor".
const NO_ANCHOR: usize = 0;

/// Returns the place in the file. This parser knows no places outside of the file.
fn span_of(place: &Place) -> Span {
    match place {
        Place::File(span) => *span,
        Place::Variable(_) => Span::START,
    }
}

/// The parser counts lines from 1 and columns from 0.
fn converted(span: granit::Span) -> Span {
    Span {
        file: 0,
        line: span.start.line(),
        column: span.start.col() + 1,
        end_line: span.end.line(),
        end_column: span.end.col() + 1,
    }
}

/// Returns the entries that a merge key adds.
fn to_merge(node: Node, key_span: Span) -> Result<Vec<Entry>, Refused> {
    match node.value {
        Value::Map(entries) => Ok(entries),
        Value::List(items) => {
            let lists = items.into_iter().map(|item| to_merge(item, key_span));
            Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Scalar(_) => {
            let message =
                "nothing to merge; allowed are an alias of a mapping and a list of such aliases";
            Err((key_span, message.into()))
        }
    }
}

/// Returns the cost of a copy of a node.
fn weigh(node: &Node) -> Weight {
    let mut weight = Weight {
        nodes: 1,
        bytes: 0,
        height: 0,
    };
    let mut add = |key: usize, node: &Node| {
        let below = weigh(node);
        weight.nodes += below.nodes;
        weight.bytes += key + below.bytes;
        weight.height = weight.height.max(below.height);
    };
    match &node.value {
        Value::Scalar(text) => weight.bytes = text.len(),
        Value::List(items) => items.iter().for_each(|item| add(0, item)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| add(entry.key.len(), &entry.node)),
    }
    weight.height += 1;
    weight
}
