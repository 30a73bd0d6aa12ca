//! The chart with several shards: one workload each, and everything else for all of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::chart::{CHART, helm, rendered};
use super::objects::{container_of, objects, the, workloads};
use super::tool::root;

/// As `values/sharded.yaml` has it.
const SHARDS: usize = 8;

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("it has a name")
}

fn labels(workload: &Value) -> &Value {
    &workload["spec"]["template"]["metadata"]["labels"]
}

fn selector(workload: &Value) -> &Value {
    &workload["spec"]["selector"]["matchLabels"]
}

/// Whether a pod with these labels is selected.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().expect("a mapping");
    wanted.iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn each_shard_is_told_which_one_it_is() {
    let objects = rendered(Some("sharded"));
    let shards = workloads(&objects);
    assert_eq!(shards.len(), SHARDS);
    for (ordinal, shard) in shards.iter().enumerate() {
        let arguments = container_of(shard)["args"].as_array().expect("a list");
        let told: Vec<&str> = arguments
            .iter()
            .filter_map(|argument| argument.as_str())
            .filter(|argument| argument.contains("shard"))
            .collect();
        assert_eq!(
            told,
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

/// A Deployment whose selector fits the pods of another would take them for its own.
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
fn what_is_there_once_is_for_all_shards() {
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
fn each_shard_has_a_claim_of_its_own_and_the_first_keeps_its_own() {
    let objects = rendered(Some("sharded"));
    let claim = |shard: &Value| {
        let volumes = shard["spec"]["template"]["spec"]["volumes"].clone();
        let mut volumes = volumes.as_array().expect("a list").clone().into_iter();
        let state = volumes.find(|volume| volume["name"] == "state");
        let claim = &state.expect("there is one")["persistentVolumeClaim"]["claimName"];
        claim.as_str().expect("it has a claim").to_owned()
    };
    let used: BTreeSet<String> = workloads(&objects).into_iter().map(claim).collect();
    assert_eq!(used.len(), SHARDS);
    let made = objects
        .iter()
        .filter(|object| object["kind"] == "PersistentVolumeClaim");
    let mut there: BTreeSet<String> = made.map(|object| name(object).to_owned()).collect();
    assert!(
        there.insert("audit".to_owned()),
        "what is there is not made"
    );
    assert_eq!(used, there);
}

/// What cannot be changed of an object has to be the same, or the upgrade is refused.
#[test]
fn from_one_to_eight_the_first_stays_what_it_is() {
    let rendered = |shards: usize| {
        let shards = format!("shards={shards},persistence.enabled=true");
        let template = ["template", "audit", "--set", &shards];
        objects(&helm(&template, &root().join(CHART), None).expect("it is sound"))
            .expect("it is sound")
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
        "one alone is told nothing"
    );
}

/// Otherwise the old pod of a shard would poll what is a new shard's by now.
#[test]
fn the_old_pods_go_before_the_new_ones_come() {
    let template = ["template", "audit", "--set", "shards=2,replicaCount=2"];
    let manifests = helm(&template, &root().join(CHART), None).expect("it is sound");
    for shard in workloads(&objects(&manifests).expect("it is sound")) {
        assert_eq!(shard["spec"]["strategy"], json!({"type": "Recreate"}));
        assert_eq!(shard["spec"]["replicas"], 2);
    }
}
