//! Values that the chart refuses: of the wrong kind, names that Kubernetes does not allow, and numbers
//! without quotes where text is needed.

use serde_json::json;

use super::helm::{CHART, helm};
use super::objects::{check_config, the};
use super::tool::root;
use super::unusual::{refused, rendered};

#[test]
fn wrong_values_are_refused() {
    let refused = [
        ("replicaCount=two", "replicaCount"),
        ("replicas=2", "replicas"),
        ("persistence.enabled=true,replicaCount=2", "replicaCount"),
        ("shards=0", "shards"),
        ("shards=101", "shards"),
        ("shards=eight", "shards"),
        ("shards=null", "shards"),
        ("image.digest=sha256:12", "digest"),
        ("service.type=Public", "type"),
        ("log.level=loud", "level"),
        ("serviceMonitor.interval=30", "interval"),
        ("serviceMonitor.scheme=ftp", "scheme"),
        ("webConfig.tls=true", "existingSecret"),
        ("prometheusRule.ownerLabels={a-b}", "ownerLabels"),
        ("existingSecrets[0].name=a", "env"),
        (
            "existingSecrets[0].name=a,existingSecrets[0].mount=false",
            "mount",
        ),
        ("serviceAccount.tkeRoleArn=audit-reader", "tkeRoleArn"),
        // Helm converts it to a number, and its digits would be lost in a ConfigMap.
        (
            "config.trusted_storage_accounts={100000000009}",
            "trusted_storage_accounts",
        ),
        ("config.accounts.prod.labels.cost=7", "cost"),
        (
            "config.accounts.prod.credentials.secret_key=abc",
            "secret_key",
        ),
        (
            "config.organizations.main.credentials.secret_id=abc",
            "secret_id",
        ),
    ];
    for (value, named) in refused {
        let chart = root().join(CHART);
        let rendered = helm(&["template", "audit", "--set", value], &chart, None);
        let objection = rendered.expect_err(value);
        assert!(objection.contains(named), "{value}: {objection}");
    }
}

#[test]
fn names_of_secrets_are_free_and_of_objects_are_checked() {
    let long = "a".repeat(253);
    let secrets = json!({"existingSecrets": [
        {"name": "star.example.com", "mount": true},
        {"name": long, "mount": true},
        {"name": "12345678", "mount": true, "env": {"A": "b"}},
    ]});
    let objects = rendered(&secrets.to_string());
    let pod = &the(&objects, "Deployment")["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().expect("a list").iter();
    let names: Vec<_> = volumes
        .filter_map(|it| it["secret"]["secretName"].as_str())
        .collect();
    assert_eq!(names, ["star.example.com", long.as_str(), "12345678"]);

    for name in [
        "A_b",
        "Audit",
        "-a",
        "a-",
        "a.b",
        "1a",
        "a b",
        &"a".repeat(64),
    ] {
        refused(
            &json!({"fullnameOverride": name}).to_string(),
            "fullnameOverride",
        );
        refused(&json!({"nameOverride": name}).to_string(), "nameOverride");
    }
    refused(
        "existingSecrets: [{name: a, mount: true}, {name: a, env: {A: b}}]",
        "there twice",
    );
    refused(
        "existingSecrets: [{name: A_b, mount: true}]",
        "existingSecrets",
    );
    refused("existingConfigMap: A_b", "existingConfigMap");
    refused("existingConfigMap: 123", "existingConfigMap");
    refused(
        "persistence: {enabled: true, existingClaim: A_b}",
        "existingClaim",
    );
    refused("serviceAccount: {name: A_b}", "serviceAccount");
    let quoted = rendered(
        "{existingConfigMap: '123', priorityClassName: '1e3', serviceAccount: {create: false, name: '0123'}}",
    );
    let pod = &the(&quoted, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], "0123");
    assert_eq!(pod["priorityClassName"], "1e3");
}

/// Helm reads numbers before the chart sees them, and what was written is lost.
#[test]
fn text_without_quotes_is_refused_and_with_quotes_stays() {
    for (values, named) in [
        (
            "config: {accounts: {prod: {assume_role: {external_id: 0123456}}}}",
            "external_id",
        ),
        (
            "config: {accounts: {prod: {assume_role: {external_id: 12345678901234567890}}}}",
            "external_id",
        ),
        (
            "config: {accounts: {prod: {expected_tracks: [007]}}}",
            "expected_tracks",
        ),
        (
            "config: {accounts: {prod: {expected_tracks: [{name: 007}]}}}",
            "expected_tracks",
        ),
        ("config: {accounts: {prod: {uin: 100000000001}}}", "uin"),
        ("config: {accounts: {prod: {labels: {yes: a}}}}", "labels"),
        (
            "config: {organizations: {main: {role_name: 1e3}}}",
            "role_name",
        ),
        ("config: {accounts: {0123: {}}}", "0123"),
        ("config: {accounts: {1e3: {}}}", "0123"),
        ("config: {accounts: {yes: {}}}", "yes"),
        ("config: {accounts: {prod: {regoins: [a]}}}", "regoins"),
        (
            "config: {poll: {interval: 60}, accounts: {prod: {}}}",
            "interval",
        ),
        (
            "config: {poll: {interval: ''}, accounts: {prod: {}}}",
            "interval",
        ),
        ("config: {pol: {}, accounts: {prod: {}}}", "pol"),
        ("extraEnv: [{name: A, value: 1}]", "extraEnv"),
        ("extraEnv: [{name: A, value: true}]", "extraEnv"),
        ("extraArgs: [1]", "extraArgs"),
        ("podAnnotations: {a: 1}", "podAnnotations"),
        (
            "existingSecrets: [{name: 12345678, mount: true}]",
            "existingSecrets",
        ),
    ] {
        refused(values, named);
    }
    let objects = rendered(
        "config: {accounts: {'0123': {}, prod: {uin: '100000000001', labels: {cost: '1e3'}, \
         expected_tracks: ['007', '12345678901234567890', 'yes']}}, x-own: 1}",
    );
    let config = the(&objects, "ConfigMap");
    let targets = check_config(config).expect("the exporter takes it");
    for text in ["0123", "1e3", "007", "12345678901234567890", "yes"] {
        assert!(targets.contains(text), "{text}: {targets}");
    }
}
