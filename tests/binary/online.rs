//! `check --online`: what the cloud says to a configuration, over loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::SystemTime;

use cloudaudit_exporter::sim::{Identity, Role, Track, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, loopback};
use crate::commands::text;
use crate::exporter::binary;

const HOME: &str = "100000000001";
const AWAY: &str = "100000000002";

/// What `check --online` says and ends with; everything that is a secret here has the word HUSH in it.
async fn check(world: &World, yaml: &str, more: &'static [&'static str]) -> (String, Option<i32>) {
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
    command.args(more).env("HOME_ID", "AKIDhome");
    command.env("HOME_KEY", "homeHUSH");
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

fn world() -> World {
    let world = World::new(SystemTime::now());
    let home = world.add_account(HOME);
    let away = world.add_account(AWAY);
    home.create(Track::new(1, "one"));
    home.create(Track::new(2, "two"));
    away.create(Track::new(3, "three"));
    for (id, denied) in [
        ("home", None),
        ("nosy", Some("sts:GetCallerIdentity")),
        ("blind", Some("cloudaudit:DescribeAuditTracks")),
        ("curious", Some("cloudaudit:DescribeAuditTrack")),
        ("humble", Some("sts:AssumeRole")),
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

fn account(name: &str, key: &str, more: &str) -> String {
    format!("  {name}: {{credentials: {{secret_id: AKID{key}, secret_key: {key}HUSH}}{more}}}\n")
}

fn role(name: &str, more: &str) -> String {
    format!(", assume_role: {{arn: 'qcs::cam::uin/{AWAY}:roleName/{name}'{more}}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_is_said_and_ends_with_0() {
    let env = "{credentials: {env: {secret_id: HOME_ID, secret_key: HOME_KEY}}";
    let yaml = format!(
        "accounts:\n  zeta: {env}, regions: [ap-tokyo, ap-guangzhou], uin: '{HOME}'}}\n  alpha: {env}{}}}\n{}",
        role("reader", ""),
        account("beta", "nosy", "")
    );
    let (said, code) = check(&world(), &yaml, &[]).await;
    let expected = "";
    assert_eq!((said.as_str(), code), (expected, Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_has_a_way_out_and_ends_with_1() {
    let yaml = [
        "poll: {details_interval: 1h}\naccounts:\n".to_owned(),
        account("another-s", "home", &format!(", uin: '{AWAY}'")),
        account("blind", "blind", ""),
        account("curious", "curious", ""),
        account("gone", "gone", ""),
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
    let expected = "";
    assert_eq!((said.as_str(), code), (expected, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_organisation_the_first_members_are_tried() {
    let world = world();
    let home = world.account(HOME).unwrap();
    let role = Role::new("audit-reader").trusts_account(HOME);
    home.found_organization(5, &role, &[Track::new(7, "audit")]);
    let second = world.account("200000000002").unwrap();
    second
        .deny_action("audit-reader", "cloudaudit:DescribeAuditTracks")
        .unwrap();
    let yaml = "organizations:\n  main: {role_name: audit-reader, exclude: ['200000000001'], \
                credentials: {env: {secret_id: HOME_ID, secret_key: HOME_KEY}}}\n  \
                none: {role_name: audit-reader, credentials: {secret_id: AKIDgone, secret_key: goneHUSH}}\n";
    let (said, code) = check(&world, yaml, &[]).await;
    let expected = "";
    assert_eq!((said.as_str(), code), (expected, Some(1)));
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
