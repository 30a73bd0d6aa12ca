//! The systemd unit, judged by systemd.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{BINARY, Ended, ended, file, read};

const UNIT: &str = "cloudaudit-exporter.service";

#[test]
fn the_unit_has_nothing_that_systemd_does_not_know() {
    let judged = verify(&unit());
    assert!(judged.success, "{judged:?}");
    assert_eq!(judged.stderr, "");
}

#[test]
fn a_key_that_there_is_not_is_found() {
    let broken = unit().replace("DynamicUser=yes", "DynamicUsers=yes");
    let judged = verify(&broken);
    assert!(judged.stderr.contains("DynamicUsers"), "{judged:?}");
}

#[test]
fn the_unit_is_hardened_to_one_and_a_half_of_ten() {
    let judged = security(&unit());
    assert!(judged.success, "{}", judged.stdout);
    assert_eq!(judged.stderr, "");
}

#[test]
fn a_unit_that_leaves_doors_open_is_found() {
    let broken = unit()
        .replace("DynamicUser=yes\n", "")
        .replace("CapabilityBoundingSet=\n", "");
    assert!(!security(&broken).success);
}

/// The unit, with the binary under test in the place of the one that a package installs.
fn unit() -> String {
    let installed = "ExecStart=/usr/bin/cloudaudit-exporter\n";
    let unit = read(file("deploy/systemd").join(UNIT));
    assert!(unit.contains(installed));
    unit.replace(installed, &format!("ExecStart={BINARY}\n"))
}

// It exits with 0 where it does not know a key, so what it says counts. The manual is not installed here.
fn verify(unit: &str) -> Ended {
    analyze(&["verify", "--man=no"], unit)
}

fn security(unit: &str) -> Ended {
    analyze(&["security", "--offline=true", "--threshold=15"], unit)
}

fn analyze(arguments: &[&str], unit: &str) -> Ended {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(UNIT);
    fs::write(&path, unit).unwrap();
    ended(
        Command::new("systemd-analyze")
            .args(arguments)
            .arg("--no-pager")
            .arg(path),
    )
}
