//! Configurations that must load, and configurations that must fail with exactly these messages.
//!
//! Each case is a file in `tests/config` with its expected result next to it. `UPDATE_GOLDEN=1`
//! writes the results; read the diff. Leading comments `# env: NAME=value` are the environment.
//! Every secret in a case contains the word HUSH.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod account_files;
mod all_errors;
mod cases;
mod endpoints;
mod hostile;
mod quoted;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cloudaudit_exporter::config::{Config, Credentials};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use self::cases::{Case, files};

#[test]
fn valid_configurations_load() {
    for case in Case::all("valid") {
        let config = Config::parse(&case.name, &case.text, &case.environment);
        let config = config.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        case.expect(&format!("{config:#?}\n"));
    }
}

#[test]
fn invalid_configurations_fail_with_their_messages() {
    for case in Case::all("invalid") {
        match Config::parse(&case.name, &case.text, &case.environment) {
            Ok(config) => panic!("{} loaded: {config:#?}", case.name),
            Err(error) => case.expect(&format!("{error}\n")),
        }
    }
}

#[test]
fn every_expectation_has_its_case() {
    for folder in ["valid", "invalid"] {
        for expected in files(folder, "txt") {
            let case = expected.with_extension("yaml");
            assert!(case.exists(), "{} is gone", case.display());
        }
    }
}

#[test]
fn the_example_loads_without_a_warning() {
    let path = root().join("deploy/cloudaudit-exporter.yaml");
    let config = Config::load(Some(&path), &BTreeMap::new()).unwrap();
    assert!(!config.accounts.is_empty());
    assert_eq!(config.warnings, Vec::<String>::new());
}

/// Settings that the example comments out are valid too: `#key` is a setting, `# word` is prose.
#[test]
fn the_example_loads_with_every_setting_enabled() {
    let text = fs::read_to_string(root().join("deploy/cloudaudit-exporter.yaml")).unwrap();
    let enabled: String = text
        .lines()
        .map(|line| {
            let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
            match rest.strip_prefix('#') {
                Some(setting) if !setting.is_empty() && !setting.starts_with([' ', '#']) => {
                    format!("{indent}{setting}\n")
                }
                _ => format!("{line}\n"),
            }
        })
        .collect();
    assert_ne!(enabled, text);
    let config = Config::parse("example.yaml", &enabled, &BTreeMap::new()).unwrap();
    assert!(
        config.organizations[0].external_id.is_some(),
        "the last commented settings are read"
    );
}

/// Two accounts with the same keys are one account of the cloud.
#[test]
fn accounts_with_the_same_keys_cause_a_warning() {
    let warnings = |accounts: &str| {
        let text = format!("accounts: {{{accounts}}}");
        let config = Config::parse("config.yaml", &text, &BTreeMap::new());
        config.unwrap().warnings.join("\n")
    };
    let env = |account: &str, more: &str| {
        format!("{account}: {{credentials: {{env: {{secret_id: A, secret_key: B}}}}{more}}}")
    };
    let role = |number: u8| {
        format!(", assume_role: {{arn: 'qcs::cam::uin/10000000000{number}:roleName/reader'}}")
    };
    for apart in [
        [env("a", ""), "b: {}".to_owned()],
        [env("a", &role(1)), env("b", &role(2))],
        [env("a", &role(1)), env("b", "")],
        [env("a", ", site: china"), env("b", "")],
    ] {
        assert_eq!(warnings(&apart.join(", ")), "");
    }
    let same = |names: &str, times: &str| {
        format!(
            "accounts {names} have the same credentials, so they are the same Tencent Cloud account {times}; one \
             account with all regions is enough"
        )
    };
    let two = [env("prod", ""), env("staging", ", regions: [ap-tokyo]")].join(", ");
    assert_eq!(warnings(&two), same("prod and staging", "twice"));
    let roles = [env("prod", &role(1)), env("staging", &role(1))].join(", ");
    assert_eq!(warnings(&roles), same("prod and staging", "twice"));
    let chain = "a: {}, b: {}, c: {}, d: {}, e: {}";
    assert_eq!(warnings(chain), same("a, b, c, d and e", "5 times"));
    let chain = "a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}";
    assert_eq!(warnings(chain), same("a, b, c, d, e and 2 more", "7 times"));
}

