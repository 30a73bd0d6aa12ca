//! Web configurations that are invalid, endless, hanging or partially written.

use std::fs;
use std::process::Command;
use std::time::Duration;

use cloudaudit_exporter::web_config::WebConfig;
use http::HeaderMap;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::pki::Authority;

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";
const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

#[tokio::test]
async fn errors_name_the_file_and_no_secret() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("web.yaml");
    for (text, expected) in [
        (
            "basic_auth_users: {alice: s3cret}",
            "basic_auth_users.alice: not a bcrypt hash",
        ),
        ("basic_auth_users:\n  alice: s3cret\n bob: s3cret", "line "),
        (
            "tls_server_config: {key: s3cret, cert: s3cret}",
            "cert: it contains no certificate",
        ),
        (
            "basic_auth_users: {bob: $2b$99$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy}",
            "basic_auth_users.bob: bcrypt has no cost 99; allowed are 4 to 31",
        ),
        ("nonsense: s3cret", "unknown field `nonsense`"),
    ] {
        fs::write(&file, text).unwrap();
        let why = WebConfig::load(&file).await.unwrap_err();
        assert!(why.starts_with(&file.display().to_string()), "{why}");
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains("s3cret"), "{why}");
    }
}

#[tokio::test]
async fn files_that_are_not_regular_or_too_long_are_rejected_by_name() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    Authority::new("ours")
        .server(2040)
        .write(folder.path(), "server");
    fs::write(at("long"), "x".repeat((1 << 20) + 1)).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(at("fifo"))
            .status()
            .unwrap()
            .success()
    );
    let file = at("web.yaml");
    let cases = [
        ("/dev/zero", "it is a device"),
        ("fifo", "it is a FIFO"),
        (".", "it is a directory"),
        ("long", "it is longer than 1048576 bytes"),
    ];
    for (path, expected) in cases {
        for key in ["cert_file", "key_file", "client_ca_file"] {
            let text = match key {
                "cert_file" => TLS.replace("server.crt", path),
                "key_file" => TLS.replace("server.key", path),
                _ => TLS.replace('}', &format!(", client_ca_file: {path}}}")),
            };
            fs::write(&file, text).unwrap();
            let why = WebConfig::load(&file).await.unwrap_err();
            assert!(
                why.contains(&format!("{key} ")) && why.contains(expected),
                "{why}"
            );
        }
    }
    for (path, expected) in cases {
        let why = WebConfig::load(&folder.path().join(path))
            .await
            .unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    let why = WebConfig::load("/dev/fd/0".as_ref()).await.unwrap_err();
    assert!(why.contains("a pipe can be read only once"), "{why}");
}

/// A list with many aliases of a long text.
#[tokio::test]
async fn aliases_in_the_web_file_are_bounded() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("web.yaml");
    let (long, aliases) = ("x".repeat(900_000), "*a, ".repeat(20_000));
    let text = format!("auth_exempt_paths: [&a /{long}, {aliases}]\n");
    fs::write(&file, text).unwrap();
    assert!(WebConfig::load(&file).await.is_err());
}

#[tokio::test]
async fn files_that_are_briefly_incomplete_keep_the_previous_configuration() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    authority.server(2040).write(folder.path(), "server");
    let file = folder.path().join("web.yaml");
    let whole = format!("{TLS}basic_auth_users: {{alice: {HASH}}}\nauth_exempt_paths: [/]\n");
    fs::write(&file, &whole).unwrap();
    let config = WebConfig::load(&file).await.unwrap();
    let admitted = async || config.authorize("/", &HeaderMap::new()).await.1;
    assert_eq!(admitted().await, Ok(()));
    for half in ["web.yaml", "server.crt", "server.key"] {
        let path = folder.path().join(half);
        let before = fs::read(&path).unwrap();
        // The next check of the files is due.
        sleep(Duration::from_millis(1_100)).await;
        fs::write(&path, "").unwrap();
        let (result, ()) = tokio::join!(admitted(), async {
            sleep(Duration::from_millis(300)).await;
            fs::write(&path, before).unwrap();
        });
        assert_eq!(result, Ok(()), "{half}");
    }
    // A file that stays broken is rejected.
    sleep(Duration::from_millis(1_100)).await;
    fs::write(&file, "").unwrap();
    assert!(admitted().await.is_err());
}
