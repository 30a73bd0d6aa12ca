//! Runs promtool and returns its verdict.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::support::parts::part;

/// What promtool prints if it finds an error.
pub(crate) fn promtool<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
) -> Result<(), String> {
    run(&part("promtool"), arguments).map(drop)
}

/// Runs a program at the root of the repository. Returns its output, or everything that it prints
/// if it fails.
pub(crate) fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String, String> {
    let output = Command::new(program)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}
