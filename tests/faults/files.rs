//! Files that the exporter reloads after they became unreadable.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::play::Look;
use crate::row::Does::Equal;
use crate::row::{Recovery, Row};
use crate::wire::{LOOK, Wire};
use crate::{SECRET_ID, SECRET_KEY};

const RELOADED: &str = "cloudaudit_exporter_config_last_reload_successful";

/// The exporter checks the file every two seconds.
const LOOK_AT_RELOADS: Look = Look {
    seen_within: 10,
    ..LOOK
};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_becomes_a_fifo() {
    let row = Row::new(
        "a_key_file_becomes_a_fifo",
        "A FIFO, device or directory replaces a key file",
    )
    .fails("credentials", "credentials")
    .remedy("restore the file");
    let mut wire = Wire::new().await;
    let key = "secret_id_file: id, secret_key_file: key";
    wire.config = format!("defaults: {{credentials: {{{key}}}}}\n");
    fs::write(wire.path("id"), SECRET_ID).unwrap();
    fs::write(wire.path("key"), SECRET_KEY).unwrap();
    let begins = async |stage: &mut Wire| replace_by_fifo(&stage.path("key"));
    let ends = async |stage: &mut Wire| replace(&stage.path("key"), SECRET_KEY);
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_file_stays_incomplete() {
    let row = Row::new(
        "a_credentials_file_stays_incomplete",
        "A credentials file is incomplete for more than 1 s",
    )
    .fails("credentials", "credentials")
    .remedy("complete the file; in future, write a new file and rename it");
    let mut wire = Wire::new().await;
    wire.config = "defaults: {credentials: {profile: {file: profiles}}}\n".to_owned();
    let whole = format!("[default]\nsecret_id = {SECRET_ID}\nsecret_key = {SECRET_KEY}\n");
    fs::write(wire.path("profiles"), &whole).unwrap();
    let begins = async |stage: &mut Wire| {
        let half = format!("[default]\nsecret_id = {SECRET_ID}\n");
        fs::write(stage.path("profiles"), half).unwrap();
    };
    let ends = async |stage: &mut Wire| fs::write(stage.path("profiles"), whole).unwrap();
    row.play(LOOK, &mut wire, begins, ends).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_becomes_a_fifo() {
    let row = Row::new(
        "the_configuration_becomes_a_fifo",
        "With `--config.enable-auto-reload`, the configuration file becomes unreadable or a FIFO",
    )
    .also(RELOADED, Equal(0.0))
    .recovers(Recovery::Seconds(10))
    .afterwards(RELOADED, Equal(1.0))
    .remedy("restore the file");
    let mut wire = Wire::new().await;
    let auto_reload = ("CLOUDAUDIT_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD", "true");
    wire.environment.push(auto_reload);
    let begins = async |stage: &mut Wire| replace_by_fifo(&stage.path("config.yaml"));
    let ends = async |stage: &mut Wire| {
        let file = stage.path("config.yaml");
        fs::remove_file(&file).unwrap();
        stage.write_config("");
    };
    row.play(LOOK_AT_RELOADS, &mut wire, begins, ends).await;
}

fn replace_by_fifo(path: &Path) {
    let temporary = path.with_extension("fifo");
    let made = Command::new("mkfifo").arg(&temporary).status().unwrap();
    assert!(made.success());
    fs::rename(temporary, path).unwrap();
}

fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).unwrap();
    fs::rename(temporary, path).unwrap();
}
