//! One log line for each key that is read from files.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::sim::{Identity, World};
use tracing::subscriber::{DefaultGuard, set_default};

use super::stage::{HOME, ID, KEY, Stage, world};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lines about keys, without the folder.
    fn lines(&self, stage: &Stage) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let folder = format!("{}/", stage.folder.path().display());
        let lines = log.lines().filter(|line| line.contains("the key "));
        let place = "INFO cloudaudit_exporter::tencent::credentials::key_log: ";
        let plain = |line: &str| line.trim().replace(&folder, "").replace(place, "");
        lines.map(plain).collect()
    }
}

/// Collects the log of this thread until the guard is dropped.
fn collect() -> (Log, DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, set_default(subscriber))
}

fn profile(id: &str, key: &str) -> String {
    format!("[prod]\nsecret_id = {id}\nsecret_key = {key}\n")
}

fn two_keys() -> World {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_identity(Identity::permanent("AKIDsecond", "second-key"));
    world
}

#[tokio::test(start_paused = true)]
async fn a_reload_with_another_profile_file_is_a_line_even_if_the_key_is_the_same() {
    let (log, _logging) = collect();
    let world = two_keys();
    let mut stage = Stage::new(&world, &[]);
    stage.write("one", &profile(ID, KEY));
    stage.write("same", &profile(ID, KEY));
    stage.write("other", &profile("AKIDsecond", "second-key"));
    let config = |file: &str| {
        format!("accounts: {{prod: {{credentials: {{profile: {{name: prod, file: {file}}}}}}}}}")
    };
    stage.load(&config("one"));
    stage.pass(Duration::from_mins(10)).await;
    for file in ["same", "other"] {
        log.0.lock().unwrap().clear();
        stage.reload(&config(file)).await;
        stage.pass(Duration::from_mins(10)).await;
        let line = format!(r#"the key is loaded provider="profile" file="{file}" uin="{HOME}""#);
        assert_eq!(log.lines(&stage), [line]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_line_names_the_source_file_and_account_of_a_key() {
    let (log, _logging) = collect();
    let world = two_keys();
    for (settings, provider, files) in [
        (
            "credentials: {secret_id_file: id, secret_key_file: key}",
            "files",
            "id, key",
        ),
        (
            "credentials: {profile: {name: prod, file: credentials}}",
            "profile",
            "credentials",
        ),
        // The account is configured and verified.
        (
            "uin: '100000000001', credentials: {profile: {name: prod, file: credentials}}",
            "profile",
            "credentials",
        ),
    ] {
        log.0.lock().unwrap().clear();
        let mut stage = Stage::new(&world, &[]);
        stage.write("id", ID);
        stage.write("key", KEY);
        stage.write("credentials", &profile(ID, KEY));
        stage.load(&format!("accounts: {{prod: {{{settings}}}}}"));
        stage.pass(Duration::from_mins(10)).await;
        let line = |what: &str| {
            format!(r#"the key {what} provider="{provider}" file="{files}" uin="{HOME}""#)
        };
        assert_eq!(log.lines(&stage), [line("is loaded")], "{settings}");
        stage.write("id", "AKIDsecond");
        stage.write("key", "second-key");
        stage.write("credentials", &profile("AKIDsecond", "second-key"));
        stage.pass(Duration::from_mins(10)).await;
        let both = [line("is loaded"), line("has changed")];
        assert_eq!(log.lines(&stage), both, "{settings}");
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for secret in [ID, KEY, "AKIDsecond", "second-key"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
