//! Limits of the system: the process works, or it exits with a clear error.

use super::program::{shell, text};
use crate::support::exporter::binary;

/// What Rust and the C library print if they abort a process.
const ABORTS: [&str; 4] = ["panicked", "memory allocation", "core dumped", "Aborted"];

#[test]
fn a_limit_that_is_too_low_is_an_error_in_words() {
    for limit in [
        "-n 5",
        "-n 8",
        "-n 12",
        "-u 1",
        "-u 2",
        "-u 3",
        "-u 4",
        "-u 5",
        "-v 60000",
        "-v 100000",
        "-v 200000",
        "-v 250000",
        "-v 524288",
    ] {
        for command in ["check", "once", "health", "daemon", "--help"] {
            let arguments = match command {
                "daemon" => "--web.listen-address=127.0.0.1:0",
                other => other,
            };
            // A limit of threads does not hold for root.
            let user = if limit.starts_with("-u") {
                "setpriv --reuid=54321 --clear-groups"
            } else {
                ""
            };
            let program = "/tmp/cloudaudit-limits.$$";
            let script = format!(
                r#"cp "$0" {program} && trap "rm -f {program}" EXIT
                timeout -s TERM 2 {user} bash -c 'ulimit {limit} && exec "$@"' - {program} {arguments} 2>&1"#
            );
            let output = shell(
                &script,
                binary()
                    .env("CLOUDAUDIT_EXPORTER__ENDPOINT", "http://127.0.0.1:1")
                    .env("CLOUDAUDIT_EXPORTER__POLL__ATTEMPTS", "1"),
            );
            let said = text(&output.stdout) + &text(&output.stderr);
            for abort in ABORTS {
                assert!(!said.contains(abort), "{limit}, {command}: {said}");
            }
            // 124: it ran until the time was over.
            let code = output.status.code();
            assert!(
                matches!(code, Some(0 | 1 | 124)),
                "{limit}, {command}: {code:?}, {said}"
            );
            if code == Some(1) {
                assert!(said.contains("error: "), "{limit}, {command}: {said}");
            }
            if limit.starts_with("-v") {
                let is_low = limit != "-v 524288";
                let is_named = said.contains("error: cannot start: the limit of the address space");
                assert_eq!(is_named, is_low, "{limit}, {command}: {said}");
            }
        }
    }
}
