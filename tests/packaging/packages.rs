//! The packages, built once from the binary under test, as `make package` builds them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::run::{BINARY, file, output};
use crate::support::parts::part;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    // Without debug information, as in a release. Packing it would take most of the time.
    let scratch = TempDir::new().unwrap();
    let binary = scratch.path().join("cloudaudit-exporter");
    let strip = &mut Command::new("strip");
    output(
        strip
            .arg("--strip-debug")
            .arg("-o")
            .arg(&binary)
            .arg(BINARY),
    );
    output(
        Command::new(file("deploy/package/build"))
            .arg(part("nfpm"))
            .arg(&binary)
            .arg(folder.path()),
    );
    folder
});

pub(crate) fn deb() -> PathBuf {
    only(".deb")
}

pub(crate) fn rpm() -> PathBuf {
    only(".rpm")
}

fn only(ending: &str) -> PathBuf {
    let entries = FOLDER.path().read_dir().unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found = paths.filter(|path| path.to_string_lossy().ends_with(ending));
    let path = found.next().unwrap();
    assert_eq!(found.next(), None, "several packages were built");
    path
}
