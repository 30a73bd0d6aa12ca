//! `check`: what would be polled, and what that must be allowed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::{run, text};

#[test]
fn check_needs_no_secret_and_is_sorted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let yaml = "site: china\naccounts:\n  zeta:\n    regions: [ap-tokyo, ap-guangzhou]\n    \
                credentials: {env: {secret_id: NOT_SET_ID, secret_key: NOT_SET_KEY}}\n    \
                expected_tracks: [{name: to-central, storage_type: cos}, audit-all]\n  \
                alpha: {labels: {team: core}, track_required: false}\n";
    fs::write(&file, yaml).unwrap();
    let file = file.to_str().unwrap();
    let output = run(&["check", "--config.file", file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = "\
ACCOUNT  REGION        ENDPOINT                                INTERVAL  CREDENTIALS  ROLE  UIN  REQUIRED  EXPECTED              LABELS
alpha    ap-guangzhou  https://cloudaudit.tencentcloudapi.com  1m        default      -     -    no        -                     team=core
zeta     ap-guangzhou  https://cloudaudit.tencentcloudapi.com  1m        env          -     -    yes       to-central,audit-all
zeta     ap-tokyo      https://cloudaudit.tencentcloudapi.com  1m        env          -     -    yes       to-central,audit-all
2 accounts, 3 targets
";
    assert_eq!(text(&output.stdout), expected);
    let output = run(&["check", "--output", "json", "--config.file", file]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["accounts"][0]["account"], "alpha");
    assert_eq!(
        json["accounts"][1]["regions"],
        json!(["ap-guangzhou", "ap-tokyo"])
    );
    assert_eq!(json["accounts"][0]["track_required"], false);
    assert_eq!(json["accounts"][0]["tombstone_for_seconds"], 604_800.0);
    assert_eq!(
        json["accounts"][1]["expected_tracks"],
        json!([{"name": "to-central", "storage_type": "cos"}, {"name": "audit-all"}])
    );
}

/// A configuration with a bit of everything, and nothing that `check` needs there.
const FLEET: &str = "\
poll: {details_interval: 1h}
defaults: {credentials: {secret_id_file: id, secret_key_file: key}}
accounts:
  zeta: {}
  alpha:
    uin: \"100000000001\"
    credentials: {secret_id: AKIDexample, secret_key: exampleHUSH}
  beta:
    site: china
    assume_role: {arn: \"qcs::cam::uin/100000000002:roleName/audit-reader\", external_id: exampleHUSH}
organizations:
  other: {site: china, credentials: {tke_oidc: {}}, role_name: audit-reader}
  main:
    role_name: audit-reader
    refresh: 2h
    include: [\"1*\", \"2*\", \"3*\", \"4*\"]
    exclude: [sandbox-*]
    external_id: exampleHUSH
    member_tag_labels: [team]
";

/// What `check` says with these arguments, without any secret in it.
fn check(yaml: &str, arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, yaml).unwrap();
    // Where everybody can read it there is another warning.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let output = run(&[&["check", "--config.file", file], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(!said.contains("HUSH"), "{said}");
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn check_shows_roles_and_organisations() {
    let expected = "\
ACCOUNT  REGION        ENDPOINT                                     INTERVAL  CREDENTIALS  ROLE                                              UIN           REQUIRED  EXPECTED  LABELS
alpha    ap-guangzhou  https://cloudaudit.intl.tencentcloudapi.com  1m        inline       -                                                 100000000001  yes       -
beta     ap-guangzhou  https://cloudaudit.tencentcloudapi.com       1m        files        qcs::cam::uin/100000000002:roleName/audit-reader  100000000002  yes       -
zeta     ap-guangzhou  https://cloudaudit.intl.tencentcloudapi.com  1m        files        -                                                 -             yes       -

ORGANIZATION  REGIONS       ENDPOINT                                       REFRESH  INTERVAL  CREDENTIALS  ROLE          INCLUDE     EXCLUDE    REQUIRED  EXPECTED  LABELS
main          ap-guangzhou  https://organization.intl.tencentcloudapi.com  2h       1m        files        audit-reader  1*,2*,3*,…  sandbox-*  yes       -
other         ap-guangzhou  https://organization.tencentcloudapi.com       1h       1m        tke_oidc     audit-reader  -           -          yes       -

3 accounts, 3 targets, 2 organizations
warning: config.yaml:7:5: accounts.alpha.credentials: the file contains a secret, which everyone who can read the file can read; use env: or secret_key_file: instead
";
    assert_eq!(check(FLEET, &[]), expected);

    let said = check(FLEET, &["--output", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["accounts"][0]["uin"], "100000000001");
    assert_eq!(said["accounts"][0]["details_interval_seconds"], 3600.0);
    let role = json!({
        "arn": "qcs::cam::uin/100000000002:roleName/audit-reader",
        "session_name": "cloudaudit-exporter",
        "external_id": true,
        "duration_seconds": 7200.0,
        "endpoint": "https://sts.tencentcloudapi.com",
    });
    assert_eq!(said["accounts"][1]["assume_role"], role);
    assert_eq!(said["accounts"][2]["assume_role"], Value::Null);
    let main = &said["organizations"][0];
    assert_eq!(main["organization"], "main");
    assert_eq!(main["refresh_seconds"], 7200.0);
    assert_eq!(main["exclude"], json!(["sandbox-*"]));
    assert_eq!(main["external_id"], true);
    assert_eq!(main["member"]["credentials"], "files");
    assert_eq!(main["member"]["account"], Value::Null, "it has none");
}

#[test]
fn only_organisations_are_one_table() {
    let said = check("organizations: {main: {role_name: r}}", &[]);
    let expected = "\
ORGANIZATION  REGIONS       ENDPOINT                                       REFRESH  INTERVAL  CREDENTIALS  ROLE  INCLUDE  EXCLUDE  REQUIRED  EXPECTED  LABELS
main          ap-guangzhou  https://organization.intl.tencentcloudapi.com  1h       1m        default      r     -        -        yes       -

0 accounts, 0 targets, 1 organization
warning: organization main: without poll.details_interval the organization's own tracks are not known, and each member that only they cover causes an alert; set poll.details_interval, or track_required: false
";
    assert_eq!(said, expected);
}

fn policy(yaml: &str) -> Value {
    let said = check(yaml, &["--policy"]);
    assert_eq!(said, check(yaml, &["--policy", "--output", "json"]));
    serde_json::from_str(&said).unwrap()
}

fn allow(action: &[&str], resource: &[&str]) -> Value {
    json!({"effect": "allow", "action": action, "resource": resource})
}

/// What is pasted into the console where everybody needs the same.
#[test]
fn one_policy_is_enough_where_all_are_alike() {
    let yaml =
        "accounts: {b: {credentials: {profile: {}}}, a: {}, c: {credentials: {cvm_role: {}}}}";
    let actions = ["cloudaudit:DescribeAuditTracks", "sts:GetCallerIdentity"];
    let statement = [allow(&actions, &["*"])];
    let expected = json!({"version": "2.0", "statement": statement});
    assert_eq!(policy(yaml), expected);
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
fn details_are_only_allowed_where_they_are_asked_for() {
    let said = policy("organizations: {main: {role_name: r}}").to_string();
    assert!(!said.contains("DescribeAuditTrack\""), "{said}");
    let base = &policy("organizations: {main: {role_name: r}}")[0]["policy"]["statement"][0];
    assert_eq!(
        base["action"],
        json!(["organization:DescribeOrganizationMembers"])
    );
}
