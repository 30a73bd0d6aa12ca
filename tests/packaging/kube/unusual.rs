//! Values that people write and a chart may stumble over: nulls, handlers of their own, and
//! flags that move what probes look for.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::CHART;
use super::objects::{container, objects, the};
use super::tool::{root, run};
use crate::support::parts::part;

/// Everything that can be switched on, but for what is large and takes the judge long.
const SMALL_ONES_ON: &str = "{persistence: {enabled: true}, serviceMonitor: {enabled: true}, networkPolicy: {enabled: true}, podDisruptionBudget: {enabled: true}}";
const LARGE_ONES_ON: &str = "{prometheusRule: {enabled: true}, dashboards: {enabled: true}}";

/// Renders the chart with several files of values, the last one wins.
fn template(values: &[&str]) -> Result<String, String> {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let mut helm = Command::new(part("helm"));
    helm.args(["template", "audit", "--namespace", "watch"])
        .arg(root().join(CHART));
    for (number, text) in values.iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, text).expect("it can be written");
        helm.arg("--values").arg(file);
    }
    run(&mut helm)
}

pub(super) fn rendered(values: &str) -> Vec<Value> {
    let text = template(&[values]).unwrap_or_else(|error| panic!("{values}: {error}"));
    objects(&text).unwrap_or_else(|error| panic!("{values}: {error}"))
}

pub(super) fn refused(values: &str, named: &str) {
    let objection = template(&[values]).expect_err(values);
    assert!(objection.contains(named), "{values}: {objection}");
}

/// The path of every value and of every mapping of values.
fn paths(value: &Value, prefix: &str, found: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        paths(inner, &format!("{path}."), found);
        found.push(path);
    }
}

#[test]
fn no_value_that_is_null_is_a_crash() {
    let to_json =
        "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let file = root().join(CHART).join("values.yaml");
    let values = run(Command::new(part("python")).args(["-c", to_json]).arg(file));
    let values = serde_json::from_str(&values.expect("it is YAML")).expect("it is JSON");
    let mut all = Vec::new();
    paths(&values, "", &mut all);
    assert!(all.len() > 80, "{all:?}");
    // It has no default that a chart could choose, and says so.
    // Kubernetes itself requires the type of a seccomp profile.
    let needed = ["shards", "podSecurityContext.seccompProfile.type"];
    all.retain(|path| !needed.contains(&path.as_str()));
    // Most renders differ in one object. The judge is slow, so it sees each different object once.
    let mut different = BTreeSet::new();
    for path in &all {
        let keys = path.split('.').rev();
        let null = keys.fold(json!(null), |inner, key| json!({ key: inner }));
        let is_large = path.starts_with("prometheusRule") || path.starts_with("dashboards");
        let on = if is_large {
            LARGE_ONES_ON
        } else {
            SMALL_ONES_ON
        };
        let text = template(&[on, &null.to_string()]);
        let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
        if !is_large {
            different.extend(text.split("---\n").map(str::to_owned));
        }
    }
    // The judge takes a name only once, so each object has a namespace of its own.
    let own = |(number, text): (usize, &String)| {
        text.replace(
            "namespace: \"watch\"",
            &format!("namespace: watch-{number}"),
        )
    };
    let manifests: Vec<String> = different.iter().enumerate().map(own).collect();
    let manifests = manifests.join("\n---\n");
    objects(&manifests).expect("all of them are valid");
}

