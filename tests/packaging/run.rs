//! Files of the repository, and running programs to their end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The exporter.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_cloudaudit-exporter");

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of a file of the repository.
pub(crate) fn file(name: &str) -> PathBuf {
    root().join(name)
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether a program succeeded, and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        success: output.status.success(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Runs a program that must succeed, and returns its standard output.
pub(crate) fn output(command: &mut Command) -> String {
    let ended = ended(command);
    assert!(ended.success, "{command:?}: {ended:?}");
    ended.stdout
}

/// Compares a file with its expected text. `UPDATE_GOLDEN=1` rewrites it.
pub(crate) fn golden(name: &str, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file(name), text).unwrap();
    }
    let written = fs::read_to_string(file(name)).unwrap_or_default();
    assert!(
        text == written,
        "{name} differs from the flags: `make golden` rewrites it"
    );
}
