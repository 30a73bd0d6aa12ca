//! Kubernetes objects: strict validation, and checks of the objects of this project.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::tool::{root, run, run_with};
use crate::support::parts::part;

/// Validates manifests against the schemas of Kubernetes and of the Prometheus Operator.
pub(crate) fn objects(manifests: &str) -> Result<Vec<Value>, String> {
    let script = root().join("tests/packaging/kube/objects.py");
    let json = run_with(Command::new(part("python")).arg(script), manifests)?;
    Ok(serde_json::from_str(&json).expect("JSON"))
}

/// Returns the only object of a kind.
pub(crate) fn the<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    match (found.next(), found.next()) {
        (Some(object), None) => object,
        (None, _) => panic!("there is no {kind}"),
        _ => panic!("there are several {kind}"),
    }
}

/// Returns the distinct kinds of all objects, sorted.
pub(crate) fn kinds(objects: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = objects
        .iter()
        .filter_map(|object| object["kind"].as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Returns the workloads that run the exporter: one, or one for each shard.
pub(crate) fn workloads(objects: &[Value]) -> Vec<&Value> {
    let runs = |object: &&Value| object["kind"] == "Deployment" || object["kind"] == "StatefulSet";
    let workloads: Vec<&Value> = objects.iter().filter(runs).collect();
    assert!(!workloads.is_empty(), "no workload");
    workloads
}

/// Returns the container of the exporter, which must be the only one.
pub(crate) fn container(objects: &[Value]) -> &Value {
    match *workloads(objects) {
        [workload] => container_of(workload),
        _ => panic!("there are several workloads"),
    }
}

pub(crate) fn container_of(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

/// Checks that pods conform to the Pod Security Standard "restricted", and more.
pub(crate) fn is_confined(objects: &[Value]) {
    for workload in workloads(objects) {
        let pod = &workload["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["enableServiceLinks"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        let container = container_of(workload);
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]));
        // Neither probe depends on the cloud.
        for (probe, path) in [
            ("livenessProbe", "/-/healthy"),
            ("readinessProbe", "/-/ready"),
        ] {
            assert_eq!(container[probe]["httpGet"]["path"], path);
        }
    }
}

/// Checks that all mounted volumes exist, and that all volumes are mounted.
pub(crate) fn mounts_fit(objects: &[Value]) {
    for workload in workloads(objects) {
        let spec = &workload["spec"];
        let volumes = names(&spec["template"]["spec"]["volumes"], "/name");
        let claimed = names(&spec["volumeClaimTemplates"], "/metadata/name");
        let mounts = names(&container_of(workload)["volumeMounts"], "/name");
        let mut all = [volumes, claimed].concat();
        all.sort_unstable();
        assert_eq!(all, mounts);
    }
}

/// Returns the sorted names in a list, which may be absent.
fn names<'a>(list: &'a Value, place: &str) -> Vec<&'a str> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let name = |item: &'a Value| item.pointer(place).and_then(Value::as_str);
    let mut names: Vec<&str> = list
        .iter()
        .map(|item| name(item).expect("a name"))
        .collect();
    names.sort_unstable();
    names
}

/// Checks the rules of a `PrometheusRule` with promtool.
pub(crate) fn check_rules(rule: &Value) -> Result<String, String> {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("rules.yaml");
    // JSON is valid YAML.
    fs::write(&file, rule["spec"].to_string()).expect("a writable file");
    run(Command::new(part("promtool"))
        .args(["check", "rules"])
        .arg(file))
}

/// Checks the configuration in a `ConfigMap` with the exporter.
pub(crate) fn check_config(config_map: &Value) -> Result<String, String> {
    check_with(config_map, &[])
}

/// Checks the configuration in a `ConfigMap` with the exporter and these flags.
pub(crate) fn check_with(config_map: &Value, flags: &[&str]) -> Result<String, String> {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("config.yaml");
    let text = config_map["data"]["config.yaml"].as_str().expect("a text");
    fs::write(&file, text).expect("a writable file");
    run(Command::new(env!("CARGO_BIN_EXE_cloudaudit-exporter"))
        .env_clear()
        .args(["check", "--config.file"])
        .arg(file)
        .args(flags))
}
