//! The Helm chart, rendered in the ways that people will have it.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::{CHART, helm, render, rendered};
use super::objects::{check_config, check_rules, check_with, container, kinds, the};
use super::tool::{copy_folder, damage, read, root, run};
use crate::support::parts::part;

/// The files of values in tests/packaging/kube/values. Other values are the defaults of the chart.
const VALUES: [&str; 7] = [
    "everything",
    "operator",
    "kept",
    "borrowed",
    "keyless",
    "closed",
    "sharded",
];

/// A rules file of the repository, as JSON.
fn groups_of_source() -> Vec<Value> {
    let to_json = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1]))['groups'], sys.stdout)";
    let mut groups = Vec::new();
    for name in ["exporter.yaml", "shards.yaml", "tracks.yaml"] {
        let file = root().join("deploy/prometheus/rules").join(name);
        let json = run(Command::new(part("python")).args(["-c", to_json]).arg(file));
        let json = json.expect("it is YAML");
        groups.extend(serde_json::from_str::<Vec<Value>>(&json).expect("the script prints JSON"));
    }
    groups
}

/// Every rule of a `PrometheusRule`.
fn rules(rule: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups = list(&rule["spec"]["groups"]);
    groups
        .iter()
        .flat_map(|group| list(&group["rules"]))
        .collect()
}

#[test]
fn helm_lint_has_no_objection() {
    let lint = ["lint", "--strict"];
    helm(&lint, &root().join(CHART), None).expect("it is sound");
    for values in VALUES {
        helm(&lint, &root().join(CHART), Some(values)).expect("it is sound");
    }
}

#[test]
fn without_any_value_it_is_small_and_needs_no_operator() {
    let objects = rendered(None);
    assert_eq!(kinds(&objects), ["Deployment", "Service", "ServiceAccount"]);
    assert_eq!(
        the(&objects, "Deployment")["spec"]["strategy"]["type"],
        "RollingUpdate"
    );
    let arguments = &container(&objects)["args"];
    assert_eq!(
        *arguments,
        json!(["--log.level=info", "--log.format=logfmt"])
    );
    let image = container(&objects)["image"].as_str().expect("it has one");
    assert!(
        image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))),
        "{image}"
    );
}

#[test]
fn with_everything_each_value_arrives() {
    let objects = rendered(Some("everything"));
    assert_eq!(
        kinds(&objects),
        [
            "ConfigMap",
            "Deployment",
            "NetworkPolicy",
            "PodDisruptionBudget",
            "PrometheusRule",
            "Service",
            "ServiceAccount",
            "ServiceMonitor"
        ]
    );
    for object in &objects {
        let owner = &object["metadata"]["labels"]["owner"];
        // The nearer label wins.
        let nearer = if object["kind"] == "Service" {
            "service"
        } else {
            "platform"
        };
        assert!(owner == nearer, "{object}");
    }
    let container = container(&objects);
    assert_eq!(
        container["args"],
        json!([
            "--config.file=/etc/cloudaudit-exporter/config.yaml",
            "--config.enable-auto-reload",
            "--log.level=debug",
            "--log.format=json",
            "--web.enable-lifecycle"
        ])
    );
    let key = json!({
        "name": "PROD_SECRET_KEY",
        "valueFrom": {"secretKeyRef": {"name": "cloudaudit-prod", "key": "secret-key"}}
    });
    assert!(
        container["env"].as_array().expect("a list").contains(&key),
        "{container}"
    );

    let is_config = |object: &&Value| object["data"].get("config.yaml").is_some();
    let config = objects.iter().find(is_config).expect("there is one");
    let targets = check_config(config).expect("the exporter takes it");
    assert!(
        targets.contains("cost") && targets.contains("007"),
        "{targets}"
    );
    let policy = check_with(config, &["--policy"]).expect("it has one");
    for action in [
        "cloudaudit:DescribeEvents",
        "cos:GetBucket",
        "cls:DescribeLogHistogram",
    ] {
        assert!(policy.contains(action), "{policy}");
    }
    let config = config["data"]["config.yaml"].as_str().expect("a text");
    for key in ["sweep_interval: 15m", "operator_label: true", "grace: 2h"] {
        assert!(config.contains(key), "{config}");
    }

    let rule = the(&objects, "PrometheusRule");
    check_rules(rule).expect("the rules are sound");
    let text = rule.to_string();
    assert!(text.contains(", unit)") && !text.contains("team, env"));
    assert!(!text.contains("keep_firing_for") && !text.contains("CloudAuditTrackAdded"));
    let alerts = rules(rule);
    let alerts = alerts.iter().filter(|rule| rule["alert"].is_string());
    for alert in alerts {
        assert_eq!(alert["labels"]["cluster"], "one", "{alert}");
        assert_ne!(alert["labels"]["severity"], "none", "{alert}");
        let runbook = alert["annotations"]["runbook_url"]
            .as_str()
            .expect("each has one");
        assert!(
            runbook.starts_with("https://wiki.example.com/cloudaudit#"),
            "{runbook}"
        );
    }
}

