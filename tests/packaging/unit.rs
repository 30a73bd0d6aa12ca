//! The systemd unit, checked by systemd-analyze.

use std::fs;
use std::process::Command;

use cloudaudit_exporter::cli::Cli;
use tempfile::TempDir;

use crate::run::{BINARY, Ended, ended, file, read};

const UNIT: &str = "cloudaudit-exporter.service";

/// The example drop-ins next to the unit.
const DROP_INS: [&str; 3] = ["credentials.conf", "socket.conf", "web.conf"];
const FOLDER: &str = "cloudaudit-exporter.service.d";

/// The example socket unit.
const SOCKET: &str = "cloudaudit-exporter.socket";

#[test]
fn the_unit_has_no_unknown_keys() {
    let result = verify(&unit());
    assert!(result.success, "{result:?}");
    assert_eq!(result.stderr, "");
}

#[test]
fn an_unknown_key_is_found() {
    let broken = unit().replace("DynamicUser=yes", "DynamicUsers=yes");
    let result = verify(&broken);
    assert!(result.stderr.contains("DynamicUsers"), "{result:?}");
}

#[test]
fn the_drop_ins_have_no_unknown_keys_and_keep_the_hardening() {
    let verify = ["verify", "--man=no"];
    for name in DROP_INS {
        let drop_in = drop_in(name);
        let result = analyze_with(&drop_in, &verify, &unit());
        assert!(result.success, "{name}: {result:?}");
        assert_eq!(result.stderr, "", "{name}");
        let broken = drop_in.replace("[Service]\n", "[Service]\nLoadCredentials=a:b\n");
        let result = analyze_with(&broken, &verify, &unit());
        assert!(result.stderr.contains("LoadCredentials"), "{result:?}");
        let result = analyze_with(&drop_in, &SECURITY, &unit());
        assert!(result.success, "{name}: {}", result.stdout);
    }
}

#[test]
fn the_socket_has_no_unknown_keys() {
    let socket = read(file("deploy/systemd").join(SOCKET));
    for (text, message) in [
        (socket.clone(), ""),
        (socket.replace("NoDelay=", "NoDelays="), "NoDelays"),
    ] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(UNIT), unit()).unwrap();
        let path = folder.path().join(SOCKET);
        fs::write(&path, text).unwrap();
        let mut verify = Command::new("systemd-analyze");
        let result = ended(verify.args(["verify", "--man=no"]).arg(path));
        assert!(result.stderr.contains(message), "{result:?}");
        assert_eq!(result.stderr.is_empty(), message.is_empty(), "{result:?}");
    }
}

/// The drop-ins set flags by their variables, so that they need not change the command line.
#[test]
fn the_drop_ins_set_only_variables_of_flags() {
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

/// Users write these paths to their configuration, so the page must contain them.
#[test]
fn the_credentials_page_names_the_files_that_the_drop_in_loads() {
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
fn the_exposure_level_of_the_unit_is_at_most_one_and_a_half() {
    let result = security(&unit());
    assert!(result.success, "{}", result.stdout);
    assert_eq!(result.stderr, "");
}

#[test]
fn a_unit_without_hardening_is_found() {
    let broken = unit()
        .replace("DynamicUser=yes\n", "")
        .replace("CapabilityBoundingSet=\n", "");
    assert!(!security(&broken).success);
}

/// Returns the unit with the binary under test instead of the installed one.
fn unit() -> String {
    let installed = "ExecStart=/usr/bin/cloudaudit-exporter\n";
    let unit = read(file("deploy/systemd").join(UNIT));
    assert!(unit.contains(installed));
    unit.replace(installed, &format!("ExecStart={BINARY}\n"))
}

// systemd-analyze exits with 0 for an unknown key, so callers check its messages. The manual page
// is not installed here.
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
    let drop_in_path = folder.path().join(FOLDER).join("example.conf");
    fs::create_dir(drop_in_path.parent().unwrap()).unwrap();
    fs::write(drop_in_path, drop_in).unwrap();
    // One of the drop-ins requires the socket.
    let socket = file("deploy/systemd").join(SOCKET);
    fs::copy(socket, folder.path().join(SOCKET)).unwrap();
    ended(
        Command::new("systemd-analyze")
            .args(arguments)
            .arg("--no-pager")
            .arg(path),
    )
}
