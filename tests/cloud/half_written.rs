//! Key files that are read while another program writes them: an empty, absent or partial file is
//! retried for up to a second.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::tencent::credentials::{
    Credential, CredentialFile, KeyFiles, Profile, Provider, ReloadingProvider,
};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const A_SECOND: Duration = Duration::from_secs(1);

fn clock() -> Clock {
    Clock::virtual_at(UNIX_EPOCH + Duration::from_hours(498_720))
}

fn files(folder: &Path) -> KeyFiles {
    KeyFiles {
        secret_id: folder.join("id"),
        secret_key: folder.join("key"),
        token: Some(folder.join("token")),
    }
}

fn put(folder: &Path, texts: [&str; 3]) {
    for (name, text) in ["id", "key", "token"].into_iter().zip(texts) {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn parts(credential: &Credential) -> [String; 3] {
    let token = credential.token().unwrap().expose_secret();
    let key = credential.secret_key().expose_secret();
    [credential.secret_id(), key, token].map(str::to_owned)
}

async fn found(provider: &impl Provider) -> Result<[String; 3], Failure> {
    Ok(parts(&*provider.credential().await?))
}

#[tokio::test(start_paused = true)]
async fn a_briefly_empty_or_absent_file_is_retried() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), ["AKID1", "key-1", "token-1"]);
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    found(&provider).await.unwrap();
    let old = ["AKID1", "key-1", "token-1"];
    for (file, text) in [("key", "key-1"), ("id", "AKID1"), ("token", "token-1")] {
        let path = folder.path().join(file);
        for away in [true, false] {
            if away {
                fs::remove_file(&path).unwrap();
            } else {
                fs::write(&path, "").unwrap();
            }
            let (same, ()) = tokio::join!(found(&provider), async {
                sleep(A_SECOND / 2).await;
                fs::write(&path, text).unwrap();
            });
            assert_eq!(same.unwrap(), old, "{file}");
        }
    }
    assert_eq!(provider.state().unwrap().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_stays_empty_fails_after_a_second_and_then_immediately() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), ["AKID1", "key-1", "token-1"]);
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    found(&provider).await.unwrap();
    fs::write(folder.path().join("key"), "").unwrap();
    let began = Instant::now();
    let failure = found(&provider).await.unwrap_err();
    assert!(failure.message.contains("key is empty"), "{failure}");
    let waited = began.elapsed();
    assert!(waited >= A_SECOND && waited < A_SECOND * 2, "{waited:?}");
    let began = Instant::now();
    assert!(found(&provider).await.is_err());
    assert!(began.elapsed() < A_SECOND / 2);
    fs::write(folder.path().join("key"), "key-1").unwrap();
    found(&provider).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_key_with_the_old_token_is_an_unfinished_change() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), ["AKID1", "key-1", "token-1"]);
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    found(&provider).await.unwrap();
    put(folder.path(), ["AKID2", "key-2", "token-1"]);
    let (new, ()) = tokio::join!(found(&provider), async {
        sleep(A_SECOND / 2).await;
        fs::write(folder.path().join("token"), "token-2").unwrap();
    });
    assert_eq!(new.unwrap(), ["AKID2", "key-2", "token-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_briefly_truncated_profile_is_retried() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    let whole = "[other]\nsecret_id=AKIDx\nsecret_key=x\n[default]\nsecret_id=AKID1\nsecret_key=key-1\ntoken=token-1\n";
    fs::write(&file, whole).unwrap();
    let profile = Profile {
        name: "default".to_owned(),
        files: vec![file.clone()],
    };
    let provider = ReloadingProvider::new(profile, clock());
    found(&provider).await.unwrap();
    for cut in ["", "[oth", &whole[..40], &whole[..60]] {
        fs::write(&file, cut).unwrap();
        let (same, ()) = tokio::join!(found(&provider), async {
            sleep(A_SECOND / 2).await;
            fs::write(&file, whole).unwrap();
        });
        assert_eq!(same.unwrap(), ["AKID1", "key-1", "token-1"], "{cut:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_never_stop_changing_are_an_error() {
    struct Restless(AtomicUsize);
    impl CredentialFile for Restless {
        fn name(&self) -> &'static str {
            "restless"
        }
        fn location(&self) -> String {
            "here".to_owned()
        }
        fn read(&self) -> Result<Credential, String> {
            let id = format!("AKID{}", self.0.fetch_add(1, Ordering::Relaxed));
            Credential::new(id, "key".into(), None).map_err(str::to_owned)
        }
    }
    let provider = ReloadingProvider::new(Restless(AtomicUsize::new(0)), clock());
    let failure = provider.credential().await.unwrap_err();
    assert!(failure.message.contains("keep changing"), "{failure}");
}

/// A mount that hangs until the test releases it.
struct Hung {
    reads: AtomicUsize,
    release: Arc<std::sync::Barrier>,
}

impl CredentialFile for Hung {
    fn name(&self) -> &'static str {
        "hung"
    }
    fn location(&self) -> String {
        "/mnt/key".to_owned()
    }
    fn read(&self) -> Result<Credential, String> {
        if self.reads.fetch_add(1, Ordering::SeqCst) == 0 {
            self.release.wait();
        }
        Credential::new("AKID1".to_owned(), "key-1".into(), None).map_err(str::to_owned)
    }
}

#[tokio::test]
async fn a_hanging_mount_times_out_with_one_read_for_all_callers() {
    let release = Arc::new(std::sync::Barrier::new(2));
    let hung = Hung {
        reads: AtomicUsize::new(0),
        release: Arc::clone(&release),
    };
    let provider = Arc::new(ReloadingProvider::new(hung, clock()));
    let calls = (0..20).map(|_| provider.credential());
    for failure in futures_util::future::join_all(calls).await {
        let failure = failure.unwrap_err();
        assert!(
            failure
                .message
                .contains("/mnt/key cannot be read: it was not read within 3s"),
            "{failure}"
        );
    }
    release.wait();
    assert_eq!(provider.credential().await.unwrap().secret_id(), "AKID1");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_regular_is_a_clear_error() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), ["AKID1", "key-1", "token-1"]);
    let key = folder.path().join("key");
    let provider = ReloadingProvider::new(files(folder.path()), clock());
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let failure = found(&provider).await.unwrap_err();
    assert!(
        failure.message.contains("key cannot be read: it is a FIFO"),
        "{failure}"
    );
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    let failure = found(&provider).await.unwrap_err();
    assert!(failure.message.contains("it is a directory"), "{failure}");
}
