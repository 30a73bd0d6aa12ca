//! Host names are resolved without the C library, because a static binary cannot use its resolver.

use std::path::Path;
use std::process::Command;

use crate::run::{BINARY, Ended, ended, file};

#[test]
fn names_are_resolved_by_the_current_resolv_conf() {
    // `make release` runs this test with its static binary.
    let program = std::env::var("RELEASE_BINARY").unwrap_or_else(|_| BINARY.to_owned());
    let ended = check_resolution(program);
    assert!(ended.success, "{ended:?}");
}

#[test]
fn a_program_that_does_not_connect_fails_the_check() {
    let ended = check_resolution("/bin/true");
    assert!(
        !ended.success && ended.stderr.contains("no connection arrived"),
        "{ended:?}"
    );
}

/// Runs names.py as root of a user namespace, with a separate network and resolv.conf.
fn check_resolution(program: impl AsRef<Path>) -> Ended {
    ended(
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--net", "python3"])
            .arg(file("tests/packaging/names.py"))
            .arg(program.as_ref()),
    )
}
