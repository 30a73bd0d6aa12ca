//! The schema of the configuration file, and `docs/configuration.md`, the reference made from it.

use std::fmt::Write;

use cloudaudit_exporter::config::schema;
use serde_json::Value;

use crate::files::{golden, golden_part};

#[test]
fn the_reference_of_the_configuration_is_golden() {
    golden_part("docs/configuration.md", &reference());
}

#[test]
fn the_committed_schema_is_golden() {
    let schema = serde_json::to_string_pretty(&schema()).unwrap();
    golden("deploy/cloudaudit-exporter.schema.json", &(schema + "\n"));
}

/// The mappings in the order in which they are read best, each with where it stands.
const SECTIONS: [(&str, &str); 17] = [
    ("", "The top level"),
    ("poll", "`poll`"),
    ("rate_limit", "`rate_limit`"),
    ("delivery", "`delivery`"),
    ("state", "`state`"),
    ("changes", "`changes`"),
    ("attribution", "`attribution`"),
    ("http", "`http`"),
    ("account", "`accounts.NAME` and `defaults`"),
    ("credentials", "`credentials`"),
    ("env", "`credentials.env`"),
    ("profile", "`credentials.profile`"),
    ("cvm_role", "`credentials.cvm_role`"),
    ("tke_oidc", "`credentials.tke_oidc`"),
    ("assume_role", "`assume_role`"),
    ("organization", "`organizations.NAME`"),
    ("expected_track", "`expected_tracks`, each as a mapping"),
];

fn reference() -> String {
    let schema = schema();
    let defined = schema["definitions"].as_object().unwrap();
    assert_eq!(
        defined.len() + 1,
        SECTIONS.len(),
        "every mapping has its section"
    );
    let mut page = String::new();
    for (name, heading) in SECTIONS {
        let keys = if name.is_empty() {
            &schema
        } else {
            &defined[name]
        };
        writeln!(page, "## {heading}\n").unwrap();
        page.push_str("| key | default | meaning |\n| --- | --- | --- |\n");
        for (key, node) in keys["properties"].as_object().unwrap() {
            let required = keys["required"].as_array();
            let needed = required.is_some_and(|keys| keys.iter().any(|needed| needed == key));
            let default = match &node["default"] {
                Value::Null if needed => "needed".to_owned(),
                Value::Null => String::new(),
                Value::String(text) => format!("`{text}`"),
                Value::Array(items) => format!(
                    "`[{}]`",
                    items
                        .iter()
                        .filter_map(Value::as_str)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                other => format!("`{other}`"),
            };
            let meaning = node["description"]
                .as_str()
                .expect("every key is described");
            let words = words(node);
            writeln!(page, "| `{key}` | {default} | {meaning}{words} |").unwrap();
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The words of a closed set.
fn words(node: &Value) -> String {
    let words = node["enum"].as_array().into_iter().flatten();
    let words: Vec<String> = words
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" One of {}.", words.join(", "))
    }
}

/// A part of the schema, or what it refers to.
pub(crate) fn resolved<'s>(schema: &'s Value, node: &'s Value) -> &'s Value {
    let reference = node["$ref"]
        .as_str()
        .or_else(|| node["allOf"][0]["$ref"].as_str());
    match reference {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => node,
    }
}
