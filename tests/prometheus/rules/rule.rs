//! Rules as they are in the files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The source files of all editions.
pub(crate) const SOURCES: [&str; 3] = [
    "deploy/prometheus/rules/tracks.yaml",
    "deploy/prometheus/rules/exporter.yaml",
    "deploy/prometheus/rules/shards.yaml",
];

/// A rule and its group.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) group: String,
    pub(crate) fields: Value,
}

impl Rule {
    /// Returns the alert's name, or `None` for a recording rule.
    pub(crate) fn alert(&self) -> Option<&str> {
        self.fields["alert"].as_str()
    }

    pub(crate) fn name(&self) -> &str {
        self.alert()
            .or(self.fields["record"].as_str())
            .expect("a rule records or alerts")
    }

    pub(crate) fn expression(&self) -> &str {
        self.fields["expr"].as_str().expect("a rule has one")
    }

    pub(crate) fn annotation(&self, name: &str) -> &str {
        self.fields["annotations"][name]
            .as_str()
            .unwrap_or_default()
    }
}

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A YAML file as a value.
pub(crate) fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rules of all files.
pub(crate) fn rules() -> Vec<Rule> {
    SOURCES
        .iter()
        .flat_map(|name| rules_of(&yaml(name)))
        .collect()
}

pub(crate) fn rules_of(file: &Value) -> Vec<Rule> {
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| {
        let name = group["name"].as_str().unwrap();
        group["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fields| Rule {
                group: name.to_owned(),
                fields: fields.clone(),
            })
    });
    rules.collect()
}
