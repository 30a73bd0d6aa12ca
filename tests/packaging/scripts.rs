//! The scripts of the packages, in the words of dpkg and of rpm: what they ask systemd to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{file, output};

const RELOAD: &str = "daemon-reload\n";

#[test]
fn an_installation_starts_nothing() {
    for words in [&["configure", ""][..], &["1"]] {
        assert_eq!(asked("postinstall", words), RELOAD, "{words:?}");
    }
}

#[test]
fn an_upgrade_restarts_what_ran() {
    let restart = format!("{RELOAD}try-restart cloudaudit-exporter.service\n");
    for words in [&["configure", "0.1.0-1"][..], &["2"]] {
        assert_eq!(asked("postinstall", words), restart, "{words:?}");
    }
    for words in [&["upgrade", "0.2.0-1"][..], &["1"]] {
        assert_eq!(asked("preremove", words), "", "{words:?}");
        assert_eq!(asked("postremove", words), RELOAD, "{words:?}");
    }
}

#[test]
fn a_removal_stops_it() {
    for words in [&["remove"][..], &["0"]] {
        let stop = "disable --now cloudaudit-exporter.service\n";
        assert_eq!(asked("preremove", words), stop, "{words:?}");
        assert_eq!(asked("postremove", words), RELOAD, "{words:?}");
    }
}

#[test]
fn a_removal_without_systemd_leaves_no_link_to_what_is_gone() {
    let link = "etc/systemd/system/multi-user.target.wants/cloudaudit-exporter.service";
    for (words, stays) in [(["remove"], false), (["0"], false), (["upgrade"], true)] {
        let machine = TempDir::new().unwrap();
        let link = machine.path().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/usr/lib/systemd/system/gone", &link).unwrap();
        output(&mut script("preremove", &words, &machine));
        assert_eq!(link.is_symlink(), stays, "{words:?}");
    }
}

#[test]
fn only_a_purge_takes_the_state() {
    let state = "var/lib/private/cloudaudit-exporter/state.json";
    for (word, stays) in [
        ("remove", true),
        ("upgrade", true),
        ("0", true),
        ("purge", false),
    ] {
        let machine = TempDir::new().unwrap();
        let state = machine.path().join(state);
        fs::create_dir_all(state.parent().unwrap()).unwrap();
        fs::write(&state, "state").unwrap();
        output(script("postremove", &[word], &machine).env_remove("PATH"));
        assert_eq!(state.exists(), stays, "{word}");
    }
}

/// What a script asks of a `systemctl` that only writes down what it is asked.
fn asked(name: &str, words: &[&str]) -> String {
    let machine = TempDir::new().unwrap();
    let path = |name: &str| machine.path().join(name);
    fs::create_dir_all(path("run/systemd/system")).unwrap();
    fs::create_dir(path("bin")).unwrap();
    let systemctl = path("bin/systemctl");
    fs::write(
        &systemctl,
        "#!/bin/sh\necho \"$*\" >>\"$DPKG_ROOT/asked\"\n",
    )
    .unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let programs = std::env::var("PATH").unwrap();
    let programs = format!("{}:{programs}", path("bin").display());
    output(script(name, words, &machine).env("PATH", programs));
    fs::read_to_string(path("asked")).unwrap_or_default()
}

fn script(name: &str, words: &[&str], machine: &TempDir) -> Command {
    let mut command = Command::new(file("deploy/package/scripts").join(name));
    command.args(words).env("DPKG_ROOT", machine.path());
    command
}
