//! File and overrides, one over the other by the `config` crate, read into the raw types.

use std::collections::BTreeMap;
use std::fmt;

use ::config::{Config, ConfigError, Map, Source, Value as Layered};

use super::document::{Document, Entry, Node, Part, Value};
use super::error::Error;
use super::key_path::{KeyPath, Step};
use super::overrides::Overrides;
use super::raw::{RawConfig, comes_later};

/// Where every value comes from.
pub(super) struct Places {
    document: Document,
    overrides: Overrides,
}

/// Reads what the file and the environment say together.
pub(super) fn read(
    document: Document,
    environment: &BTreeMap<String, String>,
) -> Result<(RawConfig, Places), Error> {
    let overrides = Overrides::read(environment, &document)?;
    let file = Layer(table(document.entries()));
    let over_it = Layer(expressions(&overrides));
    let places = Places {
        document,
        overrides,
    };
    let root = KeyPath::default();
    let layered = Config::builder()
        .add_source(Base(file))
        .add_source(over_it)
        .build()
        .map_err(|error| places.refuse(&root, without_path(&error)))?;
    match serde_path_to_error::deserialize(layered) {
        Ok(raw) => Ok((raw, places)),
        Err(error) => Err(places.shape_error(error.path().into(), error.inner())),
    }
}

impl Places {
    pub(super) fn name(&self) -> &str {
        self.document.name()
    }

    /// The value at this path is refused.
    pub(super) fn refuse(&self, path: &KeyPath, message: impl Into<String>) -> Error {
        self.refuse_part(path, Part::Value, message)
    }

    /// The key at this path is refused.
    pub(super) fn refuse_key(&self, path: &KeyPath, message: impl Into<String>) -> Error {
        self.refuse_part(path, Part::Key, message)
    }

    /// Whether the value at this path stands in the file, for all to read.
    pub(super) fn is_in_file(&self, path: &KeyPath) -> bool {
        self.overrides.variable_of(path).is_none()
    }

    /// The line of a warning.
    pub(super) fn warning(&self, path: &KeyPath, message: &str) -> String {
        match self.overrides.variable_of(path) {
            Some(variable) => format!("{variable}: {path}: {message}"),
            None => {
                let span = self.document.span(path, Part::Value);
                let name = self.name();
                format!("{name}:{}:{}: {path}: {message}", span.line, span.column)
            }
        }
    }

    fn refuse_part(&self, path: &KeyPath, part: Part, message: impl Into<String>) -> Error {
        // What stands in the file and has no value of its own there was changed below, if at all.
        let from_file = self.document.get(path).is_some_and(|node| !is_scalar(node));
        match self.overrides.variable_of(path) {
            Some(variable) if !from_file && !path.is_root() => {
                Error::of_variable(variable, path, message)
            }
            _ => {
                let span = self.document.span(path, part);
                Error::of_document(&self.document, span, path, message)
            }
        }
    }

    /// A key that nobody knows, or a value of the wrong shape.
    fn shape_error(&self, path: KeyPath, error: &ConfigError) -> Error {
        let message = without_path(error);
        let Some((key, allowed)) = unknown_key(&message) else {
            return self.refuse(&path, message);
        };
        let path = match path.steps().last() {
            Some(Step::Key(last)) if *last == key => path,
            _ => path.key(key),
        };
        let message = if comes_later(&path) {
            "this version does not act on the key yet, so it does not take it; leave it out".into()
        } else {
            format!("unknown key; allowed here: {allowed}")
        };
        self.refuse_key(&path, message)
    }
}

/// What serde says, without the path that the crate adds: we have a better one.
fn without_path(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => without_path(error),
        ConfigError::Message(message) => message.clone(),
        // Nothing that quotes a value: it may be a secret.
        _ => "cannot be read".into(),
    }
}

/// Takes serde's message for `deny_unknown_fields` apart: the key, and the keys that there are.
fn unknown_key(message: &str) -> Option<(String, String)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, allowed) = rest.rsplit_once("`, expected ")?;
    let allowed = allowed.trim_start_matches("one of ").replace('`', "");
    Some((key.to_owned(), allowed))
}

fn is_scalar(node: &Node) -> bool {
    matches!(node.value, Value::Scalar(_))
}

/// A source whose keys are path expressions of the crate: `accounts.prod.interval`.
#[derive(Clone)]
struct Layer(Map<String, Layered>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Layered>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// The lowest layer. Its keys are keys: a file that writes `poll.interval: 5s` has an unknown key.
#[derive(Clone, Debug)]
struct Base(Layer);

impl Source for Base {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Layered>, ConfigError> {
        self.0.collect()
    }

    fn collect_to(&self, cache: &mut Layered) -> Result<(), ConfigError> {
        *cache = self.collect()?.into();
        Ok(())
    }
}

/// The crate wants sources that can be printed; these hold secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layer(…)")
    }
}

fn table<'d>(entries: impl Iterator<Item = &'d Entry>) -> Map<String, Layered> {
    entries
        .map(|entry| (entry.key.clone(), layered(&entry.node)))
        .collect()
}

fn layered(node: &Node) -> Layered {
    match &node.value {
        Value::Scalar(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(layered).collect::<Vec<_>>().into(),
        Value::Map(entries) => table(entries.iter()).into(),
    }
}

/// Overrides have keys of letters, digits, `_` and `-`, so their paths are path expressions.
fn expressions(overrides: &Overrides) -> Map<String, Layered> {
    overrides
        .iter()
        .map(|(path, from)| (path.keys().join("."), from.value.as_str().into()))
        .collect()
}
