//! The examples for Prometheus.

use std::fs;

use serde_json::Value;

use super::promtool::promtool;
use super::rule::{path, yaml};

fn examples() -> Vec<String> {
    let mut examples = vec!["deploy/prometheus/prometheus.yaml".to_owned()];
    for entry in fs::read_dir(path("deploy/prometheus/scrape")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_file() {
            examples.push(format!("deploy/prometheus/scrape/{name}"));
        }
    }
    assert!(examples.len() > 3);
    examples
}

#[test]
fn promtool_takes_every_example() {
    for example in examples() {
        assert_eq!(promtool(["check", "config", &example]), Ok(()), "{example}");
    }
}

#[test]
fn promtool_objects_to_an_example_that_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    fs::write(
        &broken,
        "scrape_configs: [{job_name: a, honour_labels: true}]\n",
    )
    .unwrap();
    let said = promtool(["check", "config", &broken.to_string_lossy()]).unwrap_err();
    assert!(said.contains("honour_labels"), "{said}");
}

#[test]
fn every_scrape_example_honors_labels() {
    for example in examples() {
        let file = yaml(&example);
        for job in file["scrape_configs"].as_array().unwrap() {
            assert_eq!(job["honor_labels"], Value::Bool(true), "{example}");
        }
    }
}
