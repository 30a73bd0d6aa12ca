//! The Debian package: its files, and what an installation, removal and purge keep and delete.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::packages::deb;
use crate::run::{Ended, ended, file, output, root};

const BINARY: &str = "usr/bin/cloudaudit-exporter";
const CONFIGURATION: &str = "etc/cloudaudit-exporter/cloudaudit-exporter.yaml";
const ENVIRONMENT: &str = "etc/default/cloudaudit-exporter";
const STATE: &str = "var/lib/private/cloudaudit-exporter/state.json";

#[test]
fn the_metadata_has_the_name_the_version_and_the_dependencies() {
    let field = |name: &str| output(Command::new("dpkg-deb").arg("--field").arg(deb()).arg(name));
    assert_eq!(field("Package"), "cloudaudit-exporter\n");
    let revision = &mut Command::new(file("deploy/package/revision"));
    let revision = output(revision.arg(env!("CARGO_PKG_VERSION")).current_dir(root()));
    let version = format!("{}-{revision}", env!("CARGO_PKG_VERSION"));
    assert_eq!(field("Version"), version);
    let needs = field("Depends");
    assert!(needs.contains("ca-certificates"), "{needs}");
    assert!(needs.contains("libc6 (>= 2."), "{needs}");
}

#[test]
fn a_purge_deletes_all_files() {
    let machine = Machine::new();
    machine.install();
    for file in [
        BINARY,
        CONFIGURATION,
        "usr/lib/systemd/system/cloudaudit-exporter.service",
        "usr/share/man/man1/cloudaudit-exporter.1.gz",
        "usr/share/bash-completion/completions/cloudaudit-exporter",
        "usr/share/zsh/vendor-completions/_cloudaudit-exporter",
        "usr/share/fish/vendor_completions.d/cloudaudit-exporter.fish",
        "usr/share/cloudaudit-exporter/rules/tracks.yaml",
        "usr/share/cloudaudit-exporter/rules-before-2.42/tracks.yaml",
        "usr/share/cloudaudit-exporter/dashboards/fleet.json",
        "usr/share/cloudaudit-exporter/cloudaudit-exporter.schema.json",
        "usr/share/doc/cloudaudit-exporter/README.md",
        "usr/share/doc/cloudaudit-exporter/docs/alerts.md",
        "usr/share/doc/cloudaudit-exporter/docs/zh/alerts.md",
        "usr/share/doc/cloudaudit-exporter/docs/page-dark.png",
        "usr/share/doc/cloudaudit-exporter/docs/page-light.png",
        "usr/share/doc/cloudaudit-exporter/grafana/preview-fleet.svg",
        "usr/share/doc/cloudaudit-exporter/deploy/cloudaudit-exporter.yaml",
        "usr/share/doc/cloudaudit-exporter/deploy/alertmanager/templates/cloudaudit.tmpl",
        "usr/share/doc/cloudaudit-exporter/deploy/prometheus/languages/zh.yaml",
        "usr/share/doc/cloudaudit-exporter/deploy/systemd/cloudaudit-exporter.service.d/socket.conf",
        "usr/share/doc/cloudaudit-exporter/copyright",
    ] {
        assert!(machine.has(file), "{file}");
    }
    assert_eq!(machine.mode(BINARY), 0o755);
    assert_eq!(machine.mode(ENVIRONMENT), 0o600, "the file contains keys");
    assert_eq!(machine.mode("usr/share/cloudaudit-exporter/rules"), 0o755);
    let version = output(Command::new(machine.path(BINARY)).arg("--version"));
    assert!(
        version.contains(env!("CARGO_PKG_VERSION")),
        "{version}: the versions of the package and the program differ"
    );

    // An upgrade and a removal keep files that users or the service wrote.
    let edited = "# edited\n";
    fs::write(machine.path(ENVIRONMENT), edited).unwrap();
    fs::create_dir_all(machine.path(STATE).parent().unwrap()).unwrap();
    fs::write(machine.path(STATE), "state").unwrap();
    std::os::unix::fs::symlink(
        "private/cloudaudit-exporter",
        machine.path("var/lib/cloudaudit-exporter"),
    )
    .unwrap();
    machine.install();
    assert_eq!(
        fs::read_to_string(machine.path(ENVIRONMENT)).unwrap(),
        edited
    );
    machine.dpkg(&["--remove", "cloudaudit-exporter"]);
    assert!(!machine.has(BINARY) && !machine.has("usr/share/cloudaudit-exporter"));
    assert_eq!(
        fs::read_to_string(machine.path(ENVIRONMENT)).unwrap(),
        edited
    );
    assert_eq!(machine.mode(ENVIRONMENT), 0o600);
    assert!(machine.has(CONFIGURATION) && machine.has(STATE));

    machine.dpkg(&["--purge", "cloudaudit-exporter"]);
    assert_eq!(machine.traces(), Vec::<PathBuf>::new());
}

#[test]
fn a_leftover_file_is_found() {
    let machine = Machine::new();
    fs::create_dir(machine.path("var/lib/cloudaudit-exporter")).unwrap();
    assert_eq!(
        machine.traces(),
        [machine.path("var/lib/cloudaudit-exporter")]
    );
}

/// A root folder that contains only the database of dpkg.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["info", "updates", "triggers"] {
            fs::create_dir_all(root.path().join("var/lib/dpkg").join(folder)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        Self(root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    fn install(&self) {
        self.dpkg(&["--install", deb().to_str().unwrap()]);
    }

    /// Runs dpkg on this root folder. The package scripts run outside it, so it needs no shell. A
    /// user namespace lets dpkg create files of root.
    fn dpkg(&self, arguments: &[&str]) {
        let run: Ended = ended(
            Command::new("unshare")
                .args(["--user", "--map-root-user", "dpkg", "--root"])
                .arg(self.0.path())
                .args(["--force-script-chrootless", "--force-depends"])
                .args(["--log", "/dev/null"])
                .args(arguments),
        );
        assert!(run.success, "dpkg {arguments:?}: {run:?}");
    }

    /// Returns all files with the name of the program outside the database of dpkg.
    fn traces(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        find_named(self.0.path(), &mut found);
        found
    }
}

fn find_named(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if path.ends_with("var/lib/dpkg") {
            continue;
        }
        if entry.file_name().to_string_lossy().contains("cloudaudit") {
            found.push(path);
        } else if entry.file_type().unwrap().is_dir() {
            find_named(&path, found);
        }
    }
}