#[test]
fn a_handler_of_your_own_replaces_the_one_of_the_chart() {
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        for (handler, how) in [
            (
                "exec",
                json!({"command": ["cloudaudit-exporter", "health"]}),
            ),
            ("tcpSocket", json!({"port": "http"})),
            ("grpc", json!({"port": 1})),
        ] {
            let objects = rendered(&json!({probe: {handler: how}}).to_string());
            let probe = &container(&objects)[probe];
            assert_eq!(probe[handler], how, "{probe}");
            assert_eq!(probe["httpGet"], Value::Null, "{probe}");
        }
        let two = json!({probe: {"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}});
        refused(&two.to_string(), "keep one");
    }
    let objects = rendered("{livenessProbe: null, readinessProbe: {periodSeconds: 5}}");
    let container = container(&objects);
    assert_eq!(container["livenessProbe"], Value::Null);
    assert_eq!(container["startupProbe"], Value::Null);
    assert_eq!(container["readinessProbe"]["periodSeconds"], 5);
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/-/ready");
}

#[test]
fn the_nearer_label_wins() {
    let near = "labels: {release: near, app.kubernetes.io/name: mine}";
    let objects = rendered(&format!(
        "{{commonLabels: {{release: far}}, podLabels: {{release: near}}, service: {{{near}}}, \
         serviceMonitor: {{enabled: true, {near}}}, prometheusRule: {{enabled: true, {near}}}, \
         dashboards: {{enabled: true, {near}}}}}"
    ));
    let release = |kind: &str| the(&objects, kind)["metadata"]["labels"]["release"].clone();
    for kind in ["Service", "ServiceMonitor", "PrometheusRule"] {
        assert_eq!(release(kind), "near", "{kind}");
        let name = &the(&objects, kind)["metadata"]["labels"]["app.kubernetes.io/name"];
        assert_eq!(name, "cloudaudit-exporter", "selectors need it");
    }
    assert_eq!(release("Deployment"), "far");
    let pod = &the(&objects, "Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(pod["release"], "near");
    let boards = objects.iter().filter(|it| it["kind"] == "ConfigMap");
    assert!(
        boards
            .map(|it| &it["metadata"]["labels"]["release"])
            .all(|it| it == "near")
    );
}

#[test]
fn probes_and_scrapes_follow_the_flags() {
    let at = |values: &str| {
        let objects = rendered(&format!("{{serviceMonitor: {{enabled: true}}, {values}}}"));
        let container = container(&objects);
        let path = |probe: &str| container[probe]["httpGet"]["path"].clone();
        assert_eq!(container["ports"][0]["name"], "http");
        json!([
            path("livenessProbe"),
            path("readinessProbe"),
            the(&objects, "ServiceMonitor")["spec"]["endpoints"][0]["path"],
            container["ports"][0]["containerPort"]
        ])
    };
    for (values, expected) in [
        (
            "extraArgs: []",
            json!(["/-/healthy", "/-/ready", "/metrics", 10629]),
        ),
        (
            "extraArgs: [--web.route-prefix=/audit]",
            json!([
                "/audit/-/healthy",
                "/audit/-/ready",
                "/audit/metrics",
                10629
            ]),
        ),
        (
            "extraArgs: [--web.route-prefix, /audit/]",
            json!([
                "/audit/-/healthy",
                "/audit/-/ready",
                "/audit/metrics",
                10629
            ]),
        ),
        (
            "extraArgs: ['--web.external-url=https://example.com/a/b/']",
            json!(["/a/b/-/healthy", "/a/b/-/ready", "/a/b/metrics", 10629]),
        ),
        (
            "extraArgs: ['--web.external-url=https://example.com/a', --web.route-prefix=/]",
            json!(["/-/healthy", "/-/ready", "/metrics", 10629]),
        ),
        (
            "extraArgs: [--web.telemetry-path=/m, '--web.listen-address=:9000']",
            json!(["/-/healthy", "/-/ready", "/m", 9000]),
        ),
        (
            "extraArgs: [--web.listen-address, '0.0.0.0:9000', --web.telemetry-path, /m]",
            json!(["/-/healthy", "/-/ready", "/m", 9000]),
        ),
        (
            "extraEnv: [{name: CLOUDAUDIT_EXPORTER_WEB_ROUTE_PREFIX, value: /e}]",
            json!(["/e/-/healthy", "/e/-/ready", "/e/metrics", 10629]),
        ),
    ] {
        assert_eq!(at(values), expected, "{values}");
    }
    for address in ["127.0.0.1:9000", "unix:/run/a", ":0", "9000"] {
        let values = json!({"extraArgs": [format!("--web.listen-address={address}")]});
        refused(&values.to_string(), "use --web.listen-address=:10629");
    }
}

#[test]
fn the_notes_name_where_the_key_comes_from() {
    let with = |credentials: &str| {
        let value = format!(
            r#"config={{"accounts": {{"prod": {{"credentials": {{"{credentials}": {{}}}}}}}}}}"#
        );
        notes(&["--set-json", &value])
    };
    assert!(notes(&[]).contains("WARNING: no credentials"));
    assert!(with("cvm_role").contains("from the role of the node"));
    assert!(with("tke_oidc").contains("serviceAccount.tkeRoleArn is empty"));
    let role = "serviceAccount.tkeRoleArn=qcs::cam::uin/100000000001:roleName/reader";
    let text = notes(&["--set", role]);
    assert!(
        text.contains("roleName/reader") && !text.contains("credentials"),
        "{text}"
    );
}

#[test]
fn the_notes_warn_without_a_lasting_volume() {
    let warning = "WARNING: no lasting volume";
    assert!(notes(&[]).contains(warning));
    assert!(!notes(&["--set=persistence.enabled=true"]).contains(warning));
}

fn notes(more: &[&str]) -> String {
    let mut helm = Command::new(part("helm"));
    helm.args(["install", "audit", "--dry-run=client"])
        .arg(root().join(CHART))
        .args(more);
    run(&mut helm).expect("it is sound")
}

#[test]
fn containers_and_objects_of_the_user_are_rendered_as_they_are() {
    let objects = rendered(
        "{image: {registry: registry.example.com}, extraEnvFrom: [{secretRef: {name: proxy}}], \
         initContainers: [{name: wait, image: busybox}], extraContainers: [{name: side, image: busybox}], \
         hostAliases: [{ip: 192.0.2.1, hostnames: [proxy.example.com]}], \
         dnsConfig: {options: [{name: ndots, value: '1'}]}, \
         extraManifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: mine}, data: {a: b}}]}",
    );
    let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
    let exporter = container(&objects);
    let image = exporter["image"].as_str().expect("it has an image");
    assert!(
        image.starts_with("registry.example.com/cloudaudit-exporter/"),
        "{image}"
    );
    assert_eq!(
        exporter["envFrom"],
        json!([{"secretRef": {"name": "proxy"}}])
    );
    assert_eq!(pod["initContainers"][0]["name"], "wait");
    assert_eq!(pod["containers"][1]["name"], "side");
    assert_eq!(pod["hostAliases"][0]["ip"], "192.0.2.1");
    assert_eq!(pod["dnsConfig"]["options"][0]["value"], "1");
    let mine = objects
        .iter()
        .find(|object| object["metadata"]["name"] == "mine");
    assert_eq!(mine.expect("it is rendered")["data"], json!({"a": "b"}));
}

#[test]
fn a_repository_with_a_registry_of_its_own_keeps_it() {
    let objects = rendered("{image: {repository: registry.example.com:5000/mirror/exporter}}");
    let image = &container(&objects)["image"];
    let image = image.as_str().expect("it has an image");
    assert!(
        image.starts_with("registry.example.com:5000/mirror/exporter:"),
        "{image}"
    );
}

#[test]
fn alerts_get_another_time_and_severity_and_their_names_are_checked() {
    let objects = rendered(
        "{prometheusRule: {enabled: true, additionalLabels: {release: monitoring}, \
         additionalRuleLabels: {tier: one, severity: none}, \
         alerts: {CloudAuditTrackAdded: {severity: warning}, CloudAuditThrottled: {for: 1h}}}}",
    );
    let object = the(&objects, "PrometheusRule");
    assert_eq!(object["metadata"]["labels"]["release"], "monitoring");
    let groups = object["spec"]["groups"].as_array().expect("it has groups");
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("it has rules"));
    let alert = |name: &str| {
        let mut rules = rules.clone();
        rules
            .find(|rule| rule["alert"] == name)
            .expect("it is there")
    };
    let added = alert("CloudAuditTrackAdded");
    assert_eq!(
        added["labels"],
        json!({"severity": "warning", "tier": "one"})
    );
    let throttled = alert("CloudAuditThrottled");
    assert_eq!(throttled["for"], "1h");
    assert_eq!(throttled["labels"]["severity"], "warning");
    for key in [
        "disabledAlerts: [CloudAuditNone]",
        "alerts: {CloudAuditNone: {for: 1m}}",
    ] {
        let values = format!("{{prometheusRule: {{enabled: true, {key}}}}}");
        refused(&values, "there is no alert \"CloudAuditNone\"");
    }
}
