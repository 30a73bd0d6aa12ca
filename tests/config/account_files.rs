//! Account files.

use std::fs;
use std::path::Path;

use cloudaudit_exporter::config::{Config, Credentials, NamedFile, Site, file_hash};

/// Writes files into a folder, and loads the first.
fn load(
    folder: &Path,
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> Result<Config, String> {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let variables = variables.iter();
    let environment = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = Config::load(Some(&folder.join(files[0].0)), &environment.collect());
    // The name of the folder changes with each run.
    loaded.map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", folder.display()), "")
    })
}

fn names(config: &Config) -> Vec<&str> {
    let accounts = config.accounts.iter();
    accounts.map(|account| account.name.as_str()).collect()
}

#[test]
fn accounts_of_files_load_like_accounts_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        (
            "config.yaml",
            "account_files: [accounts.d/*.yaml, more/?/accounts.yml]\ndefaults: {interval: 90s}\n",
        ),
        (
            "accounts.d/b.yaml",
            "x-base: &base {site: china}\naccounts:\n  prod-b: {<<: *base}\n",
        ),
        (
            "accounts.d/a.yaml",
            "prod-a:\n  credentials: {secret_id_file: id, secret_key_file: /run/key}\n",
        ),
        ("accounts.d/.hidden.yaml", "wrong"),
        ("accounts.d/..data/c.yaml", "wrong"),
        ("accounts.d/notes.txt", "wrong"),
        ("accounts.d/folder.yaml/c.yaml", "wrong"),
        ("more/1/accounts.yml", "prod-c: {interval: 1m}\n"),
    ];
    let variables = [
        ("CLOUDAUDIT_EXPORTER__ACCOUNTS__PROD_C__INTERVAL", "2m"),
        (
            "CLOUDAUDIT_EXPORTER__ACCOUNTS__PROD_A__CREDENTIALS__TOKEN_FILE",
            "token",
        ),
    ];
    let config = load(folder.path(), &files, &variables).unwrap();
    assert_eq!(names(&config), ["prod-a", "prod-b", "prod-c"]);
    assert_eq!(config.warnings, Vec::<String>::new());
    let [a, b, c] = &config.accounts[..] else {
        unreachable!()
    };
    assert_eq!([a, b, c].map(|it| it.interval.as_secs()), [90, 90, 120]);
    assert_eq!(b.site, Site::China);
    // A path is relative to the file that contains it; a path of the environment, to the
    // configuration file.
    let named = |name: &str| NamedFile {
        path: folder.path().join(name),
        name: name.to_owned(),
    };
    let expected = Credentials::Files {
        secret_id: named("accounts.d/id"),
        secret_key: named("/run/key"),
        token: Some(named("token")),
    };
    assert_eq!(a.credentials, expected);
}