#[test]
fn rules_and_dashboards_are_those_of_the_repository() {
    let objects = rendered(Some("operator"));
    let rule = the(&objects, "PrometheusRule");
    assert_eq!(rule["spec"]["groups"], Value::from(groups_of_source()));
    check_rules(rule).expect("the rules are sound");
    let monitor = &the(&objects, "ServiceMonitor")["spec"];
    assert_eq!(monitor["endpoints"][0]["honorLabels"], true);
    let service = &the(&objects, "Service")["metadata"]["labels"];
    for (label, value) in monitor["selector"]["matchLabels"]
        .as_object()
        .expect("a mapping")
    {
        assert_eq!(service[label], *value);
    }
    for name in ["fleet", "exporter"] {
        let key = format!("cloudaudit-{name}.json");
        let board = objects.iter().find_map(|object| object["data"].get(&key));
        let board = board.and_then(Value::as_str).expect("it is there");
        let json = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
        assert_eq!(
            json(board),
            json(&read(&format!("grafana/dashboards/{name}.json")))
        );
    }
}

#[test]
fn a_state_file_that_is_kept_has_one_writer() {
    let objects = rendered(Some("kept"));
    let deployment = the(&objects, "Deployment");
    assert_eq!(deployment["spec"]["strategy"], json!({"type": "Recreate"}));
    let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["checksum/config"].is_string(), "{annotations}");
    let claim = &the(&objects, "PersistentVolumeClaim")["spec"];
    assert_eq!(claim["resources"]["requests"]["storage"], "10Gi");
    assert_eq!(claim["storageClassName"], "cbs");
    check_config(the(&objects, "ConfigMap")).expect("the exporter takes it");
}

#[test]
fn what_is_there_already_is_not_made_again() {
    let objects = rendered(Some("borrowed"));
    assert_eq!(kinds(&objects), ["Deployment", "PrometheusRule", "Service"]);
    let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], "audit");
    let image = container(&objects)["image"].as_str().expect("it has one");
    assert!(image.contains("cloudaudit-exporter@sha256:"), "{image}");
    let rule = the(&objects, "PrometheusRule");
    assert!(!rule.to_string().contains("team"), "owner labels are gone");
    check_rules(rule).expect("the rules are sound");
}

#[test]
fn keys_come_as_files_or_not_at_all() {
    let objects = rendered(Some("keyless"));
    let account = &the(&objects, "ServiceAccount")["metadata"]["annotations"];
    assert_eq!(
        *account,
        json!({
            "a": "b",
            "tke.cloud.tencent.com/audience": "sts.cloud.tencent.com",
            "tke.cloud.tencent.com/role-arn": "qcs::cam::uin/100000000001:roleName/audit-reader"
        })
    );
    let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().expect("a list");
    let secret = json!({
        "name": "secret-0",
        // 0440 in JSON.
        "secret": {"secretName": "cloudaudit-prod", "defaultMode": 288}
    });
    assert!(volumes.contains(&secret), "{volumes:?}");
    let egress = &the(&objects, "NetworkPolicy")["spec"]["egress"];
    let metadata = json!({
        "to": [{"ipBlock": {"cidr": "169.254.0.23/32"}}],
        "ports": [{"port": 80, "protocol": "TCP"}]
    });
    assert_eq!(egress[2], metadata);

    let config = the(&objects, "ConfigMap");
    let targets = check_config(config).expect("the exporter takes it");
    let mounts = &container(&objects)["volumeMounts"];
    let mounts = mounts.as_array().expect("a list").iter();
    let mount = mounts
        .filter_map(|mount| mount["mountPath"].as_str())
        .find(|path| path.ends_with("cloudaudit-prod"));
    let named = config["data"]["config.yaml"].as_str().expect("a text");
    let mount = mount.expect("the Secret is mounted");
    assert!(named.contains(&format!("{mount}/secret-id")), "{named}");
    assert!(targets.contains("main"), "{targets}");
}

