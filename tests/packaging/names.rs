//! Host names are resolved without the C library, because a static binary cannot use its resolver.

use std::path::Path;
use std::process::Command;

use crate::run::{BINARY, Ended, ended, file};

/// A script that asks the first server of names.py for an address of
/// `api.audit.example.wild.example`.
const COMPLETES_THE_NAME: &str = r"printf '\0\1\1\0\0\1\0\0\0\0\0\0\3api\5audit\7example\4wild\7example\0\0\1\0\1' >/dev/udp/127.0.0.2/53";

/// The name of an endpoint is never completed with a search domain.
#[test]
fn names_are_resolved_by_the_current_resolv_conf() {
    // `make release` runs this test with its static binary.
    let program = std::env::var("RELEASE_BINARY").unwrap_or_else(|_| BINARY.to_owned());
    let ended = check_resolution(program, &[]);
    assert!(ended.success, "{ended:?}");
}

#[test]
fn a_program_that_does_not_connect_fails_the_check() {
    let ended = check_resolution("/bin/true", &[]);
    assert!(
        !ended.success && ended.stderr.contains("no connection arrived"),
        "{ended:?}"
    );
}

#[test]
fn a_program_that_asks_for_a_name_below_a_search_domain_fails_the_check() {
    let ended = check_resolution("bash", &["-c", COMPLETES_THE_NAME]);
    let asked = "asked for api.audit.example.wild.example";
    assert!(!ended.success && ended.stderr.contains(asked), "{ended:?}");
}

/// Runs names.py as root of a user namespace, with a separate network and resolv.conf.
fn check_resolution(program: impl AsRef<Path>, arguments: &[&str]) -> Ended {
    ended(
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--net", "python3"])
            .arg(file("tests/packaging/names.py"))
            .arg(program.as_ref())
            .args(arguments),
    )
}
