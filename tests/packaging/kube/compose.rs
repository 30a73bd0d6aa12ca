//! The compose file, checked by docker-compose, and its mounted files, checked by promtool.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::tool::{damage, read, root, run};
use crate::support::parts::part;

const FILE: &str = "deploy/compose.yaml";

/// The factor for the durations of the shipped rules, to match the speed of the demo.
const SCALE: &str = "1/30";

fn config(file: &Path) -> Result<Value, String> {
    let mut command = Command::new(part("docker-compose"));
    command.arg("--file").arg(file);
    let text = run(command.args(["config", "--format", "json"]))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn services(config: &Value) -> impl Iterator<Item = (&String, &Value)> {
    config["services"].as_object().expect("a mapping").iter()
}

fn list<'a>(service: &'a Value, key: &str) -> &'a [Value] {
    service[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn docker_compose_accepts_the_file_and_rejects_an_unknown_key() {
    let folder = TempDir::new().expect("a temporary folder");
    let copy = folder.path().join("compose.yaml");
    fs::copy(root().join(FILE), &copy).expect("a copy");
    config(&copy).expect("a valid copy");
    damage(&copy, "    tmpfs:", "    tmpsf:");
    let error = config(&copy).expect_err("an unknown key");
    assert!(error.contains("tmpsf"), "{error}");
}

#[test]
fn mounted_files_and_the_build_context_exist() {
    let config = config(&root().join(FILE)).expect("a valid configuration");
    let mut mounts = 0;
    for (name, service) in services(&config) {
        let volumes = list(service, "volumes").iter();
        for volume in volumes.filter(|volume| volume["type"] == "bind") {
            let source = volume["source"].as_str().expect("a path");
            assert!(Path::new(source).exists(), "{name}: {source}");
            assert_eq!(volume["read_only"], true, "{name}: {source}");
            mounts += 1;
        }
    }
    assert_eq!(mounts, 5);
    let build = &config["services"]["exporter"]["build"];
    assert_eq!(
        Path::new(build["context"].as_str().expect("a path")),
        root()
    );
    assert_eq!(build["dockerfile"], "deploy/Dockerfile");
}

#[test]
fn every_service_is_confined_and_has_a_health_check_and_a_loopback_port() {
    let config = config(&root().join(FILE)).expect("a valid configuration");
    for (name, service) in services(&config) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        let options = &service["security_opt"];
        assert_eq!(
            *options,
            serde_json::json!(["no-new-privileges:true"]),
            "{name}"
        );
        let test = list(&service["healthcheck"], "test");
        assert_eq!(
            test.first(),
            Some(&Value::from("CMD")),
            "{name}: without a shell"
        );
        assert_eq!(list(service, "ports").len(), 1, "{name}");
        for port in list(service, "ports") {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
    }
}

#[test]
fn golden_rules_of_the_demo_are_the_shipped_ones_scaled() {
    for name in ["tracks.yaml", "exporter.yaml", "shards.yaml"] {
        let source = format!("deploy/prometheus/rules/{name}");
        let edition = run(Command::new(part("python"))
            .arg(root().join("deploy/prometheus/edition"))
            .arg(root().join(source))
            .args(["--scale", SCALE]))
        .expect("an edition");
        let path = format!("deploy/compose/rules/{name}");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(root().join(&path), &edition).expect("a writable file");
        }
        assert!(read(&path) == edition, "{path} is out of date: make golden");
    }
}

#[test]
fn promtool_accepts_the_mounted_configuration() {
    let check = |folder: &Path| {
        let file = folder.join("prometheus.yaml");
        run(Command::new(part("promtool"))
            .args(["check", "config"])
            .arg(file))
    };
    let folder = TempDir::new().expect("a temporary folder");
    super::tool::copy_folder(&root().join("deploy/compose"), folder.path());
    let accepted = check(folder.path()).expect("a valid configuration");
    assert!(accepted.contains("3 rule files found"), "{accepted}");
    damage(
        &folder.path().join("rules/tracks.yaml"),
        "severity:",
        "severity;",
    );
    check(folder.path()).expect_err("invalid YAML");
}
