//! The recipes for planned changes on docs/alerting.md: a real Alertmanager accepts them.

use std::process::{Command, Output};

use super::alertmanager::{Alertmanager, shipped};
use super::service::folder_with;
use crate::support::parts::part;

/// Returns the code blocks of the chapter in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/alerting.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, chapter) = page.split_once("\n## Planned changes\n").unwrap();
    let chapter = chapter.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    let blocks = chapter.split(&fence).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_silence_is_one_that_alertmanager_takes() {
    let alertmanager = Alertmanager::start(shipped()).await;
    let url = format!("http://{}", alertmanager.address());
    let amtool = part("amtool").display().to_string();
    let mut added = 0;
    for line in blocks("sh").concat().lines() {
        let arguments = line.strip_prefix("amtool ").unwrap();
        added += usize::from(arguments.starts_with("silence add"));
        // The page has names of accounts where a shell would see no special character.
        let command = format!("{amtool} --alertmanager.url={url} {arguments}");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
    assert!(added >= 4, "{added}");
    let query = ["--alertmanager.url", &url, "silence", "query", "--quiet"];
    let Output { stdout, .. } = Command::new(amtool).args(query).output().unwrap();
    let silences = String::from_utf8(stdout).unwrap();
    assert_eq!(silences.lines().count(), added, "{silences}");
}

#[test]
fn the_window_that_returns_is_sound() {
    let blocks = blocks("yaml");
    assert!(!blocks.is_empty());
    for block in blocks {
        let folder = folder_with(&[("alertmanager.yaml", block)]);
        let file = folder.path().join("alertmanager.yaml");
        let checked = Command::new(part("amtool"))
            .arg("check-config")
            .arg(file)
            .output();
        let output = checked.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}
