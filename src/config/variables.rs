//! Values with `${VAR}`: other programs substitute the variable, the exporter does not.

use regex_lite::Regex;

use super::document::{Document, Entry, Node, Place, Value};
use super::key_path::{KeyPath, Step};

/// What to do about such a value.
pub(super) const REMEDY: &str = "variables are not substituted; use env: for a key, and a variable like \
                                 CLOUDAUDIT_EXPORTER__POLL__INTERVAL for any other value";

/// Returns whether a value contains `${VAR}`.
pub(super) fn has_variable(text: &str) -> bool {
    let pattern = r"\$\{[A-Za-z_][A-Za-z0-9_]*[^}]*\}";
    // Most values have no dollar sign, and the pattern is compiled only for the others.
    text.contains("${") && Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

/// Returns a warning with the first value that contains `${VAR}`. It does not show the value, which
/// may be a secret.
pub(super) fn warning(document: &Document) -> Option<String> {
    let mut found = Found::default();
    for entry in document.entries() {
        found.add_entry(entry, &mut KeyPath::default());
    }
    let (place, path) = found.first?;
    let more = match found.count {
        1 => String::new(),
        count => format!(" (and {} more values)", count - 1),
    };
    let place = document.display(&place);
    Some(format!("{place}: {path}: contains ${{…}}{more}; {REMEDY}"))
}

#[derive(Default)]
struct Found {
    first: Option<(Place, KeyPath)>,
    count: usize,
}

impl Found {
    fn add_entry(&mut self, entry: &Entry, path: &mut KeyPath) {
        path.push(Step::Key(entry.key.clone()));
        self.add(&entry.node, path);
        path.pop();
    }

    fn add(&mut self, node: &Node, path: &mut KeyPath) {
        match &node.value {
            Value::Scalar(text) if has_variable(text) => {
                self.count += 1;
                self.first
                    .get_or_insert_with(|| (node.place.clone(), path.clone()));
            }
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.add(item, path);
                    path.pop();
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.add_entry(entry, path);
                }
            }
        }
    }
}
