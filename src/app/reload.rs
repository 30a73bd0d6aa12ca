//! Reloads the configuration after a signal, a request or a change of its files.

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

/// How later configurations are loaded, and what triggers a reload.
pub struct Reloading {
    load: Load,
    /// The file that is loaded, for the error if it hangs.
    file: Option<PathBuf>,
    /// One load at a time: a file that hangs holds one thread, however often it is loaded.
    slot: ReadSlot,
    watch: Option<FileWatch>,
    signals: mpsc::Receiver<()>,
}

impl Reloading {
    /// Reloads for each message of `signals`. Create it before the first load, because
    /// [`Reloading::watching`] records the file's content.
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

    /// Returns the file that is loaded.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reloads also when the content of `file` changes.
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

/// Loads and applies configurations, one after the other.
pub(super) struct Reloader {
    load: Load,
    file: Option<PathBuf>,
    slot: ReadSlot,
    watch: Option<FileWatch>,
    signals: mpsc::Receiver<()>,
    requests: Option<mpsc::Receiver<Request>>,
}

impl Reloader {
    /// `requests` are the requests over HTTP; `None` if they are disabled.
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

    /// Waits for a trigger, reloads, and reports the result. Also applies discovered members.
    pub(super) async fn run(
        mut self,
        fleet: &mut Fleet,
        exporter: &Arc<ExporterState>,
        manager: &ServiceManager,
    ) -> ! {
        loop {
            let request = tokio::select! {
                () = next(Some(&mut self.signals)) => None,
                request = next(self.requests.as_mut()) => match request {
                    Request::Reload(done) => Some(done),
                    Request::Forget { account, track_id, done } => {
                        let swap = exporter.swap_atomically().await;
                        let forgotten = fleet.forget(&account, track_id).await;
                        swap.finish().await;
                        // The client may have disconnected.
                        drop(done.send(forgotten));
                        continue;
                    }
                },
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
                    let now = exporter.clock.now().wall;
                    exporter.process.reload_failed(why, now);
                    error!(
                        error = why,
                        "cannot reload; keeping the previous configuration"
                    );
                }
            }
            if let Some(request) = request {
                // The client may have disconnected.
                drop(request.send(result));
            }
        }
    }

    /// Applies the new configuration, except `state.file`, which needs a restart. Every step that can
    /// fail comes first, so an error leaves the previous configuration unchanged.
    async fn reload(
        &mut self,
        fleet: &mut Fleet,
        exporter: &Arc<ExporterState>,
    ) -> Result<(), String> {
        if let Some(watch) = &mut self.watch {
            watch.mark_loaded().await;
        }
        let load = Arc::clone(&self.load);
        let config = Config::load_in(&self.slot, self.file.as_deref(), move || load()).await;
        let config = config.map_err(|error| error.to_string())?;
        let plan = fleet.prepare(&config).await?;
        // The check latches readiness. Without it, new accounts would delay an exporter that is
        // ready but was never checked.
        drop(exporter.ready());
        let swap = exporter.swap_atomically().await;
        fleet.apply(plan).await;
        exporter.configured(&config, fleet.targets());
        swap.finish().await;
        Ok(())
    }
}

/// Applies the discovered members of an organization.
async fn discovered(fleet: &mut Fleet, exporter: &Arc<ExporterState>, found: DiscoveryResult) {
    let organization = found.organization.clone();
    let is_listed = found.members.is_ok();
    match fleet.apply_discovery(found).await {
        Ok(Some(plan)) => {
            let swap = exporter.swap_atomically().await;
            fleet.apply(plan).await;
            exporter.process.set_targets(fleet.targets());
            swap.finish().await;
        }
        Ok(None) => {}
        Err(why) => {
            error!(
                organization,
                error = why,
                "cannot apply the discovered members; keeping the previous list"
            );
            return;
        }
    }
    if is_listed {
        exporter.members_applied(&organization);
    }
}

/// Returns the next message. Waits forever if there is no sender.
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
