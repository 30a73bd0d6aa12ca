//! The schema of the configuration file says what the exporter says. A judge of schemas decides,
//! which `make parts` installs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use cloudaudit_exporter::config::{Config, schema};
use serde_json::{Value, json};

use crate::files::{read, root};
use crate::support::parts::part;

#[test]
fn the_example_names_the_schema_and_conforms_to_it() {
    let example = read("deploy/cloudaudit-exporter.yaml");
    let first = example.lines().next().unwrap();
    let schema = "cloudaudit-exporter.schema.json";
    assert_eq!(first, format!("# yaml-language-server: $schema={schema}"));
    assert_eq!(objections(&[example]), [None]);
}

#[test]
fn every_configuration_that_is_right_conforms() {
    for (case, objection) in judged("valid") {
        assert_eq!(objection, None, "{case}");
    }
}

/// What is wrong and yet conforms, because a schema sees one value at a time, of a type, and knows
/// neither the environment nor what stands around it.
const CONFORMS_ALL_THE_SAME: &[(&str, &str)] = &[
    (
        "how long a duration is, and how it fits the others",
        "alias_error_at_definition delivery_interval_short delivery_interval_short_in_account details_interval_short duration_huge duration_too_long \
         interval_below_second interval_below_timeout interval_default_below_timeout \
         interval_of_defaults_below_timeout long_line merge_error_inside organization_interval \
         organization_refresh role_duration_long role_duration_short stale_after_short stale_after_short_for_account \
         stale_after_short_for_default timeout_zero tombstone_short tombstone_short_for_account \
         tombstone_short_for_default",
    ),
    (
        "the rest of a key may come from the environment",
        "credentials_empty credentials_env_half credentials_files_half credentials_half \
         credentials_token_alone organization_without_role role_without_arn",
    ),
    (
        "what other files and the environment say",
        "account_files_absent account_files_alone profile_without_home",
    ),
    ("which labels there are", "organization_tag_is_label"),
    ("how big a port may be", "endpoint_port proxy_port"),
    (
        "an editor reads 0x32, 1e1 and 1e11 as whole numbers",
        "page_size_hex rate_exponent trusted_form",
    ),
    (
        "two that are the same, one as a number, one as a text, or within a mapping",
        "trusted_duplicate expected_duplicate_mapping",
    ),
    (
        "two names that are one in the environment",
        "account_names_alike organization_names_alike",
    ),
    (
        "what is YAML's and gone when the schema sees the values",
        "alias_deep alias_laughs duplicate_account duplicate_key duplicate_secret nested_deep tag",
    ),
    (
        "for the judge's regular expressions, unlike those of editors, $ is before a last line break too",
        "secret_block_line_break",
    ),
];

#[test]
fn every_configuration_that_is_wrong_does_not_conform_but_for_these() {
    let conforms: BTreeSet<String> = judged("invalid")
        .into_iter()
        .filter_map(|(case, objection)| objection.is_none().then_some(case))
        .collect();
    let expected: BTreeSet<String> = CONFORMS_ALL_THE_SAME
        .iter()
        .flat_map(|(_, cases)| cases.split_whitespace())
        .map(str::to_owned)
        .collect();
    assert_eq!(conforms, expected);
}

/// Every setting of a single value with every value of a pool, put as a text: schema and exporter
/// take the same. Where they differ the setting is named below, and the difference is one way: the
/// schema takes more.
#[test]
fn schema_and_exporter_agree_on_every_text() {
    let (settings, pool) = (single_values(), pool());
    assert!(settings.len() > 30, "{settings:?}");
    let mut asked = Vec::new();
    for setting in &settings {
        for text in &pool {
            asked.push((setting, text, document(setting, text)));
        }
    }
    let documents: Vec<String> = asked.iter().map(|(.., text)| text.clone()).collect();
    let mut taken = BTreeMap::<&str, usize>::new();
    for ((setting, text, document), objection) in asked.iter().zip(objections(&documents)) {
        let parsed = Config::parse("pool.yaml", document, &BTreeMap::new());
        match (parsed, objection) {
            (Ok(_), None) => *taken.entry(setting).or_default() += 1,
            (Err(_), Some(_)) => {}
            (Ok(_), Some(objection)) => panic!("{setting}: {text:?} is right; {objection}"),
            (Err(error), None) => {
                assert!(
                    takes_more(setting, &error.to_string()),
                    "{setting}: {text:?}: {error}"
                );
            }
        }
    }
    let of_one_account = ["defaults.uin", "defaults.appid"];
    let never: Vec<_> = settings
        .iter()
        .filter(|it| !taken.contains_key(it.as_str()) && !of_one_account.contains(&it.as_str()))
        .collect();
    assert!(
        never.is_empty(),
        "the pool has no right value for {never:?}"
    );
}

/// What no pattern says: how long a duration is, how it fits the others, and what a host is.
fn takes_more(setting: &str, error: &str) -> bool {
    let duration = [
        "interval",
        "timeout",
        "stale_after",
        "tombstone_for",
        "duration",
        "refresh",
        "grace",
    ];
    let is_any = |keys: &[&str]| keys.iter().any(|key| setting.ends_with(key));
    let unfit = [
        "too short",
        "too long",
        "shorter than",
        "longer than",
        "is not a duration",
    ];
    is_any(&duration) && unfit.iter().any(|words| error.contains(words))
        || is_any(&["endpoint"])
            && (error.contains("loopback") || error.contains("not an endpoint"))
        || is_any(&["proxy"]) && error.contains("not a proxy URL")
        // What these name has to be there, and right.
        || setting.starts_with("account_files")
}

