//! One log line for each key that is read from files.

use std::time::Duration;

use cloudaudit_exporter::sim::{Identity, World};

use super::stage::{HOME, ID, KEY, Stage, world};
use crate::support::log::CollectedLog;

/// Returns the lines about keys, without the folder.
fn lines(log: &CollectedLog, stage: &Stage) -> Vec<String> {
    let folder = format!("{}/", stage.folder.path().display());
    let log = log.text();
    let lines = log.lines().filter(|line| line.contains("the key "));
    let place = "INFO cloudaudit_exporter::tencent::credentials::key_log: ";
    let plain = |line: &str| line.trim().replace(&folder, "").replace(place, "");
    lines.map(plain).collect()
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
    let log = CollectedLog::begin();
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
        log.clear();
        stage.reload(&config(file)).await;
        stage.pass(Duration::from_mins(10)).await;
        let line = format!(r#"the key is loaded provider="profile" file="{file}" uin="{HOME}""#);
        assert_eq!(lines(&log, &stage), [line]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_line_names_the_source_file_and_account_of_a_key() {
    let log = CollectedLog::begin();
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
        log.clear();
        let mut stage = Stage::new(&world, &[]);
        stage.write("id", ID);
        stage.write("key", KEY);
        stage.write("credentials", &profile(ID, KEY));
        stage.load(&format!("accounts: {{prod: {{{settings}}}}}"));
        stage.pass(Duration::from_mins(10)).await;
        let line = |what: &str| {
            format!(r#"the key {what} provider="{provider}" file="{files}" uin="{HOME}""#)
        };
        assert_eq!(lines(&log, &stage), [line("is loaded")], "{settings}");
        stage.write("id", "AKIDsecond");
        stage.write("key", "second-key");
        stage.write("credentials", &profile("AKIDsecond", "second-key"));
        stage.pass(Duration::from_mins(10)).await;
        let both = [line("is loaded"), line("has changed")];
        assert_eq!(lines(&log, &stage), both, "{settings}");
        let log = log.text();
        for secret in [ID, KEY, "AKIDsecond", "second-key"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
