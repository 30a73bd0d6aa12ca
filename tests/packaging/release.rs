//! The tarball, the licences and the bill of what is in it. That two builds make the same binary is
//! shown by `deploy/package/reproduce`, which takes too long for here.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{Ended, ended, file, output, root};
use crate::support::parts::part;

/// What somebody who unpacks it needs.
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
fn the_same_binary_makes_the_same_tarball() {
    let folder = TempDir::new().unwrap();
    let [first, second] = ["first", "second"].map(|name| tarball(&folder.path().join(name)));
    assert!(first == second, "two tarballs of the same are different");

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
fn every_crate_has_its_licence_in_the_notices() {
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
    for licence in [
        "Permission is hereby granted",
        "GNU LESSER GENERAL PUBLIC LICENSE",
    ] {
        assert!(notices.contains(licence), "{licence}");
    }
}

#[test]
fn the_bill_is_as_the_standard_wants_it_and_the_same_each_time() {
    let bill = bill();
    let verdict = judged(&bill);
    assert!(verdict.success, "{verdict:?}");
    assert_eq!(bill, self::bill());
    let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
    assert_eq!(
        bill["metadata"]["component"]["version"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn a_bill_that_is_not_is_objected_to() {
    let verdict = judged(&bill().replacen("\"bom-ref\"", "\"reference\"", 1));
    assert!(
        !verdict.success && verdict.stderr.contains("reference"),
        "{verdict:?}"
    );
}

fn tarball(folder: &Path) -> Vec<u8> {
    // What is packed does not matter here, and a small file is packed sooner.
    let mut release = Command::new(file("deploy/package/release"));
    release.args(["tarball", "/bin/true"]).arg(folder);
    output(release.env("SOURCE_DATE_EPOCH", "1700000000"));
    let made = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    fs::read(made.path()).unwrap()
}

fn bill() -> String {
    let mut command = script("deploy/package/sbom");
    output(command.env("SOURCE_DATE_EPOCH", "1700000000"))
}

fn judged(bill: &str) -> Ended {
    let folder = TempDir::new().unwrap();
    let written = folder.path().join("bill.json");
    fs::write(&written, bill).unwrap();
    let mut judge = Command::new(part("python"));
    let judge = judge.arg(file("tests/packaging/judge_sbom.py"));
    ended(judge.arg(written))
}

/// A script of ours, which leaves nothing beside itself.
fn script(name: &str) -> Command {
    let mut command = Command::new(file(name));
    command
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
