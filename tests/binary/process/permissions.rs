//! Files in folders that the process may not look into. They do not count as absent.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::program::{shell, text};
use crate::support::exporter::binary;

/// The name of the key's folder below the home directory.
const FOLDER: &str = ".tencentcloud";

/// A folder with a copy of the program, which another user can run. `None` if only root could
/// become that user.
fn folder() -> Option<TempDir> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let folder = TempDir::new().unwrap();
    set_mode(folder.path(), 0o755);
    fs::copy(binary().get_program(), folder.path().join("program")).unwrap();
    Some(folder)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs the program as another user, and returns its exit code and its messages.
fn run(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(folder.path().join("program"));
    command
        .args(arguments)
        .env("HOME", folder.path())
        .env("CLOUDAUDIT_EXPORTER__ENDPOINT", "http://127.0.0.1:1")
        .env("CLOUDAUDIT_EXPORTER__POLL__ATTEMPTS", "1");
    let as_nobody = r#"exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@""#;
    let output = shell(as_nobody, &command);
    (output.status.code(), text(&output.stderr))
}

/// The next source of the default chain may have the key of another account.
#[test]
fn an_unreadable_profile_is_not_passed_over() {
    let Some(folder) = folder() else {
        eprintln!("not run: this needs root, to be another user");
        return;
    };
    let keys = folder.path().join(FOLDER);
    fs::create_dir(&keys).unwrap();
    let file = keys.join("credentials");
    fs::write(&file, "[default]\nsecret_id = AKIDone\nsecret_key = one\n").unwrap();
    for (of_folder, of_file) in [(0o700, 0o644), (0o755, 0o600)] {
        set_mode(&keys, of_folder);
        set_mode(&file, of_file);
        let (code, said) = run(&folder, &["once"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("provider=profile"), "{said}");
        let named = said.contains(&format!("{} cannot be read", file.display()));
        assert!(named && said.contains("Permission denied"), "{said}");
        assert!(!said.contains("metadata"), "{said}");
    }
}

#[test]
fn unreadable_account_files_are_errors() {
    let Some(folder) = folder() else {
        eprintln!("not run: this needs root, to be another user");
        return;
    };
    let accounts = folder.path().join("acc");
    fs::create_dir(&accounts).unwrap();
    fs::write(accounts.join("a.yaml"), "a: {}\n").unwrap();
    let file = folder.path().join("config.yaml");
    let flag = format!("--config.file={}", file.display());
    for (pattern, mode) in [
        ("acc/*.yaml", 0o700),
        ("acc/*.yaml", 0o711),
        ("acc/a.yaml", 0o700),
    ] {
        set_mode(&accounts, mode);
        let text = format!("account_files: ['{pattern}']\naccounts: {{z: {{}}}}\n");
        fs::write(&file, text).unwrap();
        set_mode(&file, 0o644);
        let (code, said) = run(&folder, &["check", &flag]);
        assert_eq!(code, Some(78), "{pattern}: {said}");
        let named = said.contains(&*accounts.to_string_lossy());
        assert!(named && said.contains("Permission denied"), "{said}");
    }
}
