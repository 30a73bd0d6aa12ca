//! The RPM package: its metadata and files, and what an erasure keeps.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::packages::rpm;
use crate::run::output;

const ENVIRONMENT: &str = "etc/default/cloudaudit-exporter";

#[test]
fn the_metadata_and_the_files_are_correct() {
    let query = |format: &str| {
        output(
            Command::new("rpm")
                .args(["--query", "--queryformat", format, "--package"])
                .arg(rpm()),
        )
    };
    let version = concat!(
        "cloudaudit-exporter ",
        env!("CARGO_PKG_VERSION"),
        " Apache-2.0"
    );
    assert_eq!(query("%{NAME} %{VERSION} %{LICENSE}"), version);
    let files = query("[%{FILENAMES} %{FILEMODES:perms} %{FILEFLAGS:fflags}\n]");
    for line in [
        "/usr/bin/cloudaudit-exporter -rwxr-xr-x ",
        "/usr/lib/systemd/system/cloudaudit-exporter.service -rw-r--r-- ",
        "/usr/share/man/man1/cloudaudit-exporter.1.gz -rw-r--r-- ",
        "/usr/share/zsh/site-functions/_cloudaudit-exporter -rw-r--r-- ",
        "/usr/share/licenses/cloudaudit-exporter/LICENSE -rw-r--r-- ",
        "/etc/default/cloudaudit-exporter -rw------- cn",
        "/etc/cloudaudit-exporter/cloudaudit-exporter.yaml -rw-r--r-- cn",
        "/usr/share/cloudaudit-exporter/rules drwxr-xr-x ",
        "/usr/share/doc/cloudaudit-exporter/docs/alerts.md -rw-r--r-- ",
    ] {
        assert!(files.lines().any(|file| file == line), "{line}:\n{files}");
    }
}

#[test]
fn an_erasure_keeps_edited_files() {
    let machine = TempDir::new().unwrap();
    let path = |name: &str| machine.path().join(name);
    run(machine.path(), &["--install", rpm().to_str().unwrap()]);
    assert!(path("usr/bin/cloudaudit-exporter").exists());
    fs::write(path(ENVIRONMENT), "# mine\n").unwrap();
    run(machine.path(), &["--erase", "cloudaudit-exporter"]);
    for gone in [
        "usr/bin/cloudaudit-exporter",
        "usr/share/cloudaudit-exporter",
        "etc/cloudaudit-exporter",
        ENVIRONMENT,
    ] {
        assert!(!path(gone).exists(), "{gone}");
    }
    let kept = fs::read_to_string(path(&format!("{ENVIRONMENT}.rpmsave"))).unwrap();
    assert_eq!(kept, "# mine\n");
}

/// Runs rpm on another root folder. The package scripts would need a shell there, and have their
/// own tests.
fn run(root: &Path, arguments: &[&str]) {
    output(
        Command::new("unshare")
            .args(["--user", "--map-root-user", "rpm", "--root"])
            .arg(root)
            .args(["--nodeps", "--noscripts"])
            .args(arguments),
    );
}
