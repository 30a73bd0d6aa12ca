//! The rpm, by rpm itself: what it says, and what stays and goes.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::packages::rpm;
use crate::run::output;

const ENVIRONMENT: &str = "etc/default/cloudaudit-exporter";

#[test]
fn it_says_which_version_of_what_it_is() {
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
fn what_people_wrote_stays_when_it_is_erased() {
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

/// rpm in another root. Its scripts would need a shell there; they have tests of their own.
fn run(root: &Path, arguments: &[&str]) {
    output(
        Command::new("unshare")
            .args(["--user", "--map-root-user", "rpm", "--root"])
            .arg(root)
            .args(["--nodeps", "--noscripts"])
            .args(arguments),
    );
}
