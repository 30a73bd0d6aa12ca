//! The schema of the configuration file accepts what the exporter accepts. The tests use a schema
//! validator that `make parts` installs.

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
    assert_eq!(errors_in(&[example]), [None]);
}

#[test]
fn every_valid_configuration_conforms() {
    for (case, schema_error) in validated("valid") {
        assert_eq!(schema_error, None, "{case}");
    }
}

/// Invalid configurations that conform, because a schema checks each value separately and knows
/// neither the environment nor other values.
const INVALID_BUT_CONFORMING: &[(&str, &str)] = &[
    (
        "the length of a duration, and its relation to others",
        "alias_error_at_definition delivery_interval_short delivery_interval_short_in_account details_interval_short duration_huge duration_too_long \
         interval_below_second interval_below_timeout interval_default_below_timeout \
         interval_of_defaults_below_timeout long_line merge_error_inside organization_interval \
         organization_refresh role_duration_long role_duration_short stale_after_short stale_after_short_for_account \
         stale_after_short_for_default sweep_interval_long timeout_zero tombstone_short tombstone_short_for_account \
         tombstone_short_for_default",
    ),
    (
        "the rest of a credential may come from the environment",
        "credentials_empty credentials_env_half credentials_files_half credentials_half \
         credentials_token_alone organization_without_role role_without_arn",
    ),
    (
        "the content of other files and the environment",
        "account_files_absent account_files_alone profile_without_home",
    ),
    ("the names of existing labels", "organization_tag_is_label"),
    ("the maximum port", "endpoint_port proxy_port"),
    (
        "an editor reads 0x32, 1e1 and 1e11 as whole numbers",
        "page_size_hex rate_exponent trusted_form",
    ),
    (
        "duplicates as a number and a text, or within a mapping",
        "trusted_duplicate expected_duplicate_mapping",
    ),
    (
        "two names that are the same in the environment",
        "account_names_alike organization_names_alike",
    ),
    (
        "YAML features that are not visible in the parsed values",
        "alias_deep alias_laughs duplicate_account duplicate_key duplicate_secret nested_deep tag",
    ),
    (
        "in the regular expressions of the validator, unlike those of editors, $ also matches before a final line break",
        "secret_block_line_break",
    ),
];

#[test]
fn only_these_invalid_configurations_conform() {
    let conforms: BTreeSet<String> = validated("invalid")
        .into_iter()
        .filter_map(|(case, schema_error)| schema_error.is_none().then_some(case))
        .collect();
    let expected: BTreeSet<String> = INVALID_BUT_CONFORMING
        .iter()
        .flat_map(|(_, cases)| cases.split_whitespace())
        .map(str::to_owned)
        .collect();
    assert_eq!(conforms, expected);
}

/// Tests every setting of a single value with every text of a pool: the schema and the exporter
/// accept the same texts. Only for the settings in `schema_accepts_more`, the schema accepts more.
#[test]
fn schema_and_exporter_agree_on_every_text() {
    let (settings, pool) = (single_values(), pool());
    assert!(settings.len() > 30, "{settings:?}");
    let mut cases = Vec::new();
    for setting in &settings {
        for text in &pool {
            cases.push((setting, text, document(setting, text)));
        }
    }
    let documents: Vec<String> = cases.iter().map(|(.., text)| text.clone()).collect();
    let mut accepted = BTreeMap::<&str, usize>::new();
    for ((setting, text, document), schema_error) in cases.iter().zip(errors_in(&documents)) {
        let parsed = Config::parse("pool.yaml", document, &BTreeMap::new());
        match (parsed, schema_error) {
            (Ok(_), None) => *accepted.entry(setting).or_default() += 1,
            (Err(_), Some(_)) => {}
            (Ok(_), Some(schema_error)) => {
                panic!("{setting}: the exporter accepts {text:?}: {schema_error}")
            }
            (Err(error), None) => {
                assert!(
                    schema_accepts_more(setting, &error.to_string()),
                    "{setting}: {text:?}: {error}"
                );
            }
        }
    }
    let of_one_account = ["defaults.uin", "defaults.appid"];
    let never: Vec<_> = settings
        .iter()
        .filter(|it| !accepted.contains_key(it.as_str()) && !of_one_account.contains(&it.as_str()))
        .collect();
    assert!(
        never.is_empty(),
        "the pool has no valid value for {never:?}"
    );
}

/// Returns whether a pattern cannot express an error: the length of a duration, its relation to
/// others, or a host.
fn schema_accepts_more(setting: &str, error: &str) -> bool {
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
        // The files that this setting names must exist and be valid.
        || setting.starts_with("account_files")
}

/// Returns the paths of all settings of a single value in the schema.
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

/// Returns a configuration that is valid if the value of this setting is.
fn document(path: &str, text: &str) -> String {
    let mut value = json!(text);
    let keys: Vec<&str> = path.split('.').collect();
    for (at, key) in keys.iter().enumerate().rev() {
        value = match *key {
            "[]" => json!([value]),
            key => json!({ key: value }),
        };
        // The required keys of the mapping.
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

/// Validates the cases of a folder that depend on the file alone, and returns the error of each.
fn validated(folder: &str) -> Vec<(String, Option<String>)> {
    let entries = fs::read_dir(root().join("tests/config").join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "yaml")) {
        let text = fs::read_to_string(&file).unwrap();
        // The errors of these cases are in the environment.
        let of_environment = folder == "invalid" && text.starts_with("# env: ");
        if !of_environment {
            names.push(file.file_stem().unwrap().to_string_lossy().into_owned());
            texts.push(text);
        }
    }
    assert!(!texts.is_empty());
    names.into_iter().zip(errors_in(&texts)).collect()
}

fn errors_in(documents: &[String]) -> Vec<Option<String>> {
    let request = json!({"schema": schema(), "documents": documents}).to_string();
    let mut validator = Command::new(part("python"))
        .arg(root().join("tests/documentation/conforms.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The validator reads all its input before it writes.
    validator
        .stdin
        .take()
        .unwrap()
        .write_all(request.as_bytes())
        .unwrap();
    let done = validator.wait_with_output().unwrap();
    assert!(
        done.status.success(),
        "the validator failed; see its output above"
    );
    serde_json::from_slice(&done.stdout).unwrap()
}
