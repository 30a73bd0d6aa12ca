//! A YAML file, the account files that it names and the overrides from the environment, as a tree
//! that knows the place of each value.
//!
//! Scalars stay text: `007`, `1.10`, `1e5` and `true` may be a secret, an account number or a
//! label, and must not become 7, 1.1, 100000 or a boolean.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::Fault;
use super::key_path::{KeyPath, Step};
use super::span::Span;
use crate::escape::visible;

/// The files, and the values that they and the environment set.
pub(super) struct Document {
    /// The configuration file, then the account files.
    files: Vec<SourceFile>,
    root: Node,
}

/// A file and its content.
#[derive(Clone)]
pub(super) struct SourceFile {
    /// The path, for errors.
    pub(super) name: String,
    /// The path as the configuration spells it, relative to its own folder. Empty for the
    /// configuration file.
    pub(super) display_path: PathBuf,
    pub(super) text: String,
    /// Whether every user of this machine can read the file.
    pub(super) world_readable: bool,
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// Where a key or a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(Span),
    Variable(Arc<str>),
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
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Top-level keys with this prefix are free, for YAML anchors.
pub(super) const FREE_KEYS: &str = "x-";

impl Document {
    pub(super) fn new(file: SourceFile, root: Node) -> Self {
        Self {
            files: vec![file],
            root,
        }
    }

    /// Returns the configuration file.
    pub(super) fn main(&self) -> &SourceFile {
        &self.files[0]
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// Returns the keys of the root, without the free keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.root.entries().iter();
        entries.filter(|entry| !entry.key.starts_with(FREE_KEYS))
    }

    /// Returns the file of a place; the configuration file for an environment variable.
    pub(super) fn file(&self, place: &Place) -> &SourceFile {
        match place {
            Place::File(span) => &self.files[span.file],
            Place::Variable(_) => self.main(),
        }
    }

    /// Returns the file of a place, `None` for an environment variable.
    pub(super) fn file_of(&self, place: &Place) -> Option<&SourceFile> {
        match place {
            Place::File(_) => Some(self.file(place)),
            Place::Variable(_) => None,
        }
    }

    /// Returns `FILE:LINE:COLUMN`, or the name of the variable.
    pub(super) fn display(&self, place: &Place) -> String {
        match place {
            Place::File(span) => {
                let name = visible(&self.files[span.file].name);
                format!("{name}:{}:{}", span.line, span.column)
            }
            Place::Variable(name) => visible(name).into_owned(),
        }
    }

    /// Returns a fault at this place.
    pub(super) fn fault(&self, place: &Place, path: &KeyPath, why: impl Into<String>) -> Fault {
        match place {
            Place::File(_) => Fault::at(self.display(place), path, why),
            Place::Variable(name) => Fault::of_variable(name, path, why),
        }
    }

    /// Takes over the main file of another document, and returns the index of that file here.
    pub(super) fn add_file(&mut self, mut other: Self) -> usize {
        self.files.append(&mut other.files);
        self.files.len() - 1
    }

    /// Adds entries of the file with this index to the mapping `key` of the root, and returns them.
    /// Creates the mapping if it is absent, and drops the entries if `key` is not a mapping.
    pub(super) fn add_entries(&mut self, key: &str, file: usize, mut more: Vec<Entry>) -> &[Entry] {
        for entry in &mut more {
            entry.set_file(file);
        }
        let (Some(first), Value::Map(root)) = (more.first(), &mut self.root.value) else {
            return &[];
        };
        let found = root.iter().position(|known| known.key == key);
        let at = found.unwrap_or_else(|| {
            let empty = Value::Map(Vec::new());
            root.push(Entry::new(key.to_owned(), first.place.clone(), empty));
            root.len() - 1
        });
        let Value::Map(entries) = &mut root[at].node.value else {
            return &[];
        };
        let before = entries.len();
        entries.extend(more);
        &entries[before..]
    }

    /// Sets a scalar from an environment variable. Creates absent mappings of the path; the
    /// caller has checked that the others are mappings.
    pub(super) fn set(&mut self, path: &KeyPath, value: &str, variable: &str) {
        let place = Place::Variable(variable.into());
        let mut node = &mut self.root;
        for step in path.steps() {
            let (Step::Key(key), Value::Map(entries)) = (step, &mut node.value) else {
                return;
            };
            let found = entries.iter().position(|entry| entry.key == *key);
            let at = found.unwrap_or_else(|| {
                let empty = Value::Map(Vec::new());
                entries.push(Entry::new(key.clone(), place.clone(), empty));
                entries.len() - 1
            });
            node = &mut entries[at].node;
        }
        *node = Node {
            place,
            value: Value::Scalar(value.to_owned()),
        };
    }

    /// Returns the value at a path.
    pub(super) fn get(&self, path: &KeyPath) -> Option<&Node> {
        path.steps().iter().try_fold(&self.root, Node::child)
    }

    /// Returns the place of the value at a path; of its key if it is empty, a mapping or a list;
    /// of the nearest key around it if the path is absent; `None` if no such key exists.
    pub(super) fn place_of_value(&self, path: &KeyPath) -> Option<&Place> {
        match self.entry(path) {
            Some(entry) => Some(entry.value_place()),
            None => self.place_of_key(&path.parent()?),
        }
    }

    /// Returns the place of the key at a path, or of the nearest key around it.
    pub(super) fn place_of_key(&self, path: &KeyPath) -> Option<&Place> {
        match self.entry(path) {
            Some(entry) => Some(&entry.place),
            None => self.place_of_key(&path.parent()?),
        }
    }

    fn entry(&self, path: &KeyPath) -> Option<&Entry> {
        self.get(&path.parent()?)?.entry(path.last_key()?)
    }
}

impl Value {
    pub(super) fn is_empty_map(&self) -> bool {
        matches!(self, Self::Map(entries) if entries.is_empty())
    }
}

impl Entry {
    pub(super) fn new(key: String, place: Place, value: Value) -> Self {
        let node = Node {
            place: place.clone(),
            value,
        };
        Self { key, place, node }
    }

    /// Returns where to point for the value: at its key if the file has no text for it.
    pub(super) fn value_place(&self) -> &Place {
        let is_variable = matches!(self.node.place, Place::Variable(_));
        let is_text = matches!(&self.node.value, Value::Scalar(text) if !text.is_empty());
        if is_variable || is_text {
            &self.node.place
        } else {
            &self.place
        }
    }

    fn set_file(&mut self, file: usize) {
        self.place.set_file(file);
        self.node.set_file(file);
    }
}

impl Place {
    fn set_file(&mut self, file: usize) {
        if let Self::File(span) = self {
            span.file = file;
        }
    }
}

impl Node {
    fn set_file(&mut self, file: usize) {
        self.place.set_file(file);
        match &mut self.value {
            Value::Scalar(_) => {}
            Value::List(items) => items.iter_mut().for_each(|item| item.set_file(file)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| entry.set_file(file)),
        }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (step, &self.value) {
            (Step::Key(key), _) => self.entry(key).map(|entry| &entry.node),
            (Step::Index(index), Value::List(items)) => items.get(*index),
            (Step::Index(_), _) => None,
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the keys of a mapping, nothing for any other value.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar(_) | Value::List(_) => &[],
        }
    }
}