#[test]
fn clients_connect_by_https() {
    let objects = rendered(Some("closed"));
    let container = container(&objects);
    let arguments = container["args"].as_array().expect("a list");
    let file = arguments
        .iter()
        .filter_map(Value::as_str)
        .find_map(|argument| argument.strip_prefix("--web.config.file="));
    let folder = file.and_then(|file| file.strip_suffix("/web.yaml"));
    let mounts = container["volumeMounts"].as_array().expect("a list");
    let mounted = mounts.iter().find(|mount| mount["name"] == "web-config");
    assert_eq!(
        mounted.and_then(|mount| mount["mountPath"].as_str()),
        folder
    );
    let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
    let secret = json!({
        "name": "web-config",
        // 0440 in JSON.
        "secret": {"secretName": "cloudaudit-web", "defaultMode": 288}
    });
    let volumes = pod["volumes"].as_array().expect("a list");
    assert!(volumes.contains(&secret), "{volumes:?}");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["scheme"], "HTTPS", "{probe}");
    }
    let endpoint = &the(&objects, "ServiceMonitor")["spec"]["endpoints"][0];
    assert_eq!(endpoint["scheme"], "https");
    assert_eq!(
        endpoint["tlsConfig"]["serverName"],
        "cloudaudit.example.com"
    );
    assert_eq!(endpoint["basicAuth"]["username"]["key"], "username");

    let in_the_clear = rendered(Some("operator"));
    let endpoint = &the(&in_the_clear, "ServiceMonitor")["spec"]["endpoints"][0];
    assert_eq!(endpoint["scheme"], Value::Null);
}

/// Kubernetes takes no number for a label.
#[test]
fn a_release_that_is_called_by_a_number_has_text_for_labels() {
    let chart = root().join(CHART);
    let rendered = helm(&["template", "123", "--set=shards=2"], &chart, None).expect("it is sound");
    assert!(rendered.contains("instance: \"123\"\n"));
    assert!(!rendered.contains("instance: 123\n"));
}

#[test]
fn what_the_templates_get_wrong_is_found() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    copy_folder(&root().join(CHART), folder.path());
    let template = |name: &str| folder.path().join("templates").join(name);
    damage(
        &template("deployment.yaml"),
        "imagePullPolicy",
        "imagePulPolicy",
    );
    damage(
        &template("servicemonitor.yaml"),
        "honorLabels",
        "honorLabel",
    );
    let objections = render(folder.path(), Some("operator")).expect_err("there are no such fields");
    assert!(objections.contains("imagePulPolicy"), "{objections}");
    assert!(objections.contains("honorLabel"), "{objections}");

    let broken =
        json!({"spec": {"groups": [{"name": "a", "rules": [{"record": "b", "expr": "sum by"}]}]}});
    check_rules(&broken).expect_err("that is no expression");
    let broken = json!({"data": {"config.yaml": "acounts: {prod: {}}"}});
    let objection = check_config(&broken).expect_err("that is no key");
    assert!(objection.contains("acounts"), "{objection}");
}

#[test]
fn the_package_holds_what_the_links_lead_to() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let destination = folder.path().to_str().expect("it is text");
    let chart = root().join(CHART);
    helm(&["package", "--destination", destination], &chart, None).expect("it can be packed");
    let archive = concat!("cloudaudit-exporter-", env!("CARGO_PKG_VERSION"), ".tgz");
    run(Command::new("tar")
        .args(["-xzf", archive, "-C", destination])
        .current_dir(destination))
    .expect("it can be unpacked");
    let unpacked = folder.path().join("cloudaudit-exporter/files");
    for (packed, source) in [
        ("rules/tracks.yaml", "deploy/prometheus/rules/tracks.yaml"),
        (
            "rules/exporter.yaml",
            "deploy/prometheus/rules/exporter.yaml",
        ),
        ("rules/shards.yaml", "deploy/prometheus/rules/shards.yaml"),
        ("dashboards/fleet.json", "grafana/dashboards/fleet.json"),
        (
            "dashboards/exporter.json",
            "grafana/dashboards/exporter.json",
        ),
    ] {
        let packed = unpacked.join(packed);
        let metadata = fs::symlink_metadata(&packed).expect("it is there");
        assert!(metadata.is_file(), "{source}");
        assert!(
            fs::read_to_string(packed).expect("it is text") == read(source),
            "{source}"
        );
    }
}
