//! A changed configuration: who asks for it, and how it is taken up.

use std::fmt;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{error, info};

use super::exporter_state::{ExporterState, Request};
use super::file_watch::FileWatch;
use crate::config::{self, Config, Sources};
use crate::files::ReadSlot;
use crate::fleet::Fleet;
use crate::http::Content;
use crate::organization::DiscoveryResult;
use crate::systemd::ServiceManager;

/// Reads the files of the configuration as they are now.
pub type Load = Arc<dyn Fn() -> Result<Sources, config::Error> + Send + Sync>;

/// Where later configurations come from, and when they are taken up.
pub struct Reloading {
    load: Load,
    /// The file that is loaded, to be named if it hangs.
    file: Option<PathBuf>,
    /// One load at a time: a file that hangs holds one thread, however often it is loaded.
    slot: ReadSlot,
    watch: Option<FileWatch>,
    signals: mpsc::Receiver<()>,
}

impl Reloading {
    /// Loads again whenever `signals` says so. Make it before the first load: with
    /// [`Reloading::watching`] it takes note of the file's content.
    pub fn new(load: Load, signals: mpsc::Receiver<()>) -> Self {
        Self {
            load,
            file: None,
            slot: ReadSlot::default(),
            watch: None,
            signals,
        }
    }

    /// Names the file that `load` loads.
    #[must_use]
    pub fn of(mut self, file: Option<&Path>) -> Self {
        self.file = file.map(Path::to_owned);
        self
    }

    /// Reloads whenever the content of `file` changes, too.
    pub async fn watching(mut self, file: &Path) -> Self {
        self.watch = Some(FileWatch::new(file, self.slot.clone()).await);
        self
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").finish_non_exhaustive()
    }
}

/// Takes configurations up, one after the other.
pub(super) struct Reloader {
    load: Load,
    file: Option<PathBuf>,
    slot: ReadSlot,
    watch: Option<FileWatch>,
    signals: mpsc::Receiver<()>,
    requests: Option<mpsc::Receiver<Request>>,
}

impl Reloader {
    /// `requests` are those over HTTP, where they are allowed.
    pub(super) fn new(reloading: Reloading, requests: Option<mpsc::Receiver<Request>>) -> Self {
        let Reloading {
            load,
            file,
            slot,
            watch,
            signals,
        } = reloading;
        Self {
            load,
            file,
            slot,
            watch,
            signals,
            requests,
        }
    }

    /// Waits for somebody to ask, reloads, and says what came of it.
    pub(super) async fn run(
        mut self,
        fleet: &mut Fleet,
        exporter: &ExporterState,
        manager: &ServiceManager,
    ) -> ! {
        loop {
            let request = tokio::select! {
                () = next(Some(&mut self.signals)) => None,
                request = next(self.requests.as_mut()) => Some(request),
                () = changed(self.watch.as_mut()) => None,
                found = fleet.next_discovery() => {
                    discovered(fleet, exporter, found).await;
                    continue;
                }
            };
            manager.reloading();
            let result = self.reload(fleet, exporter).await;
            manager.ready();
            match &result {
                Ok(()) => info!("reloaded"),
                Err(why) => {
                    exporter.process.reload_failed();
                    error!(
                        error = why,
                        "cannot reload; the old configuration is persisted"
                    );
                }
            }
            if let Some(request) = request {
                // Whoever asked may have left.
                drop(request.send(result));
            }
        }
    }

    /// All or nothing: what can fail comes first.
    async fn reload(&mut self, fleet: &mut Fleet, exporter: &ExporterState) -> Result<(), String> {
        if let Some(watch) = &mut self.watch {
            watch.look().await;
        }
        let load = Arc::clone(&self.load);
        let config = Config::load_in(&self.slot, self.file.as_deref(), move || load()).await;
        let config = config.map_err(|error| error.to_string())?;
        let plan = fleet.prepare(&config).await?;
        // Readiness is noticed when somebody asks. New accounts must not take back what nobody
        // happened to ask for.
        drop(exporter.ready());
        let _change = exporter.swap_atomically().await;
        fleet.apply(plan).await;
        exporter.configured(&config, fleet.targets());
        Ok(())
    }
}

/// Takes up what an organisation said of its members.
async fn discovered(fleet: &mut Fleet, exporter: &ExporterState, found: DiscoveryResult) {
    let organization = found.organization.clone();
    match fleet.apply_discovery(found).await {
        Ok(Some(plan)) => {
            let _change = exporter.swap_atomically().await;
            fleet.apply(plan).await;
            exporter.process.set_targets(fleet.targets());
        }
        Ok(None) => {}
        Err(why) => error!(
            organization,
            error = why,
            "cannot poll the members that were found; those of before stay"
        ),
    }
}

/// The next message; never, where there is nobody to send one.
async fn next<T>(messages: Option<&mut mpsc::Receiver<T>>) -> T {
    match messages {
        Some(messages) => match messages.recv().await {
            Some(message) => message,
            None => pending().await,
        },
        None => pending().await,
    }
}

async fn changed(watch: Option<&mut FileWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => pending().await,
    }
}
