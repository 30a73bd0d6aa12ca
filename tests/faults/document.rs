//! The table in the documentation. `UPDATE_GOLDEN=1` rewrites the rows.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::row::Row;

/// Compares a row with the documentation. `UPDATE_GOLDEN=1` appends a new row at the end; move it
/// to where it reads best.
pub fn has(row: &Row) {
    let (line, file) = (row.line(), file());
    let lock_file = File::open(&file).unwrap();
    lock_file.lock().unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        match lines.iter().position(|old| name(old) == Some(row.name)) {
            Some(old) => lines[old] = &line,
            None => lines.push(&line),
        }
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let written = text.lines().find(|line| name(line) == Some(row.name));
    assert_eq!(
        written,
        Some(line.as_str()),
        "{} differs (`make golden` rewrites it)",
        file.display()
    );
}

/// Returns the name of the test that a line belongs to, or `None` if the line is not a row.
fn name(line: &str) -> Option<&str> {
    let (_, cells) = line.strip_prefix("| ")?.split_once("<br>`")?;
    cells.split('`').next()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")
}

#[test]
fn every_row_has_a_test_and_every_test_a_row() {
    // A build may have replaced the file of this program since it started.
    let own = Command::new("/proc/self/exe")
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let tests = String::from_utf8(own.stdout).unwrap();
    let tests: BTreeSet<&str> = tests
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|path| !path.starts_with("document::"))
        .map(|path| path.rsplit("::").next().unwrap())
        .collect();
    let text = std::fs::read_to_string(file()).unwrap();
    let rows: Vec<&str> = text.lines().filter_map(name).collect();
    let names: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(names, tests);
    assert_eq!(rows.len(), names.len(), "each row once");
}
