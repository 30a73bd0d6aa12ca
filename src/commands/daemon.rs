//! The daemon, which runs if there is no command.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::warn;

use super::{CommandError, Signals, off_runtime, shard};
use crate::app::{App, Load, Reloading};
use crate::cli::Flags;
use crate::clock::Clock;
use crate::config::{self, Config, Sources};
use crate::files::{self, ReadSlot};
use crate::fleet::Environment;
use crate::logging::Log;
use crate::web_config::WebConfig;

/// Every interface, on the exporter's default port.
pub(super) const LISTEN_ADDRESS: &str = ":10629";

pub(super) async fn run(
    environment: Environment,
    flags: Flags,
    clock: Clock,
    log: Log,
    signals: Signals<impl Future<Output = ()>>,
) -> Result<(), CommandError> {
    let Signals { stop, reload } = signals;
    let runtime = Handle::current();
    // The start reads files, which may be on a hanging mount.
    let starting =
        off_runtime(move || runtime.block_on(start(environment, &flags, clock, log, reload)));
    tokio::pin!(stop);
    let app = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        app = starting => app?,
    };
    app.run(stop).await;
    Ok(())
}

async fn start(
    environment: Environment,
    flags: &Flags,
    clock: Clock,
    log: Log,
    reload: mpsc::Receiver<()>,
) -> Result<App, CommandError> {
    let shard = shard::of(flags, &environment)?;
    let file = flags.config_file().cloned();
    let variables = environment.clone();
    let load: Load = Arc::new({
        let file = file.clone();
        move || {
            let sources = Sources::read(file.as_deref(), &variables)?;
            Ok(sources.with_shard(shard))
        }
    });
    let read_once = file.as_deref().filter(|file| files::is_descriptor(file));
    let again = read_once.map_or_else(|| Arc::clone(&load), cannot_load_again);
    let reloading = Reloading::new(again, reload).of(file.as_deref());
    let reloading = watching(reloading, flags.enable_auto_reload, file.as_deref()).await;
    let slot = ReadSlot::default();
    let config = Config::load_in(&slot, file.as_deref(), move || load()).await;
    let config = config.map_err(|error| CommandError::configuration(&error))?;
    let mut web = flags.web(LISTEN_ADDRESS);
    web.web_config = load_web_config(flags).await?;
    web.log = Some(log);
    Ok(App::bind(config, &environment, &web, reloading, clock).await?)
}

/// Returns a loader that always fails: the configuration came from a pipe.
fn cannot_load_again(file: &Path) -> Load {
    let file = file.to_owned();
    Arc::new(move || Err(config::Error::cannot_read_again(&file)))
}

/// Loads the web configuration, if there is a file.
pub(super) async fn load_web_config(flags: &Flags) -> Result<Option<Arc<WebConfig>>, CommandError> {
    let Some(file) = flags.web_config_file() else {
        return Ok(None);
    };
    let web_config = WebConfig::load(file).await;
    let web_config = web_config.map_err(CommandError::bad_configuration)?;
    Ok(Some(Arc::new(web_config)))
}

async fn watching(reloading: Reloading, enabled: bool, file: Option<&Path>) -> Reloading {
    match file {
        Some(file) if enabled && files::is_descriptor(file) => {
            warn!(
                file = %file.display(),
                "--config.enable-auto-reload has no effect: a pipe can be read only once; set --config.file to a regular file"
            );
            reloading
        }
        Some(file) if enabled => reloading.watching(file).await,
        None if enabled => {
            warn!(
                "--config.enable-auto-reload has no effect without --config.file; name the file to watch"
            );
            reloading
        }
        _ => reloading,
    }
}
