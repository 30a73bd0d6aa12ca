//! Package versions of two commits differ, and apt and dnf sort the later commit as newer.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::run::{ended, file, output};

#[test]
fn a_later_commit_makes_a_newer_package() {
    let folder = TempDir::new().unwrap();
    let commits = |count: u32| (0..count).for_each(|_| commit(folder.path()));
    git(folder.path(), &["init", "--quiet"]);
    commits(9);
    let early = version(folder.path());
    // A count with more digits must be compared as a number.
    commits(1);
    let late = version(folder.path());
    commits(1);
    git(folder.path(), &["tag", "v1.2.3"]);
    let tagged = version(folder.path());
    commits(1);
    let after = version(folder.path());

    assert_eq!(tagged, "1.2.3-1");
    assert!(early.starts_with("1.2.3-0.9.g"), "{early}");
    let versions = [early, late, tagged, after, "1.2.4-0.13.gabc".to_owned()];
    for pair in versions.windows(2) {
        assert!(is_older_to_dpkg(&pair[0], &pair[1]), "{pair:?}");
        assert!(is_older_to_rpm(&pair[0], &pair[1]), "{pair:?}");
        assert!(!is_older_to_dpkg(&pair[1], &pair[0]), "{pair:?}");
        assert!(!is_older_to_rpm(&pair[1], &pair[0]), "{pair:?}");
    }
}

#[test]
fn sources_without_history_have_the_version_of_the_tag() {
    assert_eq!(version(TempDir::new().unwrap().path()), "1.2.3-1");
}

fn version(folder: &Path) -> String {
    let mut command = Command::new(file("deploy/package/revision"));
    let revision = output(command.arg("1.2.3").current_dir(folder));
    format!("1.2.3-{}", revision.trim_end())
}

fn commit(folder: &Path) {
    let commit = ["commit", "--quiet", "--allow-empty", "--message", "change"];
    git(folder, &commit);
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test"];
    output(
        Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(folder),
    );
}

fn is_older_to_dpkg(one: &str, other: &str) -> bool {
    let arguments = ["--compare-versions", one, "lt", other];
    ended(Command::new("dpkg").args(arguments)).success
}

fn is_older_to_rpm(one: &str, other: &str) -> bool {
    let compared = format!("%{{lua:print(rpm.vercmp('{one}', '{other}'))}}");
    output(Command::new("rpm").args(["--eval", &compared])).trim() == "-1"
}
