//! Files that the configuration names.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files;

/// A file that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct NamedFile {
    /// The path on this machine.
    #[serde(skip)]
    pub path: PathBuf,
    /// The path relative to the folder of the configuration: the same on every machine.
    pub name: String,
}

/// Resolves a path in a file: paths are relative to the file's folder.
pub(super) fn resolve(file: &Path, text: &str) -> PathBuf {
    folder_of(file).join(text)
}

/// Returns the folder that paths in a file are relative to: the working folder for a descriptor.
pub(super) fn folder_of(file: &Path) -> &Path {
    if files::is_descriptor(file) {
        return Path::new("");
    }
    file.parent().unwrap_or(Path::new(""))
}
