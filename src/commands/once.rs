//! `once`: one poll of every target, for cron and the textfile collector.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;

use super::Failed;
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::fleet::Environment;

pub(super) async fn run(
    config: &Config,
    environment: &Environment,
    output: Option<&Path>,
    clock: Clock,
) -> Result<(), Failed> {
    let (exposition, all_good) = app::once(config, environment, clock).await?;
    match output {
        Some(file) => replace(file, &exposition)
            .map_err(|error| Failed::new(format!("cannot write {}: {error}", file.display())))?,
        None => print(&exposition)
            .map_err(|error| Failed::new(format!("cannot write to stdout: {error}")))?,
    }
    if all_good {
        Ok(())
    } else {
        Err(Failed::new("a target failed; its cloudaudit_up is 0"))
    }
}

fn print(exposition: &[Bytes]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    exposition
        .iter()
        .try_for_each(|piece| stdout.write_all(piece))?;
    stdout.flush()
}

/// Puts a new file in the place of the old one. Readers see one of them and never half of one.
fn replace(file: &Path, exposition: &[Bytes]) -> io::Result<()> {
    let name = file
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file"))?;
    // In the same folder, so that the renaming stays in one file system; under a name that the
    // textfile collector does not read.
    let mut new_name = std::ffi::OsString::from(".");
    new_name.push(name);
    new_name.push(format!(".{}", std::process::id()));
    let new = file.with_file_name(new_name);
    let written = write(&new, exposition).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        // What is left of it helps nobody, and the first error is the one to tell.
        drop(fs::remove_file(&new));
    }
    written
}

fn write(file: &Path, exposition: &[Bytes]) -> io::Result<()> {
    let mut file = File::create(file)?;
    exposition
        .iter()
        .try_for_each(|piece| file.write_all(piece))?;
    file.sync_all()
}
