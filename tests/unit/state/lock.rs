//! A state folder in which something else lies where the lock or the file should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::state::StateFile;
use tempfile::TempDir;

type Value = Vec<u32>;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_730)
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Creates an obstacle with this name in the folder of a valid state file, opens the state file,
/// and returns why it cannot be written.
fn unwritable(name: &str, make: impl FnOnce(&Path)) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    make(&folder.path().join(name));
    let (_, loaded) = StateFile::<Value>::open(folder.path().join("state.json"), now());
    assert_eq!(loaded.value, None);
    let why = loaded.unwritable.unwrap();
    assert!(
        loaded.warnings.iter().any(|it| it.contains(&why)),
        "{:?}",
        loaded.warnings
    );
    (folder, why)
}

#[test]
fn a_lock_that_is_no_regular_file_is_named_and_neither_waited_for_nor_followed() {
    let lock = "state.json.lock";
    let refused = |make: fn(&Path), expected: &str| {
        let (folder, why) = unwritable(lock, make);
        assert!(
            why.contains("state.json.lock: ") && why.contains(expected),
            "{why}"
        );
        folder
    };
    refused(make_fifo, "it is not a regular file; remove it");
    refused(
        |path| fs::create_dir(path).unwrap(),
        "it is not a regular file; remove it",
    );
    refused(
        |path| drop(UnixListener::bind(path).unwrap()),
        "it is not a regular file; remove it",
    );
    let folder = refused(
        |path| symlink("elsewhere", path).unwrap(),
        "it is a symbolic link; remove it",
    );
    assert!(
        !folder.path().join("elsewhere").exists(),
        "it is not followed"
    );
    let target = |path: &Path| -> PathBuf { path.with_file_name("target") };
    let folder = {
        let (folder, why) = unwritable(lock, |path| {
            fs::write(target(path), "precious").unwrap();
            symlink("target", path).unwrap();
        });
        assert!(why.contains("it is a symbolic link"), "{why}");
        folder
    };
    let kept = fs::read_to_string(folder.path().join("target")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn a_state_file_that_is_no_regular_file_is_reported_and_not_changed() {
    for make in [
        make_fifo as fn(&Path),
        |path| fs::create_dir(path).unwrap(),
        |path| {
            drop(UnixListener::bind(path).unwrap());
        },
    ] {
        let (_folder, why) = unwritable("state.json", make);
        assert!(why.contains("it is not a regular file"), "{why}");
    }
    let (folder, why) = unwritable("state.json", |path| symlink("gone/nowhere", path).unwrap());
    // The link is followed, and its target has no folder.
    assert!(why.contains("gone/nowhere"), "{why}");
    assert!(
        fs::symlink_metadata(folder.path().join("state.json"))
            .unwrap()
            .is_symlink()
    );
}
