//! `check`: the targets that the exporter would poll, and the permissions that it needs.

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
ACCOUNT  REGION        SITE   INTERVAL  CREDENTIALS  REQUIRED  EXPECTED              LABELS
alpha    ap-guangzhou  china  1m        default      no        -                     team=core
zeta     ap-guangzhou  china  1m        env          yes       to-central,audit-all
zeta     ap-tokyo      china  1m        env          yes       to-central,audit-all
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

/// A configuration with every kind of setting. `check` runs although its key files do not exist.
pub(super) const FLEET: &str = "\
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

/// Returns the output of `check` with these arguments, and asserts that it contains no secret.
pub(super) fn check(yaml: &str, arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, yaml).unwrap();
    // A world-readable file would cause another warning.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    let output = run(&[&["check", "--config.file", file], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(!said.contains("HUSH"), "{said}");
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn check_shows_roles_and_organizations() {
    let expected = "\
ACCOUNT  REGION        SITE           INTERVAL  CREDENTIALS  ROLE          UIN           REQUIRED
alpha    ap-guangzhou  international  1m        inline       -             100000000001  yes
beta     ap-guangzhou  china          1m        files        audit-reader  100000000002  yes
zeta     ap-guangzhou  international  1m        files        -             -             yes

ORGANIZATION  REGIONS       SITE           REFRESH  INTERVAL  CREDENTIALS  ROLE          INCLUDE     EXCLUDE    REQUIRED
main          ap-guangzhou  international  2h       1m        files        audit-reader  1*,2*,3*,…  sandbox-*  yes
other         ap-guangzhou  china          1h       1m        tke_oidc     audit-reader  -           -          yes

3 accounts, 3 targets, 2 organizations
warning: config.yaml:7:5: accounts.alpha.credentials: the file contains a secret, which everyone who can read the file can read; use env: or secret_key_file: instead
warning: account beta and 2 more: cannot use the key: id cannot be read: No such file or directory (os error 2)
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
fn organizations_alone_are_one_table() {
    let said = check("organizations: {main: {role_name: r}}", &[]);
    let expected = "\
ORGANIZATION  REGIONS       SITE           REFRESH  INTERVAL  CREDENTIALS  ROLE  REQUIRED
main          ap-guangzhou  international  1h       1m        default      r     yes

0 accounts, 0 targets, 1 organization
warning: organization main: without poll.details_interval, the organization's tracks do not count for members, and each member without an enabled track causes an alert; set poll.details_interval, or track_required: false
";
    assert_eq!(said, expected);
}

/// Names of files come from the configuration, and those of tracks and members from the API.
#[test]
fn the_output_escapes_invisible_characters() {
    let hidden = "\u{202e}\u{200b}\u{1b}[31m\u{9b}\u{e0041}\nwarning: all is well";
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(format!("{hidden}.yaml"));
    let quoted = r#""\u202e\e[3m\nwarning: all is well/x""#;
    let pattern = r#""\u202e\e[3m\nwarning: all is well*""#;
    let yaml = format!(
        "accounts:\n  a: {{credentials: {{secret_id: AKIDexample, secret_key: HUSH}}}}\n  \
         b: {{credentials: {{secret_id_file: {quoted}, secret_key_file: {quoted}}}}}\n  \
         c: {{credentials: {{profile: {{file: {quoted}}}}}}}\n\
         http: {{ca_file: {quoted}}}\nstate: {{file: {quoted}}}\naccount_files: [{pattern}]\n"
    );
    fs::write(&file, yaml).unwrap();
    let not_a_file = "\u{202e}\u{1b}[3m\nwarning: all is well/x";
    fs::create_dir_all(folder.path().join(not_a_file)).unwrap();
    let web = folder.path().join("web.yaml");
    let absent = quoted.replace("/x", "/absent");
    let tls = format!("tls_server_config: {{cert_file: {absent}, key_file: {absent}}}\n");
    fs::write(&web, tls).unwrap();
    let web = web.to_str().unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let file = file.to_str().unwrap();
    for format in ["text", "json"] {
        let named = ["--config.file", file, "--web.config.file", web];
        let output = run(&[&["check", "--output", format], &named[..]].concat());
        let said = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let is_hidden =
            |c: char| c != '\n' && (c.is_control() || hidden[..6].contains(c) || c > '\u{ffff}');
        assert!(!said.contains(is_hidden), "{format}: {said:?}");
        for place in [
            "no file matches",
            "http.ca_file",
            "state.file",
            "account b",
            "account c",
            "cert_file",
        ] {
            let mut lines = said.lines();
            let is_shown = lines.any(|line| line.contains(place) && line.contains("202e"));
            assert!(is_shown, "{format}: {place}: {said}");
        }
        let is_forged = |line: &str| line.starts_with("warning: all is well");
        assert!(!said.lines().any(is_forged), "{format}: {said}");
        if format == "json" {
            let json: Value = serde_json::from_str(&said).unwrap();
            let warnings = json["warnings"].as_array().unwrap();
            let mut warnings = warnings.iter().filter_map(Value::as_str);
            let shown = "\\u{202e}\\u{200b}\\u{1b}[31m\\u{9b}\\u{e0041}\\nwarning";
            assert!(warnings.any(|it| it.contains(shown)), "{said}");
        }
    }
}

#[test]
fn the_files_that_are_named_are_read() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let yaml = "defaults: {credentials: {secret_id_file: id, secret_key_file: key}}\n\
                accounts:\n  alpha: {regions: [ap-tokyo]}\n  beta: {}\n  \
                gamma: {credentials: {profile: {file: profiles}}}\n";
    fs::write(path("config.yaml"), yaml).unwrap();
    fs::write(path("id"), "AKIDexample").unwrap();
    fs::write(path("profiles"), "[other]\n").unwrap();
    let tls = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n";
    fs::write(path("web.yaml"), tls).unwrap();
    let check = |more: &[&str]| {
        let (config, web) = (path("config.yaml"), path("web.yaml"));
        let flags = ["check", "--config.file", &config, "--web.config.file", &web];
        let output = run(&[&flags[..], more].concat());
        let prefix = path("");
        let said = text(&output.stdout) + &text(&output.stderr);
        (said.replace(&prefix, ""), output.status.code())
    };
    let warnings = |said: &str| {
        let lines = said
            .lines()
            .filter_map(|line| line.strip_prefix("warning: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let same = "accounts alpha and beta have the same credentials, so they are the same Tencent Cloud account twice; one account with all regions is enough";
    let key = "account alpha and 1 more: cannot use the key: key cannot be read: No such file or directory (os error 2)";
    let tls = |name: &str, file: &str| {
        format!("{name} {file} does not exist; the exporter does not start without it")
    };
    let (said, code) = check(&[]);
    assert_eq!(code, Some(0), "{said}");
    let found = warnings(&said);
    assert_eq!(found[..2], [same.to_owned(), key.to_owned()]);
    assert!(
        found[2].starts_with("account gamma: cannot use the key: "),
        "{found:?}"
    );
    assert_eq!(
        found[3..],
        [tls("cert_file", "tls.crt"), tls("key_file", "tls.key")]
    );

    // Its policy needs no file.
    let (said, code) = check(&["--policy"]);
    assert_eq!((code, warnings(&said).len()), (Some(0), 0));

    fs::write(path("web.yaml"), "tls_server_confg: {}\n").unwrap();
    let (said, code) = check(&[]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("web.yaml: line 1"), "{said}");
}

/// The exporter never replaces a path that is not a regular file.
#[test]
fn a_state_file_that_is_no_file_is_a_warning() {
    let accounts = "accounts: {prod: {credentials: {secret_id_file: i, secret_key_file: k}}}\n";
    for (file, is_refused) in [("/dev/null", true), ("/", true), ("/dev/shm/none", false)] {
        let said = check(&format!("state: {{file: {file}}}\n{accounts}"), &[]);
        let warning =
            format!("warning: state.file {file}: it is not a regular file; name another one\n");
        assert_eq!(said.contains(&warning), is_refused, "{said}");
    }
}

/// A thousand missing keys cause only a few lines of output.
#[test]
fn warnings_about_keys_are_counted() {
    let accounts = (0..40).map(|number| {
        format!("  a{number}: {{credentials: {{secret_id_file: i{number}, secret_key_file: k}}}}\n")
    });
    let yaml = format!("accounts:\n{}", accounts.collect::<String>());
    let said = check(&yaml, &[]);
    let warnings = said.lines().filter(|line| line.starts_with("warning: "));
    assert_eq!(warnings.count(), 11, "{said}");
    assert!(
        said.ends_with("warning: 30 more keys cannot be used\n"),
        "{said}"
    );
}

#[test]
fn no_table_is_wider_than_a_terminal() {
    let long = "a-very-long-name-for-an-account-that-an-owner-has-chosen-with-care";
    let yaml = format!(
        "defaults: {{labels: {{team: {long}, owner: {long}}}, expected_tracks: [{long}, {long}-2]}}\n\
         accounts: {{short: {{endpoint: 'http://127.0.0.1:8080', regions: [na-siliconvalley]}}}}\n\
         organizations: {{main: {{role_name: {long}, include: ['{long}*']}}}}\n"
    );
    let said = check(&yaml, &[]);
    let tables = said.lines().filter(|line| !line.starts_with("warning: "));
    for line in tables {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(
        said.contains("… marks a truncated value; --output json"),
        "{said}"
    );
    assert!(said.contains("short"), "{said}");
    let json: Value = serde_json::from_str(&check(&yaml, &["--output", "json"])).unwrap();
    assert_eq!(json["accounts"][0]["labels"]["team"], long);
}
