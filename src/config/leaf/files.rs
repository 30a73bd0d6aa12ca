//! Paths of files.

use serde_json::{Value as Json, json};

use super::super::definitions::{Definitions, LIMITS};
use super::super::document::Node;
use super::super::named_file::NamedFile;
use super::super::reader::Reader;
use super::super::text::quoted;
use super::super::value_types::{Item, Leaf, Setting};

/// A path, relative to the file that contains it.
pub(in crate::config) struct FilePath;

impl Setting for FilePath {
    type Value = NamedFile;

    fn read(node: &Node, reader: &mut Reader) -> Option<NamedFile> {
        let text = reader.text(node)?;
        Some(reader.named_file(node, text))
    }

    fn schema(_: &mut Definitions) -> Json {
        json!({
            "type": ["string", "number", "boolean"],
            "minLength": 1,
            LIMITS: "A path, relative to this file."
        })
    }
}

/// A path that may begin with `~/`.
pub(in crate::config) struct FileBelowHome;

impl Setting for FileBelowHome {
    type Value = NamedFile;

    fn read(node: &Node, reader: &mut Reader) -> Option<NamedFile> {
        let text = reader.text(node)?;
        if !text.starts_with("~/") {
            return Some(reader.named_file(node, text));
        }
        let Some(path) = reader.below_home(text) else {
            let why =
                "~/ needs the environment variable HOME, which is not set; write the full path";
            reader.refuse_value(node, why);
            return None;
        };
        let name = text.to_owned();
        Some(NamedFile { path, name })
    }

    fn schema(_: &mut Definitions) -> Json {
        json!({
            "type": ["string", "number", "boolean"],
            "minLength": 1,
            LIMITS: "A path, relative to the configuration file that sets it. `~/` is the folder that `HOME` names."
        })
    }
}

/// A pattern for account files. It has no `**`: other programs match several levels with it.
pub(in crate::config) struct FilePattern;

impl Item for FilePattern {
    const NOUN: [&str; 2] = ["pattern", "patterns"];
}

impl Leaf for FilePattern {
    type Value = String;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<String, String> {
        if text.contains("**") {
            return Err(format!(
                "{} contains **; write a single *, which matches one name between two /",
                quoted(text)
            ));
        }
        Ok(text.to_owned())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 1, "not": {"pattern": r"\*\*"}})
    }
}
