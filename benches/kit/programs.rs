//! Finds external programs.

use std::path::{Path, PathBuf};

/// A file of the parts that `tests/parts/install` installs.
pub(crate) fn part(name: &str) -> PathBuf {
    let file = parts().join(name);
    assert!(file.exists(), "{name} is missing: run make parts");
    file
}

/// Returns a program from the parts or from `PATH`, or `None` if it is not installed.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [parts().join("bin")]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut files = folders.map(|folder| folder.join(name));
    files.find(|file| file.exists())
}

fn parts() -> PathBuf {
    let given = std::env::var_os("CLOUDAUDIT_PARTS").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/parts"))
}
