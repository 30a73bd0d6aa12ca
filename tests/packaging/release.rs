//! The tarball, the license notices and the SBOM of a release. `deploy/package/reproduce` shows
//! that two builds make the same binary, which takes too long for a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{Ended, ended, file, output, root};
use crate::support::parts::part;

/// Files that users of the tarball need.
const PACKED: [&str; 15] = [
    "CHANGELOG.md",
    "LICENSE",
    "NOTICES",
    "README.md",
    "cloudaudit-exporter",
    "completions/_cloudaudit-exporter",
    "completions/cloudaudit-exporter.bash",
    "completions/cloudaudit-exporter.fish",
    "dashboards/fleet.json",
    "docs/install.md",
    "examples/cloudaudit-exporter.yaml",
    "man/cloudaudit-exporter.1",
    "rules/tracks.yaml",
    "systemd/cloudaudit-exporter.service",
    "systemd/default",
];

#[test]
fn the_tarball_is_reproducible() {
    let folder = TempDir::new().unwrap();
    let [first, second] = ["first", "second"].map(|name| tarball(&folder.path().join(name)));
    assert!(first == second, "two tarballs of the same files differ");

    let packed = folder.path().join("tarball.tar.gz");
    fs::write(&packed, first).unwrap();
    let list = ["--list", "--verbose", "--numeric-owner", "--file"];
    let listed = output(Command::new("tar").args(list).arg(&packed));
    for packed in PACKED {
        assert!(
            listed.contains(&format!("/{packed}\n")),
            "{packed} in\n{listed}"
        );
    }
    for line in listed.lines() {
        assert!(line.contains(" 0/0 "), "the owner in {line}");
        assert!(line.contains("2023-11-14 22:13"), "the time in {line}");
    }
}

#[test]
fn the_notices_contain_the_license_of_every_crate() {
    let notices = output(&mut script("deploy/package/notices"));
    for (name, version) in [
        ("tokio", "1."),
        ("aws-lc-sys", "0."),
        ("hickory-resolver", "0."),
    ] {
        assert!(notices.contains(&format!("\n{name} {version}")), "{name}");
    }
    assert!(
        !notices.contains("\nproptest "),
        "tests are not in the binary"
    );
    for license in [
        "Permission is hereby granted",
        "GNU LESSER GENERAL PUBLIC LICENSE",
    ] {
        assert!(notices.contains(license), "{license}");
    }
}

#[test]
fn the_sbom_is_valid_and_reproducible() {
    let sbom = sbom();
    let result = validate(&sbom);
    assert!(result.success, "{result:?}");
    assert_eq!(sbom, self::sbom());
    let sbom: serde_json::Value = serde_json::from_str(&sbom).unwrap();
    assert_eq!(
        sbom["metadata"]["component"]["version"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn an_invalid_sbom_is_rejected() {
    let result = validate(&sbom().replacen("\"bom-ref\"", "\"reference\"", 1));
    assert!(
        !result.success && result.stderr.contains("reference"),
        "{result:?}"
    );
}

fn tarball(folder: &Path) -> Vec<u8> {
    // A small file instead of the exporter is packed faster.
    let mut release = Command::new(file("deploy/package/release"));
    release.args(["tarball", "/bin/true"]).arg(folder);
    output(release.env("SOURCE_DATE_EPOCH", "1700000000"));
    let made = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    fs::read(made.path()).unwrap()
}

fn sbom() -> String {
    let mut command = script("deploy/package/sbom");
    output(command.env("SOURCE_DATE_EPOCH", "1700000000"))
}

fn validate(sbom: &str) -> Ended {
    let folder = TempDir::new().unwrap();
    let written = folder.path().join("sbom.json");
    fs::write(&written, sbom).unwrap();
    let mut validator = Command::new(part("python"));
    let validator = validator.arg(file("tests/packaging/validate_sbom.py"));
    ended(validator.arg(written))
}

/// A script of this repository, which writes no bytecode next to itself.
fn script(name: &str) -> Command {
    let mut command = Command::new(file(name));
    command
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
