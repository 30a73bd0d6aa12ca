//! Overrides: environment variables that set single values of the document.
//!
//! The `config` crate splits a variable into keys. The names of accounts and labels come from the
//! file, whose spelling a variable cannot express, and errors name the variable.

use std::collections::BTreeMap;

use ::config::{Environment, Map, Source};

use super::document::{Document, Node, Place, Value};
use super::error::Fault;
use super::key_path::KeyPath;
use super::leaf::{AccountName, OrganizationName, in_variable};
use super::value_types::NameKind;

/// The prefix of overrides, before the first separator.
const PREFIX: &str = "CLOUDAUDIT_EXPORTER";

/// The separator between two keys. Kubernetes' service links (`…_PORT`) have no two underscores in a
/// row, so they are no overrides.
const SEPARATOR: &str = "__";

/// The longest value of an override, in bytes.
const MAX_VALUE: usize = 16 << 10;

/// Sets the overrides of the environment, and returns a fault for each one that does not apply.
pub(super) fn apply(environment: &BTreeMap<String, String>, document: &mut Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (variable, value) in environment {
        let Some(keys) = keys_of(variable) else {
            continue;
        };
        let path = match path_of(variable, &keys, document) {
            Ok(path) => path,
            Err(why) => {
                faults.push(Fault::of_variable(variable, &KeyPath::default(), why));
                continue;
            }
        };
        match check(&path, value, document) {
            Ok(()) => document.set(&path, value, variable),
            Err(why) => faults.push(Fault::of_variable(variable, &path, why)),
        }
    }
    faults
}

/// Checks that a single value can be set at this path.
fn check(path: &KeyPath, value: &str, document: &Document) -> Result<(), String> {
    if value.len() > MAX_VALUE {
        return Err(format!(
            "longer than {MAX_VALUE} bytes, the limit for an override"
        ));
    }
    match document.get(path) {
        Some(Node {
            place: Place::Variable(other),
            ..
        }) => {
            return Err(format!("{other} sets the same key; remove one of the two"));
        }
        Some(Node {
            value: Value::List(_) | Value::Map(_),
            ..
        }) => {
            return Err(
                "not a single value in the file; only single values can be overridden".into(),
            );
        }
        Some(_) | None => {}
    }
    let mut above = path.parent();
    while let Some(parent) = above {
        match document.get(&parent) {
            Some(Node {
                place: Place::Variable(other),
                value: Value::Scalar(_),
            }) => {
                return Err(format!("{other} already sets {parent}, as a single value"));
            }
            Some(Node {
                value: Value::List(_) | Value::Scalar(_),
                ..
            }) => {
                return Err(format!(
                    "{parent} is not a mapping in the file; it has no keys to override"
                ));
            }
            Some(_) | None => {}
        }
        above = parent.parent();
    }
    Ok(())
}

/// Returns the keys of an override in lower case, `None` if the variable is no override.
fn keys_of(variable: &str) -> Option<Vec<String>> {
    let variables = Map::from_iter([(variable.to_owned(), String::new())]);
    let source = Environment::with_prefix(PREFIX)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .source(Some(variables));
    let (keys, _) = source.collect().ok()?.into_iter().next()?;
    // The crate joins keys by dots.
    Some(keys.split('.').map(str::to_owned).collect())
}

/// Returns the path that a variable sets. The names of accounts and labels come from the file.
fn path_of(variable: &str, parts: &[String], document: &Document) -> Result<KeyPath, String> {
    let is_name = variable
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || parts.iter().any(String::is_empty) {
        return Err(format!(
            "not the name of an override; write {PREFIX}{SEPARATOR} and keys joined by {SEPARATOR}, like \
             {PREFIX}{SEPARATOR}POLL{SEPARATOR}INTERVAL"
        ));
    }
    let mut path = parts.to_vec();
    let named = match path[0].as_str() {
        "accounts" | "organizations" if path.len() > 1 => 2,
        "defaults" => 1,
        _ => return Ok(path.into_iter().collect()),
    };
    path.truncate(named);
    if named == 2 {
        path[1] = name_in_file(&path[0], &path[1], document)?;
    }
    let below = below_account(&parts[named..], &path, document)?;
    Ok(path.into_iter().chain(below).collect())
}

/// Returns the account or organization whose name a variable spells like this.
fn name_in_file(kind: &str, part: &str, document: &Document) -> Result<String, String> {
    const MAX_SHOWN: usize = 10;
    let is_account = kind == "accounts";
    let check = if is_account {
        AccountName::check
    } else {
        OrganizationName::check
    };
    let [one, many] = if is_account {
        AccountName::NOUN
    } else {
        OrganizationName::NOUN
    };
    let mut names = names_at(document, &[kind.to_owned()]);
    names.retain(|name| check(name).is_ok());
    if let Some(name) = names
        .iter()
        .find(|name| in_variable(name).eq_ignore_ascii_case(part))
    {
        return Ok((*name).to_owned());
    }
    let list = match names.len() {
        0 => format!("the file has no {many}"),
        more => format!(
            "the {many} are: {}{}",
            names[..more.min(MAX_SHOWN)].join(", "),
            if more > MAX_SHOWN { ", …" } else { "" },
        ),
    };
    Err(format!(
        "no such {one}, and an override cannot create {many}; {list}"
    ))
}

/// Returns the keys below an account. A label of the file keeps its case; a label that only the
/// environment sets is lower case.
fn below_account(
    parts: &[String],
    above: &[String],
    document: &Document,
) -> Result<Vec<String>, String> {
    let [labels, name @ ..] = parts else {
        return Ok(Vec::new());
    };
    if labels != "labels" || name.is_empty() {
        return Ok(parts.to_vec());
    }
    // The name of a label may contain the separator.
    let name = name.join(SEPARATOR);
    let own = [above, std::slice::from_ref(labels)].concat();
    for path in [own, vec!["defaults".to_owned(), labels.clone()]] {
        let names = names_at(document, &path).into_iter();
        let alike: Vec<&str> = names
            .filter(|known| known.eq_ignore_ascii_case(&name))
            .collect();
        match alike[..] {
            [] => {}
            [known] => return Ok(vec![labels.clone(), known.to_owned()]),
            [..] => {
                return Err(
                    "two labels differ only in case; rename one to override the other".into(),
                );
            }
        }
    }
    Ok(vec![labels.clone(), name])
}

/// Returns the keys of a mapping.
fn names_at<'d>(document: &'d Document, keys: &[String]) -> Vec<&'d str> {
    let path: KeyPath = keys.iter().cloned().collect();
    let entries = document.get(&path).map_or(&[][..], Node::entries);
    entries.iter().map(|entry| entry.key.as_str()).collect()
}
