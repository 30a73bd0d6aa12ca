//! Where the state file is a link, or another user's.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::time::UNIX_EPOCH;

use cloudaudit_exporter::state::StateFile;
use tempfile::TempDir;

async fn write(path: &std::path::Path, value: u64) {
    let (file, _) = StateFile::<u64>::open(path, UNIX_EPOCH);
    file.write(move || value, UNIX_EPOCH).await.unwrap();
}

/// As when root runs `once` with the configuration of a daemon: the daemon can still read its file.
#[tokio::test]
async fn owner_and_group_are_kept_and_other_users_cannot_read_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.json");
    write(&path, 1).await;
    if chown(&path, Some(12_345), Some(54_321)).is_err() {
        eprintln!("not run: this needs root");
        return;
    }
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    write(&path, 2).await;
    let found = fs::metadata(&path).unwrap();
    let owner = (found.uid(), found.gid(), found.mode() & 0o777);
    assert_eq!(owner, (12_345, 54_321, 0o600));
}

#[tokio::test]
async fn a_link_to_what_is_not_there_yet_stays_a_link() {
    let folder = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let (path, target) = (
        folder.path().join("state.json"),
        other.path().join("real.json"),
    );
    symlink(&target, folder.path().join("between")).unwrap();
    symlink("between", &path).unwrap();
    write(&path, 1).await;
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::symlink_metadata(&target).unwrap().is_file());
    let (_, loaded) = StateFile::<u64>::open(&path, UNIX_EPOCH);
    assert_eq!(loaded.value, Some(1));
}
