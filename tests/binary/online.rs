//! `check --online` over loopback: which problems it finds, and how it exits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::SystemTime;

use cloudaudit_exporter::sim::{Identity, Role, Track, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::commands::text;
use crate::support::exporter::binary;

pub(crate) const HOME: &str = "100000000001";
const AWAY: &str = "100000000002";

/// Returns the output and the exit code of `check --online`, without warnings. Every secret in this
/// file contains the word HUSH.
pub(crate) async fn check(
    world: &World,
    yaml: &str,
    more: &'static [&'static str],
) -> (String, Option<i32>) {
    let (said, code) = check_with_warnings(world, yaml, more).await;
    let lines = said.lines().filter(|line| !line.starts_with("warning: "));
    (lines.collect::<Vec<_>>().join("\n"), code)
}

async fn check_with_warnings(
    world: &World,
    yaml: &str,
    more: &'static [&'static str],
) -> (String, Option<i32>) {
    let cloud = Cloud::start(world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    let address = cloud.address.to_string();
    fs::write(&file, format!("endpoint: http://{address}\n{yaml}")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = binary();
    command
        .args(["check", "--online", "--config.file"])
        .arg(file);
    command.args(more);
    for (id, key) in [("HOME_ID", "HOME_KEY"), ("SAME_ID", "SAME_KEY")] {
        command.env(id, "AKIDhome").env(key, "homeHUSH");
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = output.await.unwrap();
    let (said, complaint) = (text(&stdout), text(&stderr));
    assert!(
        !said.contains("HUSH") && !complaint.contains("HUSH"),
        "{said}{complaint}"
    );
    (said.replace(&address, "CLOUD"), status.code())
}

pub(crate) fn world() -> World {
    let world = World::new(SystemTime::now());
    let home = world.add_account(HOME);
    let away = world.add_account(AWAY);
    home.create(Track::new(1, "one"));
    home.create(Track::new(2, "two"));
    away.create(Track::new(3, "three"));
    for (id, denied) in [
        ("home", None),
        ("blind-to-sts", None),
        ("nosy", Some("sts:GetCallerIdentity")),
        ("blind", Some("cloudaudit:DescribeAuditTracks")),
        ("curious", Some("cloudaudit:DescribeAuditTrack")),
        ("humble", Some("sts:AssumeRole")),
        ("incurious", Some("cloudaudit:DescribeEvents")),
    ] {
        let (id, key) = (format!("AKID{id}"), format!("{id}HUSH"));
        home.add_identity(Identity::permanent(&id, &key));
        if let Some(denied) = denied {
            home.deny_action(&id, denied).unwrap();
        }
    }
    away.add_role(Role::new("reader").trusts_account(HOME));
    away.add_role(
        Role::new("secretive")
            .trusts_account(HOME)
            .external_id("usHUSH"),
    );
    world
}

pub(crate) fn account(name: &str, key: &str, more: &str) -> String {
    format!("  {name}: {{credentials: {{secret_id: AKID{key}, secret_key: {key}HUSH}}{more}}}\n")
}

fn role(name: &str, more: &str) -> String {
    format!(", assume_role: {{arn: 'qcs::cam::uin/{AWAY}:roleName/{name}'{more}}}")
}

const WELL: &str = r"account alpha: env, qcs::sts:100000000002:assumed-role/4611686018391040372 of 100000000002
  ap-guangzhou: ok, 1 track
account beta: inline, identity unknown: sts:GetCallerIdentity is denied; polls need it only if uin is configured
  ap-guangzhou: ok, 2 tracks
account gamma: inline, identity unknown: cannot reach http://127.0.0.1:1; check the host name, the proxy and the firewall [unavailable (connect): error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)]
  ap-guangzhou: ok, 2 tracks
account zeta: env, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  ap-guangzhou: ok, 2 tracks
  ap-tokyo: ok, 2 tracks
4 accounts: no problems";

const WRONG: &str = r"account another-s: inline, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  keys: not polled: the key belongs to account 100000000001, but uin is 100000000002; correct one of the two
account blind: inline, qcs::cam::uin/100000000001:uin/214829959316 of 100000000001
  ap-guangzhou: qcs::cam::uin/100000000001:uin/214829959316 lacks cloudaudit:DescribeAuditTracks; check --policy prints what to allow [unauthorized (UnauthorizedOperation): you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)\nresource (*) has no permission]
account curious: inline, qcs::cam::uin/100000000001:uin/294399856940 of 100000000001
  ap-guangzhou: ok, 2 tracks
  ap-guangzhou: no details: qcs::cam::uin/100000000001:uin/294399856940 lacks cloudaudit:DescribeAuditTrack; check --policy prints what to allow [unauthorized (UnauthorizedOperation): you are not authorized to perform operation (cloudaudit:DescribeAuditTrack)\nresource (*) has no permission]
account gone: inline, identity unknown
  keys: the key is deleted, disabled, mistyped, or belongs to the other site [unauthenticated (AuthFailure.SecretIdNotFound): The SecretId is not found, please ensure that your SecretId is correct.]
account home: cvm_role, identity not checked
  keys: cannot reach http://127.0.0.1:1: this machine is not a CVM instance, or has no role; use other credentials [credentials (connect): no credentials: cannot read the name of the role from the metadata service: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)]
account humble: inline, qcs::cam::uin/100000000001:uin/216157872637 of 100000000001
  keys: qcs::cam::uin/100000000001:uin/216157872637 lacks sts:AssumeRole on qcs::cam::uin/100000000002:roleName/reader, or the role does not trust this identity, or requires another external_id [credentials (UnauthorizedOperation): no credentials: cannot assume qcs::cam::uin/100000000002:roleName/reader: you are not authorized to perform operation (sts:AssumeRole)\nresource (*) has no permission]
account no-role: inline, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  keys: qcs::cam::uin/100000000002:roleName/writer does not exist; create it, or correct the ARN [credentials (ResourceNotFound.RoleNotFound): no credentials: cannot assume qcs::cam::uin/100000000002:roleName/writer: The role `qcs::cam::uin/100000000002:roleName/writer` does not exist.]
account no-sts: inline, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  keys: cannot reach http://127.0.0.1:1; check the host name, the proxy and the firewall [credentials (connect): no credentials: cannot assume qcs::cam::uin/100000000002:roleName/reader: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)]
account nosy: inline, identity unknown
  keys: the owner of the credentials (inline) lacks sts:GetCallerIdentity; check --policy prints what to allow, or remove uin [unauthorized (UnauthorizedOperation): you are not authorized to perform operation (sts:GetCallerIdentity)\nresource (*) has no permission]
account outsider: inline, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  keys: qcs::cam::uin/100000000001:uin/285584124385 lacks sts:AssumeRole on qcs::cam::uin/100000000002:roleName/secretive, or the role does not trust this identity, or requires another external_id [credentials (UnauthorizedOperation): no credentials: cannot assume qcs::cam::uin/100000000002:roleName/secretive: you are not authorized to perform operation (sts:AssumeRole)\nresource (qcs::cam::uin/100000000002:roleName/secretive) has no permission]
account regions: inline, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  ap-beijing: CloudAudit is not offered in this region; correct regions [rejected (UnsupportedRegion): The request does not support the region `ap-beijing`. (CloudAudit is available in a few API regions only; use ap-guangzhou, ap-singapore, ap-hongkong, ap-tokyo, ap-seoul or eu-frankfurt)]
  ap-tokyo: ok, 2 tracks
  xx-nowhere: unknown region; correct regions [rejected (InvalidParameterValue): A value specified in `X-TC-Region` is not valid, is unsupported, or cannot be used.]
account unset: env, identity not checked
  keys: no credentials: the environment variable A is not set or empty
12 accounts: 13 problems";

const ORGANIZATIONS: &str = r"organization main: env, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  5 members, 4 of them polled; the first 3 are checked
  member 200000000002: qcs::cam::uin/200000000002:roleName/audit-reader
    ap-guangzhou: qcs::cam::uin/200000000002:roleName/audit-reader lacks cloudaudit:DescribeAuditTracks; check --policy prints what to allow [unauthorized (UnauthorizedOperation): you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)\nresource (*) has no permission]
  member 200000000003: qcs::cam::uin/200000000003:roleName/audit-reader
    ap-guangzhou: ok, 1 track
  member 200000000004: qcs::cam::uin/200000000004:roleName/audit-reader
    ap-guangzhou: ok, 1 track
organization none: inline, identity unknown
  keys: the key is deleted, disabled, mistyped, or belongs to the other site [unauthenticated (AuthFailure.SecretIdNotFound): The SecretId is not found, please ensure that your SecretId is correct.]
0 accounts, 2 organizations: 2 problems";

#[tokio::test(flavor = "multi_thread")]
async fn no_problems_exit_with_0() {
    let unreachable = ", sts_endpoint: 'http://127.0.0.1:1'";
    let env = "{credentials: {env: {secret_id: HOME_ID, secret_key: HOME_KEY}}";
    let yaml = format!(
        "accounts:\n  zeta: {env}, regions: [ap-tokyo, ap-guangzhou], uin: '{HOME}'}}\n  alpha: {env}{}}}\n{}",
        role("reader", ""),
        account("beta", "nosy", "") + &account("gamma", "blind-to-sts", unreachable)
    );
    let (said, code) = check(&world(), &yaml, &[]).await;
    assert_eq!((said.as_str(), code), (WELL, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_have_a_remedy_and_exit_with_1() {
    let yaml = [
        "poll: {details_interval: 1h}\naccounts:\n".to_owned(),
        account("another-s", "home", &format!(", uin: '{AWAY}'")),
        account("blind", "blind", ""),
        account("curious", "curious", ""),
        account("gone", "gone", ""),
        "  home: {credentials: {cvm_role: {endpoint: 'http://127.0.0.1:1'}}}\n".to_owned(),
        account("humble", "humble", &role("reader", "")),
        account("no-role", "home", &role("writer", "")),
        account(
            "no-sts",
            "home",
            &role("reader", ", endpoint: 'http://127.0.0.1:1'"),
        ),
        account("nosy", "nosy", &format!(", uin: '{HOME}'")),
        account(
            "outsider",
            "home",
            &role("secretive", ", external_id: guessHUSH"),
        ),
        account(
            "regions",
            "home",
            ", regions: [xx-nowhere, ap-tokyo, ap-beijing]",
        ),
        "  unset: {credentials: {env: {secret_id: A, secret_key: B}}}\n".to_owned(),
    ];
    let (said, code) = check(&world(), &yaml.concat(), &[]).await;
    assert_eq!((said.as_str(), code), (WRONG, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn operation_records_are_tried_if_attribution_is_enabled() {
    let enabled = ", attribution: {enabled: true}";
    let yaml = [
        "accounts:\n".to_owned(),
        account("allowed", "home", enabled),
        account("denied", "incurious", enabled),
        account("off", "incurious", ""),
    ];
    let world = world();
    let (said, code) = check(&world, &yaml.concat(), &[]).await;
    let lines: Vec<&str> = said.lines().collect();
    let [_, allowed, _, denied, lacks, _, off, end] = &lines[..] else {
        panic!("{said}");
    };
    assert_eq!(
        [*allowed, *denied, *off],
        ["  ap-guangzhou: ok, 2 tracks"; 3]
    );
    let lacks = lacks
        .strip_prefix("  ap-guangzhou: no operation records: ")
        .unwrap();
    assert!(
        lacks.contains(" lacks cloudaudit:DescribeEvents; check --policy prints"),
        "{lacks}"
    );
    assert_eq!((*end, code), ("3 accounts: 1 problem", Some(1)));
    assert_eq!(world.call_count_of("DescribeEvents"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_members_of_an_organization_are_checked() {
    let world = world();
    let home = world.account(HOME).unwrap();
    let role = Role::new("audit-reader").trusts_account(HOME);
    home.create_organization(5, &role, &[Track::new(7, "audit")]);
    let second = world.account("200000000002").unwrap();
    second
        .deny_action("audit-reader", "cloudaudit:DescribeAuditTracks")
        .unwrap();
    let yaml = "organizations:\n  main: {role_name: audit-reader, exclude: ['200000000001'], \
                credentials: {env: {secret_id: HOME_ID, secret_key: HOME_KEY}}}\n  \
                none: {role_name: audit-reader, credentials: {secret_id: AKIDgone, secret_key: goneHUSH}}\n";
    let (said, code) = check(&world, yaml, &[]).await;
    assert_eq!((said.as_str(), code), (ORGANIZATIONS, Some(1)));
    assert_eq!(world.call_count_of("AssumeRole"), 3);

    home.deny_action("AKIDhome", "organization:DescribeOrganizationMembers")
        .unwrap();
    let (said, code) = check(&world, yaml, &["--output", "json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(said["problems"], json!(2));
    assert_eq!(said["organizations"][0]["members"], Value::Null);
    let problem = said["organizations"][0]["problem"].as_str().unwrap();
    assert!(
        problem.contains("lacks organization:DescribeOrganizationMembers"),
        "{problem}"
    );
}

/// Which places hold the same key is only known once the keys are tried.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_keys_of_one_account_are_a_warning_with_both_names() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (id, key) = (put("id", "AKIDhome"), put("key", "homeHUSH"));
    let profile = "[prod]\nsecret_id = AKIDhome\nsecret_key = homeHUSH\n";
    let profile = put("profiles", profile);
    let yaml = format!(
        "accounts:\n  \
         a: {{credentials: {{env: {{secret_id: HOME_ID, secret_key: HOME_KEY}}}}}}\n  \
         b: {{credentials: {{env: {{secret_id: SAME_ID, secret_key: SAME_KEY}}}}}}\n  \
         c: {{credentials: {{secret_id_file: '{id}', secret_key_file: '{key}'}}}}\n  \
         d: {{credentials: {{profile: {{name: prod, file: '{profile}'}}}}}}\n"
    );
    let warnings = ["b", "c", "d"].map(|other| {
        format!(
            "accounts a and {other} are the same Tencent Cloud account {HOME}; \
             one account with all regions is enough"
        )
    });
    let (said, code) = check_with_warnings(&world(), &yaml, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    for warning in &warnings {
        assert!(said.contains(&format!("warning: {warning}\n")), "{said}");
    }
    let (said, _) = check_with_warnings(&world(), &yaml, &["--output", "json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    let found = said["warnings"].as_array().unwrap();
    for warning in warnings {
        assert!(found.contains(&json!(warning)), "{found:?}");
    }
}

const OFF: &str = r"account alpha: env, qcs::cam::uin/100000000001:uin/285584124385 of 100000000001
  ap-guangzhou: ok, 3 tracks, 1 not enabled
  ap-tokyo: ok, 3 tracks, 1 not enabled
  expected track off: not enabled; enable it
  expected track two: different action_type, storage_name; correct the track or expected_tracks
  expected track gone: not listed; create it, or correct expected_tracks
1 account: no problems, 1 track not enabled, 3 expected tracks missing or different";

#[tokio::test(flavor = "multi_thread")]
async fn tracks_that_are_off_or_unexpected_fail_only_a_strict_check() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.create(Track::new(9, "off").status(0));
    let alpha = |expected: &str| {
        format!(
            "accounts:\n  alpha: {{credentials: {{env: {{secret_id: HOME_ID, secret_key: HOME_KEY}}}}, \
             regions: [ap-guangzhou, ap-tokyo], expected_tracks: [{expected}]}}\n"
        )
    };
    let wrong = alpha("one, off, {name: two, action_type: Read, storage_name: elsewhere}, gone");
    let (said, code) = check(&world, &wrong, &[]).await;
    assert_eq!((said.as_str(), code), (OFF, Some(0)));
    let (said, code) = check(&world, &wrong, &["--strict"]).await;
    assert_eq!((said.as_str(), code), (OFF, Some(1)));

    let (said, code) = check(&world, &wrong, &["--strict", "--output", "json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(said["problems"], 0);
    assert_eq!(said["tracks_off"], 1);
    assert_eq!(said["expected_tracks_wrong"], 3);
    let account = &said["accounts"][0];
    assert_eq!(account["regions"][0]["tracks_off"], 1);
    let one = json!({"name": "one", "problem": null});
    assert_eq!(account["expected_tracks"][0], one);

    // Either problem is enough.
    assert_eq!(check(&world, &alpha("one"), &["--strict"]).await.1, Some(1));
    home.set_status(9, 1).unwrap();
    assert_eq!(check(&world, &alpha("one"), &["--strict"]).await.1, Some(0));
    let gone = alpha("gone");
    assert_eq!(check(&world, &gone, &["--strict"]).await.1, Some(1));
}

/// The expected track may be in a region that cannot be listed.
#[tokio::test(flavor = "multi_thread")]
async fn an_expected_track_is_not_missing_if_a_region_cannot_be_listed() {
    let yaml = format!(
        "accounts:\n{}",
        account(
            "alpha",
            "home",
            ", regions: [ap-guangzhou, ap-beijing], expected_tracks: [gone]"
        )
    );
    let (said, code) = check(&world(), &yaml, &["--strict"]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("expected track gone: not known"), "{said}");
    assert!(said.ends_with("1 account: 1 problem"), "{said}");
}

#[test]
fn policy_and_online_exclude_each_other() {
    let output = binary().args(["check", "--policy", "--online"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}
