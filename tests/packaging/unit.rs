//! The systemd unit, judged by systemd.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{BINARY, Ended, ended, file, read};

const UNIT: &str = "cloudaudit-exporter.service";

/// The example of a drop-in, beside the unit.
const DROP_IN: &str = "cloudaudit-exporter.service.d/credentials.conf";

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
fn the_drop_in_has_nothing_that_systemd_does_not_know_and_opens_no_door() {
    let drop_in = read(file("deploy/systemd").join(DROP_IN));
    let verify = ["verify", "--man=no"];
    let judged = analyze_with(&drop_in, &verify, &unit());
    assert!(judged.success, "{judged:?}");
    assert_eq!(judged.stderr, "");
    let broken = drop_in.replace("LoadCredential=", "LoadCredentials=");
    let judged = analyze_with(&broken, &verify, &unit());
    assert!(judged.stderr.contains("LoadCredentials"), "{judged:?}");
    let judged = analyze_with(&drop_in, &SECURITY, &unit());
    assert!(judged.success, "{}", judged.stdout);
}

/// Where the service finds them is for people to write down, so it stands in the pages.
#[test]
fn what_the_drop_in_loads_is_what_the_page_on_credentials_names() {
    let drop_in = read(file("deploy/systemd").join(DROP_IN));
    let page = read(file("docs/credentials.md"));
    let loaded: Vec<&str> = drop_in
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential="))
        .filter_map(|credential| Some(credential.split_once(':')?.0))
        .collect();
    assert_eq!(loaded, ["secret_id", "secret_key"]);
    for name in loaded {
        let setting = format!("{name}_file: /run/credentials/{UNIT}/{name}");
        assert!(page.contains(&setting), "{setting}");
        assert!(drop_in.contains(&setting), "{setting}");
    }
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

const SECURITY: [&str; 3] = ["security", "--offline=true", "--threshold=15"];

fn security(unit: &str) -> Ended {
    analyze(&SECURITY, unit)
}

fn analyze(arguments: &[&str], unit: &str) -> Ended {
    analyze_with("", arguments, unit)
}

fn analyze_with(drop_in: &str, arguments: &[&str], unit: &str) -> Ended {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(UNIT);
    fs::write(&path, unit).unwrap();
    let beside = folder.path().join(DROP_IN);
    fs::create_dir(beside.parent().unwrap()).unwrap();
    fs::write(beside, drop_in).unwrap();
    ended(
        Command::new("systemd-analyze")
            .args(arguments)
            .arg("--no-pager")
            .arg(path),
    )
}
