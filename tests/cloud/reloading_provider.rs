//! Keys in files: what is read, when it is taken up, and that nothing is signed with what is gone.

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
async fn what_the_files_say_is_trimmed_and_read_again() {
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
        "the same as long as it is the same"
    );

    put(folder.path(), "AKID2", "key-2");
    assert_eq!(key(&provider).await.unwrap(), pair("AKID2", "key-2"));
    let state = provider.state().unwrap();
    assert_eq!(
        (state.refreshes, state.failures, state.expires),
        (2, 0, None)
    );
    assert!(provider.invalidate(&one).await, "there is another one");
    let now = provider.credential().await.unwrap();
    assert!(!provider.invalidate(&now).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_its_file_no_longer_holds_is_used_no_more() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "AKID1", "key-1");
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    key(&provider).await.unwrap();
    for (broken, said) in [
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
        assert!(failure.message.contains(said), "{failure}");
        assert!(!failure.message.contains("a key with"), "{failure}");
    }
    fs::write(folder.path().join("key"), "x".repeat(70_000)).unwrap();
    let failure = key(&provider).await.unwrap_err();
    assert!(
        failure.message.contains("longer than 65536 bytes"),
        "{failure}"
    );
}

/// Kubernetes mounts a secret as links into a folder that a link names, and swaps that one.
#[tokio::test(start_paused = true)]
async fn a_swapped_folder_is_a_change() {
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
async fn an_id_without_its_key_is_half_of_a_change() {
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

    // A key that was mistyped is mended without its id.
    fs::write(folder.path().join("key"), "key-3").unwrap();
    let began = Instant::now();
    assert_eq!(key(&provider).await.unwrap(), pair("AKID2", "key-3"));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_profile_of_the_credentials_file() {
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
