//! File and overrides, one over the other by the `config` crate, read into the raw types.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ::config::{Config, ConfigError, Map, Source, Value as Layered};

use super::account_files::beside;
use super::document::{Document, Entry, Node, Part, SourceFile, Value};
use super::error::Error;
use super::key_path::{KeyPath, Step};
use super::named_file::NamedFile;
use super::overrides::Overrides;
use super::raw::RawConfig;
use super::shapes::Text;

/// Where every value comes from.
pub(super) struct Places {
    document: Document,
    overrides: Overrides,
    home: Option<String>,
}

/// Reads what the file and the environment say together.
pub(super) fn read(
    document: Document,
    environment: &BTreeMap<String, String>,
) -> Result<(RawConfig, Places), Error> {
    let overrides = Overrides::read(environment, &document)?;
    let file = [(ROOT.to_owned(), table(document.entries()).into())];
    let file = Layer(file.into_iter().collect());
    let over_it = Layer(expressions(&overrides));
    let home = environment.get(HOME).filter(|home| !home.is_empty());
    let places = Places {
        document,
        overrides,
        home: home.cloned(),
    };
    let layered = Config::builder()
        .add_source(file)
        .add_source(over_it)
        .build()
        .and_then(|layers| layers.get::<Layered>(ROOT))
        .map_err(|error| places.shape_error(KeyPath::default(), &error))?;
    match serde_path_to_error::deserialize(layered) {
        Ok(raw) => Ok((raw, places)),
        Err(error) => Err(places.shape_error(error.path().into(), error.inner())),
    }
}

/// The variable that says what `~/` is.
const HOME: &str = "HOME";

/// The crate takes the outermost keys of a source for path expressions, so that a file could write
/// `poll.interval: 5s`. Below a root of ours the file's keys are keys.
const ROOT: &str = "root";

impl Places {
    /// A value, or the error with its place.
    pub(super) fn value<'t, T>(
        &self,
        text: Option<&'t Text>,
        path: &KeyPath,
        key: &str,
        read: impl FnOnce(&'t str) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let value = text.map(|Text(text)| read(text)).transpose();
        value.map_err(|why| self.refuse(&path.key(key), why))
    }

    /// A value that its mapping cannot be without.
    pub(super) fn needed<'t, T>(
        &self,
        text: Option<&'t Text>,
        path: &KeyPath,
        key: &str,
        read: impl FnOnce(&'t str) -> Result<T, String>,
    ) -> Result<T, Error> {
        self.value(text, path, key, read)?.ok_or_else(|| {
            let message = format!("{key} is missing; it is needed with the keys that are here");
            self.refuse(path, message)
        })
    }

    /// The value at this path is refused.
    pub(super) fn refuse(&self, path: &KeyPath, message: impl Into<String>) -> Error {
        self.refuse_part(path, Part::Value, message)
    }

    /// The key at this path is refused.
    pub(super) fn refuse_key(&self, path: &KeyPath, message: impl Into<String>) -> Error {
        self.refuse_part(path, Part::Key, message)
    }

    /// The file that the value at this path stands in; none where the environment has it.
    pub(super) fn file_of(&self, path: &KeyPath) -> Option<&SourceFile> {
        let in_file = self.overrides.variable_of(path).is_none();
        in_file.then(|| match self.document.span(path, Part::Value) {
            Some(span) => self.document.file(span),
            None => self.document.main(),
        })
    }

    /// A path as it is meant at this place: relative to the file that it stands in.
    pub(super) fn beside(&self, path: &KeyPath, text: &str) -> PathBuf {
        let file = self.file_of(path).unwrap_or(self.document.main());
        beside(Path::new(&file.name), text)
    }

    /// The file that is named at this place.
    pub(super) fn named(&self, path: &KeyPath, text: &str) -> NamedFile {
        let file = self.file_of(path).unwrap_or(self.document.main());
        NamedFile {
            path: self.beside(path, text),
            name: beside(&file.called, text).display().to_string(),
        }
    }

    /// The same, where `~/` is the home of whoever runs this.
    pub(super) fn named_or_at_home(&self, path: &KeyPath, text: &str) -> Result<NamedFile, String> {
        let Some(below) = text.strip_prefix("~/") else {
            return Ok(self.named(path, text));
        };
        match &self.home {
            Some(home) => Ok(NamedFile {
                path: Path::new(home).join(below),
                name: text.to_owned(),
            }),
            None => Err(format!(
                "~/ is {HOME} of the environment, which is not set; write the path out"
            )),
        }
    }

    /// A line for the log.
    pub(super) fn warning(&self, path: &KeyPath, message: &str) -> String {
        let place = match (
            self.overrides.variable_of(path),
            self.document.span(path, Part::Key),
        ) {
            (Some(variable), _) => variable.to_owned(),
            (None, Some(span)) => self.document.place(span),
            (None, None) => self.document.main().name.clone(),
        };
        format!("{place}: {path}: {message}")
    }

    fn refuse_part(&self, path: &KeyPath, part: Part, message: impl Into<String>) -> Error {
        // A mapping of the file is the file's, even where an override changed something in it.
        let from_file = self.document.get(path).is_some_and(|node| !is_scalar(node));
        match (
            self.overrides.variable_of(path),
            self.document.span(path, part),
        ) {
            (Some(variable), _) if !from_file => Error::of_variable(variable, path, message),
            (_, Some(span)) => Error::of_document(&self.document, span, path, message),
            (_, None) => Error::of_file(&self.document.main().name, path, message),
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
        self.refuse_key(&path, format!("unknown key; allowed here: {allowed}"))
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
        .map(|(path, from)| {
            let expression = format!("{ROOT}.{}", path.keys().join("."));
            (expression, from.value.as_str().into())
        })
        .collect()
}
