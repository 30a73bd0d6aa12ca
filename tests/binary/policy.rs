//! `check --policy`: each caller gets the permissions that it needs, and no more.

use serde_json::{Value, json};

use crate::check::{FLEET, check};

fn policy(yaml: &str) -> Value {
    let said = check(yaml, &["--policy"]);
    assert_eq!(said, check(yaml, &["--policy", "--output", "json"]));
    serde_json::from_str(&said).unwrap()
}

fn allow(action: &[&str], resource: &[&str]) -> Value {
    json!({"effect": "allow", "action": action, "resource": resource})
}

/// Attribution searches for operators only in the members of an organization.
#[test]
fn attribution_needs_one_more_action() {
    let with = "cloudaudit:DescribeEvents";
    let actions = |policy: &Value| policy["statement"][0]["action"].to_string().contains(with);
    let account = "{accounts: {a: {}}, attribution: {enabled: true}}";
    assert!(actions(&policy(account)));
    assert!(!actions(&policy(
        "{accounts: {a: {}}, attribution: {enabled: false}}"
    )));
    let organization = "{poll: {details_interval: 1h}, attribution: {enabled: true}, \
                        organizations: {main: {role_name: audit-reader}}}";
    let policies = policy(organization);
    let of = |index: usize| {
        let policy = &policies[index];
        (
            policy["for"][0]["role"].is_string(),
            actions(&policy["policy"]),
        )
    };
    assert_eq!([of(0), of(1)], [(false, false), (true, true)]);
}

#[test]
fn checks_of_storage_need_no_permission_to_read_content() {
    let with = |account: &str| {
        policy(&format!(
            "{{accounts: {{a: {account}}}, delivery: {{enabled: true}}}}"
        ))
    };
    let first = |policy: &Value| policy["statement"][0]["action"].clone();
    let always = [
        "cloudaudit:DescribeAuditTracks",
        "cloudaudit:DescribeEvents",
    ];
    let and = |more: &[&str]| {
        let mut actions = [&always[..], more].concat();
        actions.sort_unstable();
        json!(actions)
    };
    let sts = "sts:GetCallerIdentity";
    let cls = ["cls:DescribeLogHistogram", "cls:DescribeTopics"];
    let kafka = "ckafka:DescribeTopicAttributes";
    // The command does not know the storage targets of the tracks.
    let unknown = with("{}");
    let all = [&cls[..], &[kafka, "cos:GetBucket", "cam:GetUserAppId", sts]].concat();
    assert_eq!(first(&unknown), and(&all));
    assert_eq!(unknown["statement"].as_array().unwrap().len(), 1);

    let bucket = "{name: t, storage_type: cos, storage_region: ap-guangzhou, storage_name: audit, storage_prefix: a b/审}";
    let known = with(&format!(
        "{{appid: '1250000001', expected_tracks: [{bucket}]}}"
    ));
    assert_eq!(first(&known), and(&[sts]));
    assert_eq!(
        known["statement"][1],
        json!({
            "effect": "allow",
            "action": ["cos:GetBucket"],
            "resource": ["qcs::cos:ap-guangzhou:uid/1250000001:audit-1250000001/*"],
            "condition": {"string_like": {"cos:prefix": "a%20b%2F%E5%AE%A1%2F*"}},
        })
    );
    // The console shows the name with the APPID.
    let full = bucket.replace("audit,", "audit-1250000001,");
    assert_eq!(
        with(&format!(
            "{{appid: '1250000001', expected_tracks: [{full}]}}"
        )),
        known
    );
    let topic = "{name: t, storage_type: cls}";
    assert_eq!(
        first(&with(&format!("{{expected_tracks: [{topic}]}}"))),
        and(&[&cls[..], &[sts]].concat())
    );
    // Without the APPID, the name of the bucket is not complete.
    let without = with(&format!("{{expected_tracks: [{bucket}]}}"));
    assert_eq!(
        first(&without),
        and(&["cos:GetBucket", "cam:GetUserAppId", sts])
    );
    let text = format!("{unknown}{known}{without}");
    for content in ["GetObject", "SearchLog", "FetchMessage"] {
        assert!(!text.contains(content), "{content}");
    }
}