/// The paths of all settings that take one value, from the schema itself.
fn single_values() -> Vec<String> {
    let schema = schema();
    let mut found = Vec::new();
    collect(&schema, &schema, "", &mut found);
    found
}

fn collect(schema: &Value, node: &Value, path: &str, found: &mut Vec<String>) {
    let node = crate::configuration::resolved(schema, node);
    if let Some(keys) = node["properties"].as_object() {
        for (key, inner) in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            collect(schema, inner, &path, found);
        }
    } else if let "accounts" | "organizations" = path {
        let each = &node["additionalProperties"];
        collect(schema, each, &format!("{path}.prod"), found);
    } else if path.ends_with(".labels") {
        found.push(format!("{path}.team"));
    } else if path.ends_with("expected_tracks") {
        found.push(format!("{path}.[]"));
        let keys = node["items"]["anyOf"][1].clone();
        collect(schema, &keys, &format!("{path}.[]"), found);
    } else if node["type"] == "array" {
        found.push(format!("{path}.[]"));
    } else {
        found.push(path.to_owned());
    }
}

/// A configuration that would be right if this setting had a right value.
fn document(path: &str, text: &str) -> String {
    let mut value = json!(text);
    let keys: Vec<&str> = path.split('.').collect();
    for (at, key) in keys.iter().enumerate().rev() {
        value = match *key {
            "[]" => json!([value]),
            key => json!({ key: value }),
        };
        // What its mapping cannot be without.
        let needed: &[(&str, &str)] = match keys[..at] {
            [.., "[]"] => &[("name", "audit")],
            [.., "credentials"] => match keys[at] {
                "secret_id" | "secret_key" | "token" => {
                    &[("secret_id", "AKIDexample"), ("secret_key", "example")]
                }
                "secret_id_file" | "secret_key_file" | "token_file" => {
                    &[("secret_id_file", "id"), ("secret_key_file", "key")]
                }
                _ => &[],
            },
            [.., "env"] => &[("secret_id", "AN_ID"), ("secret_key", "A_KEY")],
            [.., "assume_role"] => &[("arn", "qcs::cam::uin/1:roleName/a")],
            ["organizations", _] => &[("role_name", "a")],
            _ => &[],
        };
        for (key, text) in needed {
            let mapping = value.as_object_mut().unwrap();
            mapping.entry(*key).or_insert_with(|| json!(text));
        }
    }
    let mapping = value.as_object_mut().unwrap();
    mapping
        .entry("accounts")
        .or_insert_with(|| json!({"prod": {}}));
    value.to_string()
}

fn pool() -> Vec<String> {
    let words = "a audit AKIDexample A_NAME _x 0x 1x TRUE true false yes international china China \
        Read Write * read cos 0 1 3 007 10 11 50 100 101 1000 1001 100000 100001 1.9 1e1 -1 +1 \
        100000000001 123456789012345678901 30s 60s 90s 1m 1h 2h 7d 1h30m 30m1h 1d1h1m1s1ms 900ms \
        1.5h 30 60S 1w ms 5m5m 0s 999999d +08:00 -03:30 +14:00 +14:01 +8:00 08:00 +08:60 \
        ap-guangzhou na-siliconvalley ap-shenzhen-fsi ap Ap-Guangzhou ap- -ap ap--x ap_guangzhou \
        example.com example.com:8443 https://example.com http://example.com http://127.0.0.1 \
        http://[::1]:80 https://example.com/ https://example.com/path https://me@example.com ftp://x \
        http://proxy:3128 http://me:secret@proxy:3128 proxy:3128 /etc/x x/y a,b a=b a-b a.b 云 \
        uin name 13h 59s no-such-* a** ab a/b a[b] [a] a:b a@b \
        qcs::cam::uin/1:roleName/a qcs::cam::uin/1:role/1 qcs::cam::uin/1:role/a qcs::cam::uin/a:role/1 \
        qcs::cam::uin/1:role/tencentcloudServiceRoleName/a qcs::cam::uin/1:user/1 qcs::cam::uin/1:roleName/";
    let mut pool: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    pool.extend(["", " ", " a", "a ", "a b", "a\nb", "\u{7f}"].map(str::to_owned));
    pool.push("x".repeat(200));
    pool.push("x".repeat(257));
    pool.push("x".repeat(1025));
    pool.push("x".repeat(8193));
    pool
}

/// The cases of a folder that are about the file alone, and what the schema has against each.
fn judged(folder: &str) -> Vec<(String, Option<String>)> {
    let entries = fs::read_dir(root().join("tests/config").join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "yaml")) {
        let text = fs::read_to_string(&file).unwrap();
        // What is wrong with these comes from the environment.
        let of_environment = folder == "invalid" && text.starts_with("# env: ");
        if !of_environment {
            names.push(file.file_stem().unwrap().to_string_lossy().into_owned());
            texts.push(text);
        }
    }
    assert!(!texts.is_empty());
    names.into_iter().zip(objections(&texts)).collect()
}

fn objections(documents: &[String]) -> Vec<Option<String>> {
    let asked = json!({"schema": schema(), "documents": documents}).to_string();
    let mut judge = Command::new(part("python"))
        .arg(root().join("tests/documentation/conforms.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The judge reads all before it says anything.
    judge
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let done = judge.wait_with_output().unwrap();
    assert!(done.status.success(), "see above");
    serde_json::from_slice(&done.stdout).unwrap()
}
