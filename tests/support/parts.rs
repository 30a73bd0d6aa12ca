//! Finds the programs and packages that `make parts` installed.

use std::path::{Path, PathBuf};

/// Returns the path of a program, or of a folder of packages. Panics if it is missing: no test is
/// skipped.
pub(crate) fn part(name: &str) -> PathBuf {
    let parts = std::env::var_os("CLOUDAUDIT_PARTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/parts"),
        PathBuf::from,
    );
    ["bin", "venv/bin", "."]
        .map(|folder| parts.join(folder).join(name))
        .into_iter()
        .find(|part| part.exists())
        .unwrap_or_else(|| panic!("{name} is missing: run make parts"))
}
