//! One load reports everything that is wrong.

use std::collections::BTreeMap;
use std::fs;

use cloudaudit_exporter::config::Config;

#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let text = "poll:\n  attempts: 11\n  intervall: 5m\naccounts:\n  a: {regions: [gz, ap-tokyo, ap-tokyo]}\n  b: {uin: x, credentials: {secret_id: id}}\n  C: {}\n";
    let environment = [
        ("CLOUDAUDIT_EXPORTER__POLL__TIMEOUT", "never"),
        ("CLOUDAUDIT_EXPORTER__ACCOUNTS__D__SITE", "china"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = Config::parse("x.yaml", text, &environment.into()).unwrap_err();
    let error = error.to_string();
    let expected = [
        "CLOUDAUDIT_EXPORTER__ACCOUNTS__D__SITE: no such account",
        "x.yaml:2:13: poll.attempts: \"11\" is not",
        "x.yaml:3:3: poll.intervall: unknown key",
        "CLOUDAUDIT_EXPORTER__POLL__TIMEOUT: poll.timeout: \"never\" is not",
        "x.yaml:5:17: accounts.a.regions[0]: \"gz\" is not",
        "x.yaml:5:31: accounts.a.regions[2]: \"ap-tokyo\" a second time",
        "x.yaml:6:12: accounts.b.uin: \"x\" is not",
        "x.yaml:6:15: accounts.b.credentials: secret_key is missing",
        "x.yaml:7:3: accounts.C: not a name",
    ];
    let places = error.lines().filter(|line| !line.starts_with(' '));
    let places: Vec<&str> = places.collect();
    assert_eq!(places.len(), expected.len(), "{error}");
    for (actual, expected) in places.iter().zip(expected) {
        assert!(actual.starts_with(expected), "{actual}\n{expected}");
    }
}

/// Errors across several keys are reported together with errors of single values, without errors
/// that only follow from others.
#[test]
fn accounts_are_checked_despite_errors_in_others() {
    let text = "accounts:\n  a: {interval: 5s}\n  b: {interval: x, assume_role: {arn: x}}\n  c: {assume_role: {session_name: abc}}\n";
    let error = Config::parse("x.yaml", text, &BTreeMap::new()).unwrap_err();
    let error = error.to_string();
    let expected = [
        "x.yaml:3:17: accounts.b.interval: ",
        "x.yaml:3:39: accounts.b.assume_role.arn: ",
        "x.yaml:2:17: accounts.a.interval: 5s is shorter than poll.timeout",
        "x.yaml:4:7: accounts.c.assume_role: arn is missing",
    ];
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{error}");
    for (actual, expected) in lines.iter().zip(expected) {
        assert!(actual.starts_with(expected), "{actual}\n{expected}");
    }
}

#[test]
fn every_account_file_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("config.yaml");
    fs::write(&main, "account_files: [a.yaml, b.yaml, absent.yaml]\n").unwrap();
    fs::write(folder.path().join("a.yaml"), "not: [valid").unwrap();
    fs::write(folder.path().join("b.yaml"), "b: {site: mars}\n").unwrap();
    let error = Config::load(Some(&main), &BTreeMap::new()).unwrap_err();
    let error = error.to_string();
    for expected in [
        "absent.yaml: cannot read",
        "a.yaml:1:",
        "b.yaml:1:11: accounts.b.site: ",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_long_list_of_errors_is_truncated() {
    let unknown: Vec<String> = (0..30).map(|n| format!("k{n}: 1\n")).collect();
    let text = format!("accounts: {{a: {{}}}}\n{}", unknown.concat());
    let error = Config::parse("x.yaml", &text, &BTreeMap::new()).unwrap_err();
    let error = error.to_string();
    assert_eq!(error.lines().count(), 21);
    assert!(error.ends_with("\nand 10 more errors"), "{error}");
}