/// If all accounts need the same permissions, there is one policy to paste into the console.
#[test]
fn accounts_with_equal_needs_share_one_policy() {
    let yaml =
        "accounts: {b: {credentials: {profile: {}}}, a: {}, c: {credentials: {cvm_role: {}}}}";
    let actions = ["cloudaudit:DescribeAuditTracks", "sts:GetCallerIdentity"];
    let statement = [allow(&actions, &["*"])];
    let expected = json!({"version": "2.0", "statement": statement});
    assert_eq!(policy(yaml), expected);
}

/// With a state file, the exporter verifies fixed keys too: a restart with the key of another account
/// must not continue the history.
#[test]
fn the_owner_of_a_fixed_key_is_verified_only_with_a_state_file() {
    let key = "{env: {secret_id: ID, secret_key: KEY}}";
    let role = "{arn: \"qcs::cam::uin/100000000002:roleName/audit-reader\"}";
    let verifies = |yaml: &str| {
        let policy = policy(yaml)["statement"][0].to_string();
        policy.contains("sts:GetCallerIdentity")
    };
    let state = "state: {file: state.json}";
    let fixed = format!("accounts: {{a: {{credentials: {key}}}}}");
    assert!(!verifies(&fixed));
    assert!(verifies(&format!("{{{state}, {fixed}}}")));

    // The key that assumes a role polls nothing.
    let assumes = format!("accounts: {{a: {{credentials: {key}, assume_role: {role}}}}}");
    let policies = policy(&format!("{{{state}, {assumes}}}"));
    let actions = |index: usize| policies[index]["policy"]["statement"][0]["action"].clone();
    assert_eq!(actions(0), json!(["sts:AssumeRole"]));
    let polls = ["cloudaudit:DescribeAuditTracks", "sts:GetCallerIdentity"];
    assert_eq!(actions(1), json!(polls));
}

#[test]
fn each_caller_is_allowed_what_it_does_and_no_more() {
    let role = "qcs::cam::uin/100000000002:roleName/audit-reader";
    let roles = "qcs::cam::uin/*:roleName/audit-reader";
    let polls = [
        "cloudaudit:DescribeAuditTrack",
        "cloudaudit:DescribeAuditTracks",
    ];
    let verified = [&polls[..], &["sts:GetCallerIdentity"]].concat();
    let discovers = [&polls[..], &["organization:DescribeOrganizationMembers"]].concat();
    let policy_of = |statement: &[Value]| json!({"version": "2.0", "statement": statement});
    let expected = json!([
        {
            "for": [
                {"credentials": "inline", "accounts": ["alpha"]},
                {"role": roles, "organizations": ["main", "other"]},
                {"role": role, "accounts": ["beta"]},
            ],
            "policy": policy_of(&[allow(&verified, &["*"])]),
        },
        {
            "for": [
                {"credentials": "files", "accounts": ["beta", "zeta"], "organizations": ["main"]},
            ],
            "policy": policy_of(&[
                allow(&[&discovers[..], &["sts:GetCallerIdentity"]].concat(), &["*"]),
                allow(&["sts:AssumeRole"], &[roles, role]),
            ]),
        },
        {
            "for": [{"credentials": "tke_oidc", "organizations": ["other"]}],
            "policy": policy_of(&[
                allow(&discovers, &["*"]),
                allow(&["sts:AssumeRole"], &[roles]),
            ]),
        },
    ]);
    assert_eq!(policy(FLEET), expected);
}

#[test]
fn the_policy_allows_details_only_if_they_are_enabled() {
    let said = policy("organizations: {main: {role_name: r}}").to_string();
    assert!(!said.contains("DescribeAuditTrack\""), "{said}");
    let base = &policy("organizations: {main: {role_name: r}}")[0]["policy"]["statement"][0];
    assert_eq!(
        base["action"],
        json!(["organization:DescribeOrganizationMembers"])
    );
}