#[test]
fn without_a_file_one_account_is_polled() {
    let config = Config::load(None, &BTreeMap::new()).unwrap();
    let [account] = &config.accounts[..] else {
        panic!("{config:?}")
    };
    assert_eq!(account.name, "default");
    assert_eq!(account.regions, ["ap-guangzhou"]);
    assert!(matches!(account.credentials, Credentials::Default));
    assert_eq!(
        account.endpoint.authority(),
        "cloudaudit.intl.tencentcloudapi.com"
    );
}

#[test]
fn without_a_file_the_environment_still_counts() {
    let environment = environment([
        ("TENCENTCLOUD_REGION", "ap-singapore"),
        ("CLOUDAUDIT_EXPORTER__POLL__INTERVAL", "30s"),
        ("CLOUDAUDIT_EXPORTER__ACCOUNTS__DEFAULT__SITE", "china"),
    ]);
    let config = Config::load(None, &environment).unwrap();
    let account = &config.accounts[0];
    assert_eq!(account.regions, ["ap-singapore"]);
    assert_eq!(account.interval.as_secs(), 30);
    assert_eq!(
        account.endpoint.authority(),
        "cloudaudit.tencentcloudapi.com"
    );
}

#[test]
fn a_wrong_region_in_the_environment_names_the_variable() {
    let environment = environment([("TENCENTCLOUD_REGION", "gz")]);
    let error = Config::load(None, &environment).unwrap_err().to_string();
    let expected = "TENCENTCLOUD_REGION: \"gz\" is not a region; write it like ap-guangzhou or na-siliconvalley";
    assert_eq!(error, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let error = Config::load(Some(&path), &BTreeMap::new()).unwrap_err();
        let error = error.to_string();
        error
            .strip_prefix(&format!("{}: ", path.display()))
            .unwrap_or_else(|| panic!("{error}"))
            .to_owned()
    };
    assert_eq!(
        load("absent.yaml", None),
        "cannot read the configuration: No such file or directory (os error 2)"
    );
    assert_eq!(
        load("binary.yaml", Some(b"accounts:\n  a\xff: {}\n")),
        "not UTF-8 text, first on line 2"
    );
    assert_eq!(
        load("wide.yaml", Some(b"\xff\xfea\0c\0c\0")),
        "it is UTF-16; save it as UTF-8"
    );
    assert_eq!(
        load("long.yaml", Some(&vec![b'#'; (4 << 20) + 1])),
        "the file is longer than 4194304 bytes; make it shorter, or split it with account_files"
    );
}

#[test]
fn paths_are_relative_to_the_file() {
    let text = "http: {ca_file: certs/ca.pem}\naccounts: {prod: {}}";
    let ca_file = |name| {
        let config = Config::parse(name, text, &BTreeMap::new()).unwrap();
        config.http.ca_file.unwrap()
    };
    assert_eq!(
        ca_file("/etc/exporter/x.yaml"),
        Path::new("/etc/exporter/certs/ca.pem")
    );
    assert_eq!(ca_file("x.yaml"), Path::new("certs/ca.pem"));
    let text = "state: {file: state.json}\naccounts: {prod: {}}";
    let config = Config::parse("/etc/exporter/x.yaml", text, &BTreeMap::new()).unwrap();
    let state_file = config.state_file.unwrap();
    assert_eq!(state_file, Path::new("/etc/exporter/state.json"));
}

