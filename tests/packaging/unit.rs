//! The systemd unit, judged by systemd.

use std::fs;
use std::process::Command;

use cloudaudit_exporter::cli::Cli;
use tempfile::TempDir;

use crate::run::{BINARY, Ended, ended, file, read};

const UNIT: &str = "cloudaudit-exporter.service";

/// The examples of drop-ins, beside the unit.
const DROP_INS: [&str; 3] = ["credentials.conf", "socket.conf", "web.conf"];
const FOLDER: &str = "cloudaudit-exporter.service.d";

/// The example of a socket for it.
const SOCKET: &str = "cloudaudit-exporter.socket";

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
fn a_drop_in_has_nothing_that_systemd_does_not_know_and_opens_no_door() {
    let verify = ["verify", "--man=no"];
    for name in DROP_INS {
        let drop_in = drop_in(name);
        let judged = analyze_with(&drop_in, &verify, &unit());
        assert!(judged.success, "{name}: {judged:?}");
        assert_eq!(judged.stderr, "", "{name}");
        let broken = drop_in.replace("[Service]\n", "[Service]\nLoadCredentials=a:b\n");
        let judged = analyze_with(&broken, &verify, &unit());
        assert!(judged.stderr.contains("LoadCredentials"), "{judged:?}");
        let judged = analyze_with(&drop_in, &SECURITY, &unit());
        assert!(judged.success, "{name}: {}", judged.stdout);
    }
}

#[test]
fn the_socket_has_nothing_that_systemd_does_not_know() {
    let socket = read(file("deploy/systemd").join(SOCKET));
    for (text, objection) in [
        (socket.clone(), ""),
        (socket.replace("NoDelay=", "NoDelays="), "NoDelays"),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(UNIT), unit()).unwrap();
        let path = folder.path().join(SOCKET);
        fs::write(&path, text).unwrap();
        let mut verify = Command::new("systemd-analyze");
        let judged = ended(verify.args(["verify", "--man=no"]).arg(path));
        assert!(judged.stderr.contains(objection), "{judged:?}");
        assert_eq!(judged.stderr.is_empty(), objection.is_empty(), "{judged:?}");
    }
}

/// By its variable, so that the command line stays the unit's.
#[test]
fn what_the_drop_ins_set_is_a_variable_of_a_flag() {
    let command = <Cli as clap::CommandFactory>::command();
    let known: Vec<String> = command
        .get_arguments()
        .filter_map(|argument| Some(argument.get_env()?.to_string_lossy().into_owned()))
        .collect();
    let mut seen = 0;
    for name in DROP_INS {
        let drop_in = drop_in(name);
        let settings = drop_in
            .lines()
            .filter_map(|line| line.strip_prefix("Environment="));
        for setting in settings {
            let (variable, _) = setting.split_once('=').unwrap();
            assert!(known.iter().any(|known| known == variable), "{variable}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
}

fn drop_in(name: &str) -> String {
    read(file("deploy/systemd").join(FOLDER).join(name))
}

/// Where the service finds them is for people to write down, so it stands in the pages.
#[test]
fn what_the_drop_in_loads_is_what_the_page_on_credentials_names() {
    let drop_in = drop_in("credentials.conf");
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

// It exits with 0 where it does not know a key, so what it says counts. The manual is not installed
// here.
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
    let beside = folder.path().join(FOLDER).join("example.conf");
    fs::create_dir(beside.parent().unwrap()).unwrap();
    fs::write(beside, drop_in).unwrap();
    // One of the drop-ins asks for it.
    let socket = file("deploy/systemd").join(SOCKET);
    fs::copy(socket, folder.path().join(SOCKET)).unwrap();
    ended(
        Command::new("systemd-analyze")
            .args(arguments)
            .arg("--no-pager")
            .arg(path),
    )
}
