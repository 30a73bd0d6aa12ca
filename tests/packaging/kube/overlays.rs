//! The Kustomize base and the example overlays.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::objects::{
    check_config, check_rules, container, is_confined, kinds, mounts_fit, objects, the,
};
use super::tool::{copy_folder, damage, root, run};
use crate::support::parts::part;

fn kustomize(folder: &std::path::Path) -> Result<Vec<Value>, String> {
    objects(&run(Command::new(part("kubectl"))
        .arg("kustomize")
        .arg(folder))?)
}

fn assert_valid(objects: &[Value]) {
    is_confined(objects);
    mounts_fit(objects);
    check_config(the(objects, "ConfigMap")).expect("a valid configuration");
    check_rules(the(objects, "PrometheusRule")).expect("valid rules");
    assert_eq!(
        the(objects, "ServiceMonitor")["spec"]["endpoints"][0]["honorLabels"],
        true
    );
    let image = container(objects)["image"].as_str().expect("a text");
    assert!(
        image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))),
        "{image}"
    );
}

#[test]
fn the_base_is_valid_confined_and_complete() {
    let objects = kustomize(&root().join("deploy/kustomize/base")).expect("valid");
    assert_valid(&objects);
    assert_eq!(
        kinds(&objects),
        [
            "ConfigMap",
            "Deployment",
            "PrometheusRule",
            "Service",
            "ServiceAccount",
            "ServiceMonitor"
        ]
    );
}

#[test]
fn the_example_overlay_applies_its_settings() {
    let objects = kustomize(&root().join("deploy/kustomize/overlays/example")).expect("valid");
    assert_valid(&objects);
    for object in &objects {
        assert_eq!(object["metadata"]["namespace"], "monitoring", "{object}");
    }
    let deployment = the(&objects, "Deployment");
    assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
    let pod = &deployment["spec"]["template"]["spec"];
    let claim = &the(&objects, "PersistentVolumeClaim")["metadata"]["name"];
    let state = pod["volumes"].as_array().expect("a list").iter();
    let state = state.clone().find(|volume| volume["name"] == "state");
    assert_eq!(
        *state.expect("a state volume"),
        json!({"name": "state", "persistentVolumeClaim": {"claimName": claim}})
    );
    assert_eq!(
        container(&objects)["envFrom"],
        json!([{"secretRef": {"name": "cloudaudit-prod"}}, {"secretRef": {"name": "cloudaudit-sandbox"}}])
    );
    assert_eq!(
        the(&objects, "PrometheusRule")["metadata"]["labels"]["release"],
        "prometheus"
    );
    let targets = check_config(the(&objects, "ConfigMap")).expect("valid");
    assert!(targets.contains("payments"), "{targets}");
}

#[test]
fn the_overlay_with_secret_files_has_no_key_in_its_environment() {
    let folder = root().join("deploy/kustomize/overlays/secret-files");
    let objects = kustomize(&folder).expect("valid");
    assert_valid(&objects);
    let container = container(&objects);
    assert!(container.get("envFrom").is_none(), "{container}");
    let mounts = container["volumeMounts"].as_array().expect("a list");
    let config = &the(&objects, "ConfigMap")["data"]["config.yaml"];
    let config = config.as_str().expect("a text");
    for mount in mounts.iter().filter(|mount| mount["name"] == "key") {
        let path = mount["mountPath"].as_str().expect("a text");
        assert_eq!(config.matches(&format!("{path}/secret-")).count(), 2);
    }
    assert_eq!(mounts.len(), 3);
    let targets = check_config(the(&objects, "ConfigMap")).expect("valid");
    assert!(targets.contains("main"), "{targets}");
}

/// The number of shards must be the same in both places. Each pod reads its ordinal from its host
/// name.
#[test]
fn the_sharded_overlay_has_as_many_pods_as_shards() {
    let folder = root().join("deploy/kustomize/overlays/sharded");
    let objects = kustomize(&folder).expect("valid");
    assert_valid(&objects);
    assert!(!kinds(&objects).contains(&"Deployment"));
    let shards = the(&objects, "StatefulSet");
    let replicas = &shards["spec"]["replicas"];
    let arguments = container(&objects)["args"].as_array().expect("a list");
    let total = json!(format!("--total-shards={replicas}"));
    assert!(arguments.contains(&total), "{replicas}: {arguments:?}");
    assert_eq!(shards["spec"]["podManagementPolicy"], "Parallel");
    assert_eq!(
        shards["spec"]["volumeClaimTemplates"][0]["metadata"]["name"],
        "state"
    );
    let targets = check_config(the(&objects, "ConfigMap")).expect("valid");
    assert!(targets.contains("1 organization"), "{targets}");
}

#[test]
fn an_unknown_field_is_rejected() {
    let folder = TempDir::new().expect("a temporary folder");
    copy_folder(&root().join("deploy/kustomize/base"), folder.path());
    damage(
        &folder.path().join("deployment.yaml"),
        "enableServiceLinks",
        "enableServiceLink",
    );
    damage(
        &folder.path().join("servicemonitor.yaml"),
        "honorLabels",
        "honorLabel",
    );
    let errors = kustomize(folder.path()).expect_err("unknown fields");
    assert!(errors.contains("enableServiceLink"), "{errors}");
    assert!(errors.contains("honorLabel"), "{errors}");
}