#[test]
fn too_many_accounts_are_refused() {
    let accounts: Vec<String> = (0..=10_000).map(|n| format!("  a{n}: {{}}\n")).collect();
    let accounts = accounts.concat();
    let error = Config::parse(
        "x.yaml",
        &format!("accounts:\n{accounts}"),
        &BTreeMap::new(),
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("10001 accounts; up to 10000 are allowed"),
        "{error}"
    );
}

/// JSON is YAML, and a generator may write it on one line.
#[test]
fn an_error_in_a_very_long_line_is_reported_soon() {
    let account = |n| format!(r#""a{n}":{{"regions":["ap-guangzhou"],"labels":{{"team":"x"}}}}"#);
    let accounts: Vec<String> = (0..3_000).map(account).collect();
    let accounts = accounts.join(",");
    let text = format!(r#"{{"accounts":{{{accounts}}},"poll":{{"page_size":1000}}}}"#);
    let start = Instant::now();
    let error = Config::parse("x.yaml", &text, &BTreeMap::new()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("poll.page_size: \"1000\""), "{error}");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Errors always have the order of the file.
#[test]
fn errors_are_stable() {
    let text = "aa: 1\nbb: 2\ncc: 3\naccounts: {prod: {dd: 4}}\n";
    let error = || Config::parse("x.yaml", text, &BTreeMap::new()).unwrap_err();
    let first = error().to_string();
    assert!(first.starts_with("x.yaml:1:1: aa: unknown key"), "{first}");
    for _ in 0..20 {
        assert_eq!(error().to_string(), first);
    }
}

/// Returns a label and a secret key with this value, as they were loaded, or `None` if the value
/// was refused.
fn loaded(yaml_value: &str) -> Option<(String, String)> {
    let text = format!(
        "accounts:\n  prod:\n    labels:\n      team: {yaml_value}\n    credentials:\n      secret_id: AKIDexample\n      secret_key: exampleKey\n"
    );
    let label = Config::parse("x.yaml", &text, &BTreeMap::new()).ok()?;
    let label = label.accounts[0].labels["team"].clone();
    let text = text
        .replace("exampleKey", yaml_value)
        .replace(&format!("team: {yaml_value}\n"), "team: a\n");
    let secret = match Config::parse("x.yaml", &text, &BTreeMap::new()) {
        Ok(config) => secret_key(&config),
        Err(_) => label.clone(), // refused is fine
    };
    Some((label, secret))
}

fn secret_key(config: &Config) -> String {
    match &config.accounts[0].credentials {
        Credentials::Inline { secret_key, .. } => secret_key.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    // A failure becomes a case in a file, not a line in a list of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plain_scalar_is_loaded_as_written(text in "[0-9+.][0-9a-fxoeE_.+-]{0,12}|true|True|yes|NO|null|~|\\.nan|-?\\.inf|0o17|[0-9]{4}-[0-9]{2}-[0-9]{2}|[A-Za-z0-9/+=]{1,60}") {
        prop_assert_eq!(loaded(&text), Some((text.clone(), text)));
    }

    #[test]
    fn a_quoted_scalar_is_loaded_as_written_or_refused(text in any::<String>()) {
        // A JSON string is a YAML string.
        let quoted = serde_json::to_string(&text).unwrap();
        if let Some(both) = loaded(&quoted) {
            prop_assert_eq!(both, (text.clone(), text.clone()));
        }
        let quoted = format!("'{}'", text.replace('\'', "''"));
        // Line breaks and control characters have no single-quoted form.
        let breaks = |c: char| c.is_control() || "\u{85}\u{2028}\u{2029}\u{feff}".contains(c);
        let written = if text.contains(breaks) { None } else { loaded(&quoted) };
        if let Some(both) = written {
            prop_assert_eq!(both, (text.clone(), text));
        }
    }

    #[test]
    fn an_override_is_loaded_as_written_or_refused(text in any::<String>()) {
        let environment = environment([
            ("CLOUDAUDIT_EXPORTER__ACCOUNTS__PROD__LABELS__TEAM", text.as_str()),
        ]);
        let yaml = "accounts: {prod: {}}";
        if let Ok(config) = Config::parse("x.yaml", yaml, &environment) {
            prop_assert_eq!(&config.accounts[0].labels["team"], &text);
        }
        let environment = self::environment([
            ("CLOUDAUDIT_EXPORTER__ACCOUNTS__PROD__CREDENTIALS__SECRET_ID", "AKIDexample"),
            ("CLOUDAUDIT_EXPORTER__ACCOUNTS__PROD__CREDENTIALS__SECRET_KEY", text.as_str()),
        ]);
        if let Ok(config) = Config::parse("x.yaml", yaml, &environment) {
            prop_assert_eq!(secret_key(&config), text);
        }
    }

    /// No error shows a secret, regardless of how the text around it is broken.
    #[test]
    fn no_error_shows_a_secret(
        before in "[ \t]{0,3}[-\\[{}:,&*!|>'\"#?a-z\n]{0,6}",
        after in "[-\\]\\[{}:,&*!|>'\"#? \ta-z\n]{0,8}",
    ) {
        let secret = "Zq9HUSHq9Z";
        let text = format!(
            "accounts:\n  prod:\n    credentials:\n      secret_id: AKIDexample\n      secret_key: {before}{secret}{after}\n    interval: 5s\n"
        );
        // An external id is kept secret, too.
        let role = text.replace("credentials:", "assume_role:").replace("secret_id: AKIDexample", "duration: 1h");
        let role = role.replace("secret_key:", "external_id:");
        for text in [text, role] {
            if let Err(error) = Config::parse("x.yaml", &text, &BTreeMap::new()) {
                prop_assert!(!error.to_string().contains(secret), "{}\n{}", text, error);
            }
        }
    }

    #[test]
    fn no_text_causes_a_panic(text in "[-\\[\\]{}:,&*!|>'\"#? \t\na-c<]{0,60}") {
        let _ = Config::parse("x.yaml", &text, &BTreeMap::new());
        let text = format!("accounts:\n  prod:\n    labels: {text}");
        let _ = Config::parse("x.yaml", &text, &BTreeMap::new());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn environment<const N: usize>(variables: [(&str, &str); N]) -> BTreeMap<String, String> {
    variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Dashboards compare this hash between replicas: it changes with the meaning, not with secrets.
#[test]
fn the_hash_covers_the_meaning_and_no_secret() {
    let hash = |text: &str| {
        let config = Config::parse("config.yaml", text, &BTreeMap::new());
        config.unwrap().hash()
    };
    let text = "http: {proxy: \"http://me:HUSH@proxy:8080\"}\naccounts:\n  a: {credentials: {secret_id: id, secret_key: HUSH, token: HUSH}}\n  b: {interval: 30s}\n";
    let known = hash(text);
    assert!(known > 0 && known < 1 << 48);
    assert_eq!(known, hash(&text.replace("HUSH", "HUSHHUSH")), "secrets");
    assert_eq!(known, hash(&format!("# a comment\n\n{text}")), "places");
    assert_ne!(
        known,
        hash(&format!("changes: {{keep: 5}}\n{text}")),
        "changes"
    );
    let own_state = format!("state: {{file: of-this-process.json}}\n{text}");
    assert_eq!(known, hash(&own_state), "each process keeps its own state");
    let (a, b) = text.split_once("  a: ").unwrap();
    let (a_line, b_line) = b.split_once('\n').unwrap();
    assert_eq!(known, hash(&format!("{a}{b_line}  a: {a_line}\n")), "order");
    for (old, new) in [
        ("30s", "31s"),
        ("b:", "c:"),
        ("secret_id: id", "secret_id: other"),
        (", token: HUSH", ""),
    ] {
        assert_ne!(known, hash(&text.replace(old, new)), "{new}");
    }
}
