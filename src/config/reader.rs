//! Reads the tree of a [`Document`], collects every fault, and knows the place of each.

use std::fmt;
use std::path::{Path, PathBuf};

use super::document::{Document, Entry, Node, Place, Value};
use super::error::Fault;
use super::key_path::{KeyPath, Step};
use super::named_file::{NamedFile, resolve};
use crate::escape::visible;

/// The state of one pass over a document.
pub(super) struct Reader<'d> {
    document: &'d Document,
    home: Option<&'d str>,
    path: KeyPath,
    /// The places of the keys of `path`, the innermost last.
    places: Vec<Place>,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

/// A warning that holds for one key or more.
struct Warning {
    /// The first key, with its place.
    at: String,
    message: String,
    keys: usize,
}

impl<'d> Reader<'d> {
    /// `home` replaces `~` in paths.
    pub(super) fn new(document: &'d Document, home: Option<&'d str>) -> Self {
        Self {
            document,
            home,
            path: KeyPath::default(),
            places: Vec::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Fault>, Vec<String>) {
        let warnings = self.warnings.iter().map(Warning::to_string);
        (self.faults, warnings.collect())
    }

    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    /// Reads the value of a key.
    pub(super) fn at_key<T>(
        &mut self,
        entry: &Entry,
        read: impl FnOnce(&Node, &mut Self) -> T,
    ) -> T {
        self.at(Step::Key(entry.key.clone()), &entry.place, |reader| {
            read(&entry.node, reader)
        })
    }

    /// Reads an item of a list.
    pub(super) fn at_item<T>(
        &mut self,
        index: usize,
        item: &Node,
        read: impl FnOnce(&Node, &mut Self) -> T,
    ) -> T {
        self.at(Step::Index(index), &item.place, |reader| read(item, reader))
    }

    fn at<T>(&mut self, step: Step, place: &Place, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        self.places.push(place.clone());
        let value = read(self);
        self.places.pop();
        self.path.pop();
        value
    }

    /// Returns what `read` returns, and `None` if it reported a fault.
    pub(super) fn without_faults<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.faults.len();
        let value = read(self);
        (self.faults.len() == before).then_some(value)
    }

    /// Returns whether no fault concerns a key other than these of the root.
    pub(super) fn has_faults_only_below(&self, keys: &[&str]) -> bool {
        let is_below = |fault: &Fault| {
            let key = fault.path.first_key();
            key.is_some_and(|key| keys.contains(&key)) && fault.path.steps().len() > 1
        };
        self.faults.iter().all(is_below)
    }

