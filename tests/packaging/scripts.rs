//! The scripts of the packages, called as by dpkg and by rpm, and how they call systemctl.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{file, output};

const RELOAD: &str = "daemon-reload\n";

#[test]
fn an_installation_starts_nothing() {
    for arguments in [&["configure", ""][..], &["1"]] {
        assert_eq!(
            systemctl_calls("postinstall", arguments),
            RELOAD,
            "{arguments:?}"
        );
    }
}

#[test]
fn an_upgrade_restarts_a_running_service() {
    let restart = format!("{RELOAD}try-restart cloudaudit-exporter.service\n");
    for arguments in [&["configure", "0.1.0-1"][..], &["2"]] {
        assert_eq!(
            systemctl_calls("postinstall", arguments),
            restart,
            "{arguments:?}"
        );
    }
    for arguments in [&["upgrade", "0.2.0-1"][..], &["1"]] {
        assert_eq!(systemctl_calls("preremove", arguments), "", "{arguments:?}");
        assert_eq!(
            systemctl_calls("postremove", arguments),
            RELOAD,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_removal_stops_the_service() {
    for arguments in [&["remove"][..], &["0"]] {
        let stop = "disable --now cloudaudit-exporter.service\n";
        assert_eq!(
            systemctl_calls("preremove", arguments),
            stop,
            "{arguments:?}"
        );
        assert_eq!(
            systemctl_calls("postremove", arguments),
            RELOAD,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_removal_without_systemd_leaves_no_dangling_link() {
    let link = "etc/systemd/system/multi-user.target.wants/cloudaudit-exporter.service";
    for (arguments, stays) in [(["remove"], false), (["0"], false), (["upgrade"], true)] {
        let machine = TempDir::new().unwrap();
        let link = machine.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/usr/lib/systemd/system/gone", &link).unwrap();
        output(&mut script("preremove", &arguments, &machine));
        assert_eq!(link.is_symlink(), stays, "{arguments:?}");
    }
}

#[test]
fn only_a_purge_deletes_the_state() {
    let state = "var/lib/private/cloudaudit-exporter/state.json";
    for (argument, stays) in [
        ("remove", true),
        ("upgrade", true),
        ("0", true),
        ("purge", false),
    ] {
        let machine = TempDir::new().unwrap();
        let state = machine.path().join(state);
        fs::create_dir_all(state.parent().unwrap()).unwrap();
        fs::write(&state, "state").unwrap();
        output(script("postremove", &[argument], &machine).env_remove("PATH"));
        assert_eq!(state.exists(), stays, "{argument}");
    }
}

/// Returns the calls of a script to a fake `systemctl` that only records them.
fn systemctl_calls(name: &str, arguments: &[&str]) -> String {
    let machine = TempDir::new().unwrap();
    let path = |name: &str| machine.path().join(name);
    fs::create_dir_all(path("run/systemd/system")).unwrap();
    fs::create_dir(path("bin")).unwrap();
    let systemctl = path("bin/systemctl");
    fs::write(
        &systemctl,
        "#!/bin/sh\necho \"$*\" >>\"$DPKG_ROOT/calls\"\n",
    )
    .unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let programs = std::env::var("PATH").unwrap();
    let programs = format!("{}:{programs}", path("bin").display());
    output(script(name, arguments, &machine).env("PATH", programs));
    fs::read_to_string(path("calls")).unwrap_or_default()
}

fn script(name: &str, arguments: &[&str], machine: &TempDir) -> Command {
    let mut command = Command::new(file("deploy/package/scripts").join(name));
    command.args(arguments).env("DPKG_ROOT", machine.path());
    command
}
