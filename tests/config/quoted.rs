//! Quotes around secrets in environment variables, and one UIN with two accounts.

use std::collections::BTreeMap;

use cloudaudit_exporter::config::Config;

fn error(config: &str, name: &str, value: &str) -> Option<String> {
    let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let config = Config::parse("config.yaml", config, &environment);
    config.err().map(|error| error.to_string())
}

const DEFAULT: &str = "accounts: {prod: {}}";
const ENV: &str =
    "accounts: {prod: {credentials: {env: {secret_id: ID, secret_key: KEY, token: TOKEN}}}}";
const ORGANIZATION: &str = "organizations: {main: {role_name: reader, credentials: {env: {secret_id: ID, secret_key: KEY}}}}";

#[test]
fn a_variable_in_quotes_is_refused_with_its_name_only() {
    let variables = [
        (DEFAULT, "TENCENTCLOUD_SECRET_ID"),
        (DEFAULT, "TENCENTCLOUD_SECRETID"),
        (DEFAULT, "TENCENTCLOUD_SECRET_KEY"),
        (DEFAULT, "TENCENTCLOUD_TOKEN"),
        (DEFAULT, "TENCENTCLOUD_SECURITY_TOKEN"),
        (ENV, "ID"),
        (ENV, "KEY"),
        (ENV, "TOKEN"),
        (ORGANIZATION, "ID"),
    ];
    for (config, name) in variables {
        for value in [
            "\"AKIDx\"",
            "'AKIDx'",
            "\"\"",
            "''",
            "\"AKIDx",
            " \"AKIDx\"\n",
        ] {
            let error = error(config, name, value).unwrap_or_default();
            let expected = format!("the environment variable {name} has quotes around its value");
            assert!(error.contains(&expected), "{name}={value}: {error}");
            assert!(!error.contains("AKIDx"), "{error}");
        }
    }
}

#[test]
fn other_variables_may_have_quotes() {
    for (config, name) in [
        (ENV, "TENCENTCLOUD_SECRET_ID"),
        (DEFAULT, "ID"),
        (DEFAULT, "LS_COLORS"),
    ] {
        assert_eq!(error(config, name, "\"x\""), None);
    }
}

#[test]
fn one_uin_under_two_names_causes_a_warning() {
    let config = "accounts:
  one: {uin: '100000000001', credentials: {secret_id: a, secret_key: k}}
  two: {uin: '100000000001', credentials: {secret_id: b, secret_key: k}}
  three: {uin: '100000000003', credentials: {secret_id: c, secret_key: k}}";
    let config = Config::parse("config.yaml", config, &BTreeMap::new()).unwrap();
    let about: Vec<_> = (config.warnings.iter())
        .filter(|warning| warning.contains("100000000001"))
        .collect();
    assert_eq!(about.len(), 1);
    assert!(
        about[0].starts_with("accounts one and two are"),
        "{about:?}"
    );
}