    /// Returns the text of a scalar, and reports a fault for any other value.
    pub(super) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Scalar(text) if !text.is_empty() => return Some(text),
            Value::Scalar(_) => {
                self.refuse_value(node, "empty; remove the key, or give it a value");
            }
            Value::List(_) => self.refuse("a list; a single value is allowed here"),
            Value::Map(_) => self.refuse("a mapping; a single value is allowed here"),
        }
        None
    }

    /// Returns the items of a list that is not empty, and reports a fault for any other value.
    pub(super) fn list<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) if !items.is_empty() => return Some(items),
            Value::List(_) => {
                self.refuse("an empty list; remove the key, or list at least one value");
            }
            Value::Scalar(text) => {
                let found = found(text);
                self.refuse_value(node, format!("{found}; a list is allowed here: [a, b]"));
            }
            Value::Map(_) => self.refuse("a mapping; a list is allowed here: [a, b]"),
        }
        None
    }

    /// Returns the entries of a mapping, and reports a fault for any other value.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => return Some(entries),
            Value::Scalar(text) => {
                let found = found(text);
                self.refuse_value(node, format!("{found}; a mapping is allowed here, or {{}}"));
            }
            Value::List(_) => self.refuse("a list; a mapping is allowed here"),
        }
        None
    }

    /// Reports a fault at the key that is read now.
    pub(super) fn refuse(&mut self, message: impl Into<String>) {
        let fault = match self.places.last() {
            Some(place) => self.document.fault(place, &self.path, message),
            None => Fault::of_file(&self.document.main().name, message),
        };
        self.faults.push(fault);
    }

    /// Reports a fault at the value that is read now.
    pub(super) fn refuse_value(&mut self, node: &Node, message: impl Into<String>) {
        let is_empty = matches!(&node.value, Value::Scalar(text) if text.is_empty());
        match &node.place {
            Place::File(_) if is_empty => self.refuse(message),
            place => {
                let fault = self.document.fault(place, &self.path, message);
                self.faults.push(fault);
            }
        }
    }

    /// Reports a fault at a value that is public, with an excerpt of the file.
    pub(super) fn refuse_public_value(&mut self, node: &Node, message: impl Into<String>) {
        let mut fault = self.document.fault(&node.place, &self.path, message);
        if let Place::File(span) = &node.place {
            let text = &self.document.file(&node.place).text;
            fault.excerpt = span.excerpt(text, self.path.last_key());
        }
        self.faults.push(fault);
    }

    /// Reports a fault at a key below the mapping that is read now.
    pub(super) fn refuse_key(&mut self, key: &str, message: impl Into<String>) {
        let path = self.path.key(key);
        let place = self.document.place_of_key(&path);
        self.push_at(place, &path, message);
    }

    /// Reports a fault at the value of a path.
    pub(super) fn refuse_at(&mut self, path: &KeyPath, message: impl Into<String>) {
        let place = self.document.place_of_value(path);
        self.push_at(place, path, message);
    }

    fn push_at(&mut self, place: Option<&Place>, path: &KeyPath, message: impl Into<String>) {
        let fault = match place {
            Some(place) => self.document.fault(place, path, message),
            None => Fault::at(self.document.main().name.clone(), path, message),
        };
        self.faults.push(fault);
    }

    /// Reports a fault of an environment variable that is not an override.
    pub(super) fn refuse_variable(&mut self, name: &str, message: impl Into<String>) {
        let fault = Fault::of_variable(name, &KeyPath::default(), message);
        self.faults.push(fault);
    }

    /// Adds a warning about the key that is read now.
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        let (place, path) = (self.places.last().cloned(), self.path.clone());
        self.push_warning(place.as_ref(), &path, message);
    }

    /// Adds a warning about the value of a path.
    pub(super) fn warn_at(&mut self, path: &KeyPath, message: impl Into<String>) {
        let place = self.document.place_of_value(path);
        self.push_warning(place, path, message);
    }

    /// The same message for many keys is one warning, with the first key.
    fn push_warning(&mut self, place: Option<&Place>, path: &KeyPath, message: impl Into<String>) {
        let message = message.into();
        if let Some(known) = self.warnings.iter_mut().find(|it| it.message == message) {
            known.keys += 1;
            return;
        }
        let place = match place {
            Some(place) => self.document.display(place),
            None => visible(&self.document.main().name).into_owned(),
        };
        self.warnings.push(Warning {
            at: format!("{place}: {path}"),
            message,
            keys: 1,
        });
    }

    /// Resolves a path: it is relative to the file that contains it.
    pub(super) fn named_file(&self, node: &Node, text: &str) -> NamedFile {
        let file = self.document.file(&node.place);
        NamedFile {
            path: resolve(Path::new(&file.name), text),
            name: resolve(&file.display_path, text).display().to_string(),
        }
    }

    /// Resolves `~/…`. Returns `None` for other paths and without `HOME`.
    pub(super) fn below_home(&self, text: &str) -> Option<PathBuf> {
        let below = text.strip_prefix("~/")?;
        Some(Path::new(self.home?).join(below))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, message, keys } = self;
        match keys {
            1 => write!(f, "{at}: {message}"),
            _ => write!(f, "{at} (and {} more): {message}", keys - 1),
        }
    }
}

fn found(text: &str) -> &'static str {
    if text.is_empty() {
        "empty"
    } else {
        "a single value"
    }
}
