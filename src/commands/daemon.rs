//! No command: run the exporter.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::warn;

use super::{Failed, Signals, off_runtime, shard};
use crate::app::{App, Load, Reloading};
use crate::cli::Flags;
use crate::clock::Clock;
use crate::config::{self, Config, Sources};
use crate::files::{self, ReadSlot};
use crate::fleet::Environment;
use crate::logging::Log;
use crate::web::Gate;

/// Every interface, at the exporter's own port.
pub(super) const LISTEN_ADDRESS: &str = ":10629";

pub(super) async fn run(
    environment: Environment,
    flags: Flags,
    clock: Clock,
    log: Log,
    signals: Signals<impl Future<Output = ()>>,
) -> Result<(), Failed> {
    let Signals { stop, reload } = signals;
    let runtime = Handle::current();
    // Starting waits for files, which may be on a mount that hangs.
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
) -> Result<App, Failed> {
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
    let config = config.map_err(|error| Failed::configuration(&error))?;
    let mut web = flags.web(LISTEN_ADDRESS);
    web.gate = gate(flags).await?;
    web.log = Some(log);
    Ok(App::bind(config, &environment, &web, reloading, clock).await?)
}

/// Every reload fails: the configuration came from a pipe.
fn cannot_load_again(file: &Path) -> Load {
    let file = file.to_owned();
    Arc::new(move || Err(config::Error::cannot_read_again(&file)))
}

/// The listener's gate, if there is a file for it.
pub(super) async fn gate(flags: &Flags) -> Result<Option<Arc<Gate>>, Failed> {
    let Some(file) = flags.web_config_file() else {
        return Ok(None);
    };
    let gate = Gate::open_in_time(file).await;
    Ok(Some(Arc::new(gate.map_err(Failed::bad_configuration)?)))
}

async fn watching(reloading: Reloading, enabled: bool, file: Option<&Path>) -> Reloading {
    match file {
        Some(file) if enabled && files::is_descriptor(file) => {
            warn!(
                file = %file.display(),
                "--config.enable-auto-reload: a pipe can be read only once and is not watched; give --config.file a \
                 regular file"
            );
            reloading
        }
        Some(file) if enabled => reloading.watching(file).await,
        None if enabled => {
            warn!("--config.enable-auto-reload without --config.file: there is no file to watch");
            reloading
        }
        _ => reloading,
    }
}
