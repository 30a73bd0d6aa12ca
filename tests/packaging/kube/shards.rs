//! The chart with several shards: one workload for each shard, and all other objects shared.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::helm::{CHART, helm, rendered};
use super::objects::{container_of, objects, the, workloads};
use super::tool::root;

/// The number of shards in `values/sharded.yaml`.
const SHARDS: usize = 8;

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("a name")
}

fn labels(workload: &Value) -> &Value {
    &workload["spec"]["template"]["metadata"]["labels"]
}

fn selector(workload: &Value) -> &Value {
    &workload["spec"]["selector"]["matchLabels"]
}

/// Returns whether a selector matches these labels.
fn selects(selector: &Value, labels: &Value) -> bool {
    let required = selector.as_object().expect("a mapping");
    required.iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn each_shard_has_its_ordinal() {
    let objects = rendered(Some("sharded"));
    let shards = workloads(&objects);
    assert_eq!(shards.len(), SHARDS);
    for (ordinal, shard) in shards.iter().enumerate() {
        let arguments = container_of(shard)["args"].as_array().expect("a list");
        let flags: Vec<&str> = arguments
            .iter()
            .filter_map(|argument| argument.as_str())
            .filter(|argument| argument.contains("shard"))
            .collect();
        assert_eq!(
            flags,
            [
                format!("--shard={ordinal}"),
                format!("--total-shards={SHARDS}")
            ]
        );
        assert_eq!(
            labels(shard)["cloudaudit-exporter/shard"],
            ordinal.to_string()
        );
        assert_eq!(labels(shard)["g"], "h");
    }
}

/// A Deployment adopts all pods that its selector matches.
#[test]
fn no_shard_selects_the_pods_of_another() {
    let objects = rendered(Some("sharded"));
    let shards = workloads(&objects);
    for shard in &shards {
        let selected = shards
            .iter()
            .filter(|other| selects(selector(shard), labels(other)));
        let selected: Vec<&str> = selected.map(|other| name(other)).collect();
        assert_eq!(selected, [name(shard)]);
    }
}

#[test]
fn shared_objects_select_all_shards() {
    let objects = rendered(Some("sharded"));
    let selectors = [
        &the(&objects, "Service")["spec"]["selector"],
        &the(&objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        &the(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ];
    for selector in selectors {
        for shard in workloads(&objects) {
            assert!(selects(selector, labels(shard)), "{selector}");
        }
    }
    let monitor = &the(&objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"];
    let service = &the(&objects, "Service")["metadata"]["labels"];
    assert!(selects(monitor, service), "{monitor}");
}

#[test]
fn each_shard_has_its_own_claim_and_the_first_keeps_the_existing_one() {
    let objects = rendered(Some("sharded"));
    let claim = |shard: &Value| {
        let volumes = shard["spec"]["template"]["spec"]["volumes"].clone();
        let mut volumes = volumes.as_array().expect("a list").clone().into_iter();
        let state = volumes.find(|volume| volume["name"] == "state");
        let claim = &state.expect("a state volume")["persistentVolumeClaim"]["claimName"];
        claim.as_str().expect("a claim").to_owned()
    };
    let used: BTreeSet<String> = workloads(&objects).into_iter().map(claim).collect();
    assert_eq!(used.len(), SHARDS);
    let created = objects
        .iter()
        .filter(|object| object["kind"] == "PersistentVolumeClaim");
    let mut existing: BTreeSet<String> = created.map(|object| name(object).to_owned()).collect();
    assert!(
        existing.insert("audit".to_owned()),
        "the existing claim is created again"
    );
    assert_eq!(used, existing);
}

/// Immutable fields must stay the same, or Kubernetes rejects the upgrade.
#[test]
fn scaling_from_one_to_eight_shards_keeps_the_first() {
    let rendered = |shards: usize| {
        let shards = format!("shards={shards},persistence.enabled=true");
        let template = ["template", "audit", "--set", &shards];
        objects(&helm(&template, &root().join(CHART), None).expect("valid")).expect("valid")
    };
    let (one, eight) = (rendered(1), rendered(SHARDS));
    let (alone, first) = (workloads(&one)[0], workloads(&eight)[0]);
    assert_eq!(name(alone), "audit-cloudaudit-exporter");
    assert_eq!(name(first), name(alone));
    assert_eq!(selector(alone), selector(first));
    assert_eq!(labels(alone), labels(first));
    let volumes = |workload: &Value| workload["spec"]["template"]["spec"]["volumes"].clone();
    assert_eq!(volumes(alone), volumes(first));
    let claim = the(&one, "PersistentVolumeClaim");
    assert!(eight.contains(claim), "{claim}");
    assert_eq!(the(&one, "Service"), the(&eight, "Service"));
    assert!(
        !container_of(alone)["args"].to_string().contains("shard"),
        "a single workload has shard flags"
    );
}

/// Otherwise, an old pod would still poll accounts of a new shard.
#[test]
fn old_pods_stop_before_new_ones_start() {
    let template = ["template", "audit", "--set", "shards=2,replicaCount=2"];
    let manifests = helm(&template, &root().join(CHART), None).expect("valid");
    for shard in workloads(&objects(&manifests).expect("valid")) {
        assert_eq!(shard["spec"]["strategy"], json!({"type": "Recreate"}));
        assert_eq!(shard["spec"]["replicas"], 2);
    }
}
