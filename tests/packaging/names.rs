//! Host names become addresses without the C library, which a static binary cannot ask.

use std::path::Path;
use std::process::Command;

use crate::run::{BINARY, Ended, ended, file};

#[test]
fn names_are_resolved_as_the_system_says_at_the_time() {
    // `make release` asks the same of its static binary.
    let program = std::env::var("RELEASE_BINARY").unwrap_or_else(|_| BINARY.to_owned());
    let ended = resolves(program);
    assert!(ended.success, "{ended:?}");
}

#[test]
fn a_program_that_resolves_nothing_is_found_out() {
    let ended = resolves("/bin/true");
    assert!(
        !ended.success && ended.stderr.contains("nobody came"),
        "{ended:?}"
    );
}

/// On a network and with a resolv.conf of its own, as root of a user namespace.
fn resolves(program: impl AsRef<Path>) -> Ended {
    ended(
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--net", "python3"])
            .arg(file("tests/packaging/names.py"))
            .arg(program.as_ref()),
    )
}
