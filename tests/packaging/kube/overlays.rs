//! The Kustomize base and the example on top of it.

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

fn is_sound(objects: &[Value]) {
    is_confined(objects);
    mounts_fit(objects);
    check_config(the(objects, "ConfigMap")).expect("the configuration is sound");
    check_rules(the(objects, "PrometheusRule")).expect("the rules are sound");
    assert_eq!(
        the(objects, "ServiceMonitor")["spec"]["endpoints"][0]["honorLabels"],
        true
    );
    let image = container(objects)["image"].as_str().expect("it has one");
    assert!(
        image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))),
        "{image}"
    );
}

#[test]
fn the_base_is_valid_confined_and_complete() {
    let objects = kustomize(&root().join("deploy/kustomize/base")).expect("it is sound");
    is_sound(&objects);
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
fn the_example_puts_its_own_on_top() {
    let objects =
        kustomize(&root().join("deploy/kustomize/overlays/example")).expect("it is sound");
    is_sound(&objects);
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
        *state.expect("there is one"),
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
    let targets = check_config(the(&objects, "ConfigMap")).expect("it is sound");
    assert!(targets.contains("payments"), "{targets}");
}

#[test]
fn the_example_with_files_has_no_key_in_its_environment() {
    let folder = root().join("deploy/kustomize/overlays/secret-files");
    let objects = kustomize(&folder).expect("it is sound");
    is_sound(&objects);
    let container = container(&objects);
    assert!(container.get("envFrom").is_none(), "{container}");
    let mounts = container["volumeMounts"].as_array().expect("a list");
    let config = &the(&objects, "ConfigMap")["data"]["config.yaml"];
    let config = config.as_str().expect("a text");
    for mount in mounts.iter().filter(|mount| mount["name"] == "key") {
        let path = mount["mountPath"].as_str().expect("it has one");
        assert_eq!(config.matches(&format!("{path}/secret-")).count(), 2);
    }
    assert_eq!(mounts.len(), 3);
    let targets = check_config(the(&objects, "ConfigMap")).expect("it is sound");
    assert!(targets.contains("main"), "{targets}");
}

/// What has to be said twice is the same, and each pod can read its ordinal from its host name.
#[test]
fn the_sharded_example_has_as_many_pods_as_it_says() {
    let folder = root().join("deploy/kustomize/overlays/sharded");
    let objects = kustomize(&folder).expect("it is sound");
    is_sound(&objects);
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
    let targets = check_config(the(&objects, "ConfigMap")).expect("it is sound");
    assert!(targets.contains("1 organization"), "{targets}");
}

#[test]
fn a_field_that_does_not_exist_is_objected_to() {
    let folder = TempDir::new().expect("a temporary folder can be made");
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
    let objections = kustomize(folder.path()).expect_err("there are no such fields");
    assert!(objections.contains("enableServiceLink"), "{objections}");
    assert!(objections.contains("honorLabel"), "{objections}");
}