#[test]
fn errors_name_the_account_file() {
    let refused = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let main = "account_files: [accounts.d/*]\naccounts:\n  prod: {}\n";
        let files = [
            ("config.yaml", main),
            ("accounts.d/a.yaml", "first: {}\n"),
            ("accounts.d/b.yaml", text),
        ];
        load(folder.path(), &files, &[]).unwrap_err()
    };
    let cases = [
        (
            "other:\n  intervall: 5m\n",
            "accounts.d/b.yaml:2:3: accounts.other.intervall: unknown key; allowed here: regions, labels, site, endpoint, sts_endpoint, interval, rate_limit, attribution, expected_tracks, track_required, delivery, uin, appid, credentials, assume_role",
        ),
        (
            "prod: {}\n",
            "accounts.d/b.yaml:1:1: accounts.prod: the same account again; it is already at config.yaml:3:3",
        ),
        (
            "accounts:\n  first: {}\n",
            "accounts.d/b.yaml:2:3: accounts.first: the same account again; it is already at accounts.d/a.yaml:1:1",
        ),
        (
            "pr-od: {}\npr_od: {}\n",
            "accounts.d/b.yaml:2:1: accounts.pr_od: pr-od and pr_od are both PR_OD in environment variables; rename one",
        ),
        (
            "other:\n  credentials: {secret_id: AKIDexample, secret_key: exampleHUSH, token: a b}\n",
            "accounts.d/b.yaml:2:73: accounts.other.credentials.token: whitespace, a control character or a character outside ASCII; allowed is what an HTTP header can carry",
        ),
        (
            "other: {secret_key: exampleHUSH\n",
            "accounts.d/b.yaml:1:8: not valid YAML: unclosed bracket '{'",
        ),
        (
            "accounts: {other: {}}\npoll: {interval: 5m}\n",
            "accounts.d/b.yaml:2:1: poll: not allowed in an account file; move it to the configuration file",
        ),
        (
            "accounts: [other]\n",
            "accounts.d/b.yaml:1:1: accounts: not a mapping; write accounts by name",
        ),
        (
            "",
            "accounts.d/b.yaml:1:1: the file is empty; write keys, as in accounts: {prod: {}}",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn no_matching_file_is_a_warning_and_too_many_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let main = "account_files: [accounts.d/*.yaml]\naccounts: {prod: {}}\n";
    let config = load(folder.path(), &[("config.yaml", main)], &[]).unwrap();
    let place = folder.path().join("config.yaml");
    let expected = format!(
        "{}:1:17: account_files[0]: no file matches \"accounts.d/*.yaml\"",
        place.display()
    );
    assert_eq!(config.warnings, [expected]);

    fs::create_dir(folder.path().join("accounts.d")).unwrap();
    for n in 0..=1000 {
        let name = format!("accounts.d/{n}.yaml");
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    let error = load(folder.path(), &[("config.yaml", main)], &[]).unwrap_err();
    let expected = "matches more than 1000 names, the limit";
    assert!(error.contains(expected), "{error}");
}

/// The watch for file changes compares this hash.
#[test]
fn the_file_hash_covers_account_files() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("config.yaml");
    let known = |name: &str, text: Option<&str>| {
        let path = folder.path().join(name);
        match text {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        file_hash(&main).unwrap()
    };
    let hashes = [
        known("config.yaml", Some("account_files: [accounts-*]")),
        known("accounts-a", Some("a: {}")),
        known("accounts-a", Some("b: {}")),
        known("accounts-b", Some("c: {}")),
        known("accounts-b", Some("not: [valid")),
        known("config.yaml", Some("account_files: [accounts-a]")),
    ];
    for (n, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..n].contains(hash), "{n}");
    }
    let same = known("others", Some("d: {}"));
    assert_eq!(same, hashes[5], "no pattern matches it");
    assert_ne!(known("accounts-a", None), same, "the file was removed");
}

#[cfg(unix)]
#[test]
fn a_world_readable_secret_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let main = "account_files: [a.yaml]\naccounts:\n  prod: {credentials: {secret_id: id, secret_key: exampleHUSH}}\n";
    let more = "sub: {credentials: {secret_id: id, secret_key: exampleHUSH, token: exampleHUSH}}\n";
    let warnings = |folder_mode, mode| {
        let path = folder.path();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let files = [("config.yaml", main), ("a.yaml", more)];
        load(path, &files, &[]).unwrap();
        set(&path.join("config.yaml"), 0o600);
        set(&path.join("a.yaml"), mode);
        set(path, folder_mode);
        let config = load(path, &files[..1], &[]).unwrap();
        assert!(!format!("{:?}", config.warnings).contains("HUSH"));
        let prefix = format!("{}/", path.display());
        let warnings = config.warnings.iter();
        warnings
            .map(|it| it.replace(&prefix, ""))
            .collect::<Vec<_>>()
    };
    let closed = "the file contains a secret, which everyone who can read the file can read; use env: or secret_key_file: instead";
    let open = "the file contains a secret, which every user of this machine can read; run chmod o-r, or use env: or secret_key_file: instead";
    let expected = |of_more: &str| {
        [
            format!("config.yaml:3:10: accounts.prod.credentials: {closed}"),
            format!("a.yaml:1:7: accounts.sub.credentials: {of_more}"),
        ]
    };
    // The same warning for more than one account is one line.
    let both = [format!(
        "config.yaml:3:10: accounts.prod.credentials (and 1 more): {closed}"
    )];
    assert_eq!(warnings(0o755, 0o640), both);
    assert_eq!(warnings(0o755, 0o644), expected(open));
    assert_eq!(
        warnings(0o750, 0o644),
        both,
        "other users cannot read the folder"
    );
}
