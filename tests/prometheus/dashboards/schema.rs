//! The dashboards conform to Grafana's own types.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::board;
use crate::support::parts::part;

/// Returns the schema violations in these files, one per line.
fn objections(files: &[PathBuf]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dashboards");
    let output = Command::new("node")
        .arg(folder.join("validate.mjs"))
        .arg(part("npm"))
        .args(files)
        .output()
        .expect("node can be started: run make parts");
    let stdout = String::from_utf8(output.stdout).expect("it prints text");
    let lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), lines.is_empty(), "{stderr}");
    lines
}

#[test]
fn the_boards_are_what_grafana_reads_and_broken_copies_are_not() {
    let mut files: Vec<PathBuf> = board::FILES.map(board::path).to_vec();
    let folder = TempDir::new().expect("a temporary folder can be made");
    for (name, pointer, value) in breaks() {
        let mut broken = board::read("fleet.json");
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        let parent = broken.pointer_mut(parent).expect("it points into a board");
        parent[key] = value;
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(&file, broken.to_string()).expect("the folder can be written to");
        files.push(file);
    }
    let objections = objections(&files);
    for (name, ..) in breaks() {
        let own = objections.iter().any(|line| line.starts_with(name));
        assert!(own, "{name} is not objected to");
    }
    let of_boards = |line: &&String| !breaks().iter().any(|(name, ..)| line.starts_with(name));
    let of_boards: Vec<&String> = objections.iter().filter(of_boards).collect();
    assert_eq!(of_boards, Vec::<&String>::new());
}

/// What is broken in each copy: a misspelt key, a wrong type, a value that Grafana does not know,
/// at the top and deep down.
fn breaks() -> [(&'static str, &'static str, Value); 7] {
    [
        ("unknown_key_of_the_board", "/timezones", json!("utc")),
        ("version_as_text", "/schemaVersion", json!("41")),
        ("unknown_kind", "/panels/0/type", json!("statistic")),
        ("unknown_option", "/panels/0/options/graph", json!("area")),
        ("unknown_mode", "/panels/0/options/graphMode", json!("bars")),
        (
            "unknown_field",
            "/panels/0/fieldConfig/defaults/units",
            json!("s"),
        ),
        ("misspelt_query", "/panels/0/targets/0/query", json!("up")),
    ]
}
