//! The schema of the configuration file, and `docs/configuration.md`, which is generated from it.

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

/// The mappings in the order of the page, each with its heading. The keys of a mapping without a
/// heading are in the table above, below the name of the mapping.
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
    ("env", ""),
    ("profile", ""),
    ("cvm_role", ""),
    ("tke_oidc", ""),
    ("assume_role", "`assume_role`"),
    ("organization", "`organizations.NAME`"),
    ("expected_track", "`expected_tracks`, each as a mapping"),
];

/// The text before the keys that an organization shares with accounts.
const MEMBERS_HAVE: &str =
    "These keys of an account apply to every member of the organization, with the same meaning:";

/// Forms of values that the hand-written part of the page explains for all keys.
const EXPLAINED_ABOVE: [&str; 5] = [
    " A host with or without a port, or a URL without a path; `http://` only for loopback.",
    " A path, relative to this file.",
    " A name has up to 64 characters: lowercase letters and digits, with single `-` or `_` between them.",
    ", each once",
    " At least `1s`.",
];

/// What precedes the list of reserved labels. The page links to the reference of the metrics instead of
/// repeating it, and names only the labels that the reference lacks.
const RESERVED: &str = "; these names are reserved: ";
const RESERVED_HERE: &str = concat!(
    ". Do not use the name of a label in [metrics.md](metrics.md), ",
    "or `instance`, `job`, `le`, `quantile` or `shard`.",
);

fn reference() -> String {
    let schema = schema();
    let defined = schema["definitions"].as_object().unwrap();
    assert_eq!(
        defined.len() + 1,
        SECTIONS.len(),
        "a mapping has no section"
    );
    let of_accounts = &defined["account"]["properties"];
    let mut page = String::new();
    for (name, heading) in SECTIONS {
        let keys = if name.is_empty() {
            &schema
        } else {
            &defined[name]
        };
        let properties = keys["properties"].as_object().unwrap();
        // The members of an organization have most keys of an account.
        let (shared, own): (Vec<_>, Vec<_>) = properties.iter().partition(|(key, node)| {
            name == "organization" && of_accounts.get(key.as_str()) == Some(*node)
        });
        if heading.is_empty() {
            page.truncate(page.trim_end().len() + 1);
        } else {
            writeln!(page, "## {heading}\n").unwrap();
        }
        if !shared.is_empty() {
            let shared: Vec<String> = shared.iter().map(|(key, _)| format!("`{key}`")).collect();
            let shared = shared.join(", ");
            writeln!(page, "{MEMBERS_HAVE} {shared}.\n").unwrap();
        }
        if !heading.is_empty() {
            page.push_str("| key | default | meaning |\n| --- | --- | --- |\n");
        }
        for (key, node) in own {
            let path = match heading {
                "" => format!("{name}.{key}"),
                _ => key.clone(),
            };
            writeln!(page, "{}", row(&path, node, &keys["required"])).unwrap();
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn row(key: &str, node: &Value, required: &Value) -> String {
    let required = required.as_array();
    let needed = required.is_some_and(|keys| keys.iter().any(|needed| needed == key));
    let mut meaning = node["description"]
        .as_str()
        .expect("every key is described")
        .to_owned();
    let in_words = without_default(&mut meaning);
    let default = match &node["default"] {
        Value::Null if needed => "required".to_owned(),
        Value::Null => in_words,
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
    for form in EXPLAINED_ABOVE {
        meaning = meaning.replace(form, "");
    }
    if let Some(at) = meaning.find(RESERVED) {
        meaning.replace_range(at.., RESERVED_HERE);
    }
    let words = words(node);
    format!("| `{key}` | {default} | {meaning}{words} |")
}

/// Removes the sentence about the default from a description, and returns what it says. A period
/// within a name, as in `poll.interval`, does not end the sentence.
fn without_default(meaning: &mut String) -> String {
    const BEGIN: &str = " Default: ";
    let Some((before, rest)) = meaning.split_once(BEGIN) else {
        return String::new();
    };
    let (default, after) = rest
        .split_once(". ")
        .unwrap_or((rest.trim_end_matches('.'), ""));
    let (default, meaning_only) = (default.to_owned(), format!("{before} {after}"));
    meaning_only.trim_end().clone_into(meaning);
    default
}

/// The words of a closed set. A default of `true` or `false` shows that there are only these two.
fn words(node: &Value) -> String {
    if node["default"].is_boolean() {
        return String::new();
    }
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

/// Returns a node of the schema, or the node that it refers to.
pub(crate) fn resolved<'s>(schema: &'s Value, node: &'s Value) -> &'s Value {
    let reference = node["$ref"]
        .as_str()
        .or_else(|| node["allOf"][0]["$ref"].as_str());
    match reference {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => node,
    }
}
