//! The command `once`: one poll of every target, for cron and the textfile collector.

use std::path::Path;

use super::{CommandError, output, print};
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::escape::visible_path;
use crate::fleet::Environment;

pub(super) async fn run(
    config: &Config,
    environment: &Environment,
    output: Option<&Path>,
    clock: Clock,
) -> Result<(), CommandError> {
    let (exposition, all_succeeded) = app::once(config, environment, clock).await?;
    match output {
        Some(path) => output::write(path, exposition).await.map_err(|error| {
            CommandError::new(format!("cannot write {}: {error}", visible_path(path)))
        })?,
        None => print(exposition).await?,
    }
    if all_succeeded {
        Ok(())
    } else {
        Err(CommandError::new(
            "a poll failed; see the log, or cloudaudit_last_failure_info in the output",
        ))
    }
}
