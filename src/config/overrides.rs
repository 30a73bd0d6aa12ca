//! Overrides: environment variables that set single values of the document.
//!
//! No library reads them: the names of accounts and labels come from the file, whose spelling a
//! variable cannot express, and errors name the variable.

use std::collections::BTreeMap;

use super::document::{Document, Node, Place, Value};
use super::error::Fault;
use super::key_path::KeyPath;
use super::leaf::{AccountName, OrganizationName, in_variable};
use super::value_types::NameKind;

/// The prefix of overrides. Kubernetes' service links (`…_PORT`) have no two underscores in a row,
/// so they cannot collide with it.
const PREFIX: &str = "CLOUDAUDIT_EXPORTER__";

/// The separator between two keys.
const SEPARATOR: &str = "__";

/// The longest value of an override, in bytes.
const MAX_VALUE: usize = 16 << 10;

/// Sets the overrides of the environment, and returns a fault for each one that does not apply.
pub(super) fn apply(environment: &BTreeMap<String, String>, document: &mut Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (variable, value) in environment {
        let Some(keys) = without_prefix(variable) else {
            continue;
        };
        let path = match path_of(keys, document) {
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

/// Returns the keys of an override, `None` if the variable is no override.
fn without_prefix(variable: &str) -> Option<&str> {
    let (prefix, keys) = variable.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(keys)
}

/// Returns the path that a variable sets. Keys are lower case in the file and upper case in a
/// variable; the names of accounts and labels come from the file.
fn path_of(keys: &str, document: &Document) -> Result<KeyPath, String> {
    let parts: Vec<&str> = keys.split(SEPARATOR).collect();
    let is_key = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !parts.iter().all(is_key) {
        return Err(format!(
            "not the name of an override; write {PREFIX} and keys joined by {SEPARATOR}, like {PREFIX}POLL__INTERVAL"
        ));
    }
    let mut path = lower_case(&parts);
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

fn lower_case(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| part.to_ascii_lowercase()).collect()
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
    if let Some(name) = names.iter().find(|name| in_variable(name) == part) {
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
    parts: &[&str],
    above: &[String],
    document: &Document,
) -> Result<Vec<String>, String> {
    let [labels, name @ ..] = parts else {
        return Ok(Vec::new());
    };
    if !labels.eq_ignore_ascii_case("labels") || name.is_empty() {
        return Ok(lower_case(parts));
    }
    // The name of a label may contain the separator.
    let name = name.join(SEPARATOR);
    let labels = "labels".to_owned();
    let own = [above, std::slice::from_ref(&labels)].concat();
    for path in [own, vec!["defaults".to_owned(), labels.clone()]] {
        let names = names_at(document, &path).into_iter();
        let alike: Vec<&str> = names
            .filter(|known| known.eq_ignore_ascii_case(&name))
            .collect();
        match alike[..] {
            [] => {}
            [known] => return Ok(vec![labels, known.to_owned()]),
            [..] => {
                return Err(
                    "two labels differ only in case; rename one to override the other".into(),
                );
            }
        }
    }
    Ok(vec![labels, name.to_ascii_lowercase()])
}

/// Returns the keys of a mapping.
fn names_at<'d>(document: &'d Document, keys: &[String]) -> Vec<&'d str> {
    let path: KeyPath = keys.iter().cloned().collect();
    let entries = document.get(&path).map_or(&[][..], Node::entries);
    entries.iter().map(|entry| entry.key.as_str()).collect()
}
