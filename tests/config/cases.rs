//! The configurations below `valid` and `invalid`, each with its expected result next to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// A file of `tests/config`, and its expected result.
pub(super) struct Case {
    /// Short, so that messages do not depend on where the repository lies.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) expectation: PathBuf,
}

impl Case {
    pub(super) fn all(folder: &str) -> Vec<Self> {
        let cases: Vec<Self> = files(folder, "yaml")
            .iter()
            .map(|path| Self::read(path))
            .collect();
        assert!(!cases.is_empty(), "no cases in {folder}");
        cases
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let environment = text
            .lines()
            .map_while(|line| line.strip_prefix("# env: "))
            .map(|variable| variable.split_once('=').expect("NAME=value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            text,
            environment,
            expectation: path.with_extension("txt"),
        }
    }

    pub(super) fn expect(&self, actual: &str) {
        assert!(
            !actual.contains("HUSH"),
            "{} shows a secret:\n{actual}",
            self.name
        );
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&self.expectation, actual).unwrap();
        }
        let expected = fs::read_to_string(&self.expectation).unwrap_or_default();
        assert_eq!(
            actual, expected,
            "{} (UPDATE_GOLDEN=1 accepts it)",
            self.name
        );
    }
}

pub(super) fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/config").join(folder);
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}
