//! The environment → single values that replace those of the file.
//!
//! The `Environment` source of the `config` crate is not used: it knows neither that `-` in an
//! account's name is written `_` nor which account there is, it would lower the case of label
//! names, and its errors do not name the variable.

use std::collections::BTreeMap;

use super::document::{Document, Node, Value};
use super::error::Error;
use super::key_path::KeyPath;
use super::values;

/// What an override's name begins with. Kubernetes' service links (`…_PORT`) cannot collide with
/// two underscores.
const PREFIX: &str = "CLOUDAUDIT_EXPORTER__";

/// What stands between two keys.
const SEPARATOR: &str = "__";

/// The longest value of an override.
const MAX_VALUE: usize = 16 << 10;

/// Values by path, each with the variable that it comes from.
#[derive(Default)]
pub(super) struct Overrides(BTreeMap<KeyPath, Override>);

pub(super) struct Override {
    pub(super) variable: String,
    pub(super) value: String,
}

impl Overrides {
    /// The overrides among these variables, matched with the keys of the file.
    pub(super) fn read(
        environment: &BTreeMap<String, String>,
        document: &Document,
    ) -> Result<Self, Error> {
        let mut overrides = Self::default();
        for (variable, value) in environment {
            if let Some(keys) = without_prefix(variable) {
                let path = path_of(keys, document)
                    .map_err(|why| Error::of_variable(variable, &KeyPath::default(), why))?;
                overrides
                    .add(path.clone(), variable, value, document)
                    .map_err(|why| Error::of_variable(variable, &path, why))?;
            }
        }
        Ok(overrides)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&KeyPath, &Override)> {
        self.0.iter()
    }

    /// The variable that put something at this path or below it.
    pub(super) fn variable_of(&self, path: &KeyPath) -> Option<&str> {
        let (found, from) = self.0.range(path..).next()?;
        found.starts_with(path).then_some(from.variable.as_str())
    }

    fn add(
        &mut self,
        path: KeyPath,
        variable: &str,
        value: &str,
        document: &Document,
    ) -> Result<(), String> {
        if value.len() > MAX_VALUE {
            return Err(format!(
                "longer than {MAX_VALUE} bytes, the most that is taken"
            ));
        }
        if let Some(Node {
            value: Value::List(_) | Value::Map(_),
            ..
        }) = document.get(&path)
        {
            return Err(
                "not a single value in the file; only single values can be overridden".into(),
            );
        }
        let mut above = path.parent();
        while let Some(parent) = above {
            if let Some(Node {
                value: Value::List(_) | Value::Scalar(_),
                ..
            }) = document.get(&parent)
            {
                return Err(format!(
                    "{parent} is not a mapping in the file; nothing can be set below it"
                ));
            }
            if let Some(other) = self.0.get(&parent) {
                return Err(format!(
                    "{} already sets {parent}, as a single value",
                    other.variable
                ));
            }
            above = parent.parent();
        }
        if let Some(other) = self.variable_of(&path) {
            return Err(format!("{other} sets the same; one of them is allowed"));
        }
        let from = Override {
            variable: variable.to_owned(),
            value: value.to_owned(),
        };
        self.0.insert(path, from);
        Ok(())
    }
}

/// The keys of an override; none where the variable is not one.
fn without_prefix(variable: &str) -> Option<&str> {
    let (prefix, keys) = variable.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(keys)
}

/// Keys are lower case in the file and upper case in a variable; names of accounts and labels are
/// looked up in the file.
fn path_of(keys: &str, document: &Document) -> Result<KeyPath, String> {
    let parts: Vec<&str> = keys.split(SEPARATOR).collect();
    let is_key = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !parts.iter().all(is_key) {
        return Err(format!(
            "not the name of an override; one is {PREFIX} and keys joined by {SEPARATOR}, like {PREFIX}POLL__INTERVAL"
        ));
    }
    let lower = |part: &&str| part.to_ascii_lowercase();
    match parts.iter().map(lower).collect::<Vec<_>>() {
        path if NAMED.contains(&path[0].as_str()) && path.len() > 1 => {
            let kind = &path[0];
            let name = named(kind, &path[1], document)?;
            let below = below_account(&parts[2..], &[kind, &name], document)?;
            Ok([kind.clone(), name].into_iter().chain(below).collect())
        }
        path if path[0] == "defaults" => {
            let below = below_account(&parts[1..], &["defaults"], document)?;
            Ok([path[0].clone()].into_iter().chain(below).collect())
        }
        path => Ok(path.into_iter().collect()),
    }
}

/// Mappings whose keys are names that somebody gave.
const NAMED: [&str; 2] = ["accounts", "organizations"];

/// The account or organisation whose name is written like this in a variable.
fn named(kind: &str, part: &str, document: &Document) -> Result<String, String> {
    const MAX_SHOWN: usize = 10;
    let (one, many) = if kind == "accounts" {
        ("account", "accounts")
    } else {
        ("organisation", "organisations")
    };
    let mut names: Vec<&str> = names_at(document, &[kind]);
    names.retain(|name| values::name_of(one, name).is_ok());
    match names.iter().find(|name| in_variable(name) == part) {
        Some(name) => Ok((*name).to_owned()),
        None if names.is_empty() => Err(format!(
            "no {one} is called so, and an override never creates one; there is none"
        )),
        None => Err(format!(
            "no {one} is called so, and an override never creates one; the {many} are: {}{}",
            names[..names.len().min(MAX_SHOWN)].join(", "),
            if names.len() > MAX_SHOWN { ", …" } else { "" },
        )),
    }
}

/// What an account's name becomes in a variable, but for the case.
pub(super) fn in_variable(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// A label of the file keeps its case; one that only the environment has is lower case.
fn below_account(
    parts: &[&str],
    above: &[&str],
    document: &Document,
) -> Result<Vec<String>, String> {
    match parts {
        [labels, name @ ..] if labels.eq_ignore_ascii_case("labels") && !name.is_empty() => {
            // A label's name may hold the separator.
            let name = name.join(SEPARATOR);
            let own: Vec<&str> = above.iter().copied().chain(["labels"]).collect();
            let known = [
                names_at(document, &own),
                names_at(document, &["defaults", "labels"]),
            ];
            for names in known {
                let alike = |known: &&&str| known.eq_ignore_ascii_case(&name);
                match names.iter().filter(alike).collect::<Vec<_>>()[..] {
                    [] => {}
                    [known] => return Ok(vec!["labels".into(), (*known).to_owned()]),
                    [..] => {
                        return Err(
                            "two labels differ only in their case; neither can be overridden"
                                .into(),
                        );
                    }
                }
            }
            Ok(vec!["labels".into(), name.to_ascii_lowercase()])
        }
        _ => Ok(parts.iter().map(|part| part.to_ascii_lowercase()).collect()),
    }
}

/// The keys of a mapping of the file.
fn names_at<'d>(document: &'d Document, keys: &[&str]) -> Vec<&'d str> {
    let path: KeyPath = keys.iter().map(|key| (*key).to_owned()).collect();
    let entries = document.get(&path).map_or(&[][..], Node::entries);
    entries.iter().map(|entry| entry.key.as_str()).collect()
}
