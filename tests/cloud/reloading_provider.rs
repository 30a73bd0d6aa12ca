//! Keys in files: what is read, when a change is loaded, and that a removed key signs nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::tencent::credentials::{
    CredentialFile, KeyFiles, Profile, Provider, ReloadingProvider,
};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

fn clock() -> Clock {
    Clock::virtual_at(UNIX_EPOCH + Duration::from_hours(498_720))
}

fn files(folder: &Path) -> KeyFiles {
    KeyFiles {
        secret_id: folder.join("id"),
        secret_key: folder.join("key"),
        token: None,
    }
}

fn put(folder: &Path, id: &str, key: &str) {
    fs::write(folder.join("id"), id).unwrap();
    fs::write(folder.join("key"), key).unwrap();
}

async fn key(provider: &impl Provider) -> Result<(String, String), Failure> {
    let credential = provider.credential().await?;
    let key = credential.secret_key().expose_secret().to_owned();
    Ok((credential.secret_id().to_owned(), key))
}

fn pair(id: &str, key: &str) -> (String, String) {
    (id.to_owned(), key.to_owned())
}

#[tokio::test(start_paused = true)]
async fn file_contents_are_trimmed_and_reread() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "AKID1\n", " key-1\r\n");
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    provider.identify().await;
    assert_eq!(
        (provider.name(), provider.identity()),
        ("files", Some("AKID1".into()))
    );
    assert_eq!(key(&provider).await.unwrap(), pair("AKID1", "key-1"));
    let (one, two) = (
        provider.credential().await.unwrap(),
        provider.credential().await.unwrap(),
    );
    assert!(
        std::sync::Arc::ptr_eq(&one, &two),
        "an unchanged key is the same allocation"
    );

    // Windows editors write a byte order mark.
    put(folder.path(), "\u{feff}AKID2\r\n", "\u{feff}key-2");
    assert_eq!(key(&provider).await.unwrap(), pair("AKID2", "key-2"));
    let state = provider.state().unwrap();
    assert_eq!(
        (state.refreshes, state.failures, state.expires),
        (2, 0, None)
    );
    assert!(provider.invalidate(&one).await, "there is a newer key");
    let now = provider.credential().await.unwrap();
    assert!(!provider.invalidate(&now).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_its_file_no_longer_contains_is_not_used() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "AKID1", "key-1");
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    key(&provider).await.unwrap();
    for (broken, expected) in [
        (None, "cannot be read"),
        (Some(" \n"), "is empty"),
        (Some("a key with blanks"), "contains whitespace"),
    ] {
        match broken {
            None => fs::remove_file(folder.path().join("key")).unwrap(),
            Some(text) => fs::write(folder.path().join("key"), text).unwrap(),
        }
        let failure = key(&provider).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Credentials);
        assert!(failure.message.contains(expected), "{failure}");
        assert!(!failure.message.contains("a key with"), "{failure}");
    }
    fs::write(folder.path().join("key"), "x".repeat(70_000)).unwrap();
    let failure = key(&provider).await.unwrap_err();
    assert!(
        failure.message.contains("longer than 65536 bytes"),
        "{failure}"
    );
}

/// Kubernetes mounts a secret as links into a directory behind another link, and replaces that
/// link.
#[tokio::test(start_paused = true)]
async fn a_swapped_directory_is_a_change() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (data, number) in [("..1", 1), ("..2", 2)] {
        fs::create_dir(at(data)).unwrap();
        put(
            &at(data),
            &format!("AKID{number}"),
            &format!("key-{number}"),
        );
    }
    symlink("..1", at("..data")).unwrap();
    for name in ["id", "key"] {
        symlink(Path::new("..data").join(name), at(name)).unwrap();
    }
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    assert_eq!(key(&provider).await.unwrap(), pair("AKID1", "key-1"));
    symlink("..2", at("..new")).unwrap();
    fs::rename(at("..new"), at("..data")).unwrap();
    assert_eq!(key(&provider).await.unwrap(), pair("AKID2", "key-2"));
}

#[tokio::test(start_paused = true)]
async fn a_new_id_with_the_old_key_is_an_unfinished_change() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "AKID1", "key-1");
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    key(&provider).await.unwrap();
    fs::write(folder.path().join("id"), "AKID2").unwrap();
    let (found, ()) = tokio::join!(key(&provider), async {
        sleep(Duration::from_millis(500)).await;
        fs::write(folder.path().join("key"), "key-2").unwrap();
    });
    assert_eq!(found.unwrap(), pair("AKID2", "key-2"));

    // A mistyped key may be corrected without a new id.
    fs::write(folder.path().join("key"), "key-3").unwrap();
    let began = Instant::now();
    assert_eq!(key(&provider).await.unwrap(), pair("AKID2", "key-3"));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_profile_is_read_from_the_credentials_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    let read = |name: &str| {
        let profile = Profile {
            name: name.to_owned(),
            files: vec![folder.path().join("none"), file.clone()],
        };
        let credential = profile.read()?;
        let token = credential
            .token()
            .map(|token| token.expose_secret().to_owned());
        let key = credential.secret_key().expose_secret().to_owned();
        Ok::<_, String>((credential.secret_id().to_owned(), key, token))
    };
    let missing = read("default").unwrap_err();
    assert!(
        missing.starts_with("there is no ") && missing.contains("/none, and no "),
        "{missing}"
    );
    fs::write(
        &file,
        "# of the tools\n[default]\nsecret_id = AKID1\nsecret_key=key#1;a=b\n\
         role_arn = ignored\n[Audit]\nsecret_id = AKID2\nsecret_key = key-2\ntoken = t\n[half]\nsecret_id = AKID3\n",
    )
    .unwrap();
    let whole = |id: &str, key: &str, token: Option<&str>| {
        (id.to_owned(), key.to_owned(), token.map(str::to_owned))
    };
    assert_eq!(read("default").unwrap(), whole("AKID1", "key#1;a=b", None));
    assert_eq!(read("Audit").unwrap(), whole("AKID2", "key-2", Some("t")));
    assert!(
        read("audit")
            .unwrap_err()
            .contains("has no profile \"audit\"")
    );
    assert!(read("half").unwrap_err().contains("has no secret_key"));
    fs::write(&file, "[default\nsecret_key = SeCrEt0Key\n").unwrap();
    let refused = read("default").unwrap_err();
    assert!(!refused.contains("SeCrEt0Key"), "{refused}");
}
