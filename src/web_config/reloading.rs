//! The current content of the file. Decides which requests are allowed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::ServerConfig;
use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::basic_auth::{BasicAuth, Outcome};
use super::file::MAX_BYTES;
use super::settings::Settings;
use crate::escape::visible_path;
use crate::files::{self, READ_TIMEOUT, ReadSlot};

/// Every connection and request checks the file, at most once in this time.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// An unusable file is read again for this long before requests are rejected: another program may
/// still be writing the file, or the certificate and its key.
const WRITE_GRACE: Duration = Duration::from_secs(1);

/// The pause between these reads.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The web configuration, which is reloaded while the process runs.
pub struct WebConfig {
    file: PathBuf,
    slot: ReadSlot,
    /// Whether TLS is configured. This cannot change while the process runs.
    has_tls: bool,
    state: Mutex<State>,
    /// Held while the file is checked.
    refreshing: tokio::sync::Mutex<()>,
    basic_auth: BasicAuth,
}

struct State {
    checked: Instant,
    /// The last valid settings, which are in use.
    settings: Arc<Settings>,
    /// Why the current file cannot be used. `None` if it can.
    broken: Option<String>,
}

/// Why a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The file cannot be used.
    Broken,
    /// The request exceeds `rate_limit`.
    TooMany,
    /// No password, or a wrong one.
    Unauthorized,
    /// Too many password checks are waiting.
    Busy,
}

impl WebConfig {
    /// Reads the file, off the runtime and within a time limit.
    ///
    /// # Errors
    ///
    /// If this file or one that it names cannot be read or used. The message names the file and
    /// contains no secret.
    pub async fn load(file: &Path) -> Result<Self, String> {
        let slot = ReadSlot::default();
        let settings = read_within_limit(&slot, file).await?;
        settings.users.warn_of_high_costs();
        Ok(Self {
            file: file.to_owned(),
            slot,
            has_tls: settings.certificates.is_some(),
            state: Mutex::new(State {
                checked: Instant::now(),
                settings: Arc::new(settings),
                broken: None,
            }),
            refreshing: tokio::sync::Mutex::default(),
            basic_auth: BasicAuth::default(),
        })
    }

    /// Validates the file, off the runtime and within a time limit. Returns a warning for each file of
    /// TLS that does not exist.
    ///
    /// # Errors
    ///
    /// If this file, or an existing file that it names, cannot be read or used.
    pub async fn check(file: &Path) -> Result<Vec<String>, String> {
        within_limit(&ReadSlot::default(), file, Settings::check).await
    }

    /// Returns the current TLS configuration. `None` if TLS is not configured.
    pub async fn tls(&self) -> Option<Arc<ServerConfig>> {
        if !self.has_tls {
            return None;
        }
        self.refresh().await;
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.map(|certificates| Arc::clone(&certificates.config))
    }

    /// Returns whether TLS is configured.
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Returns whether every client needs a certificate.
    pub fn requires_client_certificates(&self) -> bool {
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.is_some_and(|it| it.requires_clients)
    }

    /// Returns when the certificate in use expires.
    pub fn certificate_expires(&self) -> Option<SystemTime> {
        self.state().settings.certificates.as_ref()?.expires
    }

    /// Returns the headers to add to the response, and whether the request is allowed. `path` is the
    /// path without the route prefix.
    ///
    /// # Errors
    ///
    /// If the request is not allowed.
    pub async fn authorize(
        &self,
        path: &str,
        headers: &HeaderMap,
    ) -> (Vec<(HeaderName, HeaderValue)>, Result<(), Denied>) {
        self.refresh().await;
        let (settings, is_broken) = {
            let state = self.state();
            (Arc::clone(&state.settings), state.broken.is_some())
        };
        if is_broken {
            return (Vec::new(), Err(Denied::Broken));
        }
        let rate = settings.rate.as_ref();
        if rate.is_some_and(|rate| !rate.allows(Instant::now())) {
            return (Vec::new(), Err(Denied::TooMany));
        }
        let own = settings.headers.clone();
        let is_exempt = settings.exempt_paths.iter().any(|exempt| exempt == path);
        if settings.users.is_empty() || is_exempt {
            return (own, Ok(()));
        }
        let outcome = match self.basic_auth.check(&settings.users, headers).await {
            Outcome::Accepted => Ok(()),
            Outcome::Rejected => Err(Denied::Unauthorized),
            Outcome::Busy => Err(Denied::Busy),
        };
        (own, outcome)
    }

    /// Reloads the file if it was not checked recently.
    async fn refresh(&self) {
        if self.state().checked.elapsed() < REFRESH_INTERVAL {
            return;
        }
        let Ok(_guard) = self.refreshing.try_lock() else {
            // Another request is checking the file. The settings in use are recent enough.
            return;
        };
        let began = Instant::now();
        let mut now = self.read().await;
        while let Err(why) = &now
            && self.state().broken.as_ref() != Some(why)
            && began.elapsed() < WRITE_GRACE
        {
            sleep(RETRY_PAUSE).await;
            now = self.read().await;
        }
        self.replace(now);
    }

    async fn read(&self) -> Result<Settings, String> {
        let settings = read_within_limit(&self.slot, &self.file).await?;
        self.check_replacement(settings)
    }

    /// Returns the settings if they may replace the settings in use.
    fn check_replacement(&self, settings: Settings) -> Result<Settings, String> {
        // An editor may empty the file before it writes it. That must not disable authentication.
        if settings.users.is_empty() && !self.state().settings.users.is_empty() {
            return Err("basic_auth_users was removed; this needs a restart".to_owned());
        }
        if self.has_tls && settings.certificates.is_none() {
            return Err("tls_server_config was removed; this needs a restart".to_owned());
        }
        Ok(settings)
    }

    fn replace(&self, read: Result<Settings, String>) {
        let mut state = self.state();
        state.checked = Instant::now();
        match read {
            Ok(mut settings) => {
                // An unchanged rate limit keeps its bucket.
                if let (Some(new), Some(old)) = (&settings.rate, &state.settings.rate)
                    && new.same_as(old)
                {
                    settings.rate = Some(old.clone());
                }
                // Warn once, although the file is read often.
                if !settings.users.same_as(&state.settings.users) {
                    settings.users.warn_of_high_costs();
                }
                if state.broken.take().is_some() {
                    info!("the web configuration can be used again");
                }
                state.settings = Arc::new(settings);
            }
            Err(why) => {
                if state.broken.as_ref() != Some(&why) {
                    error!(
                        error = why,
                        "the web configuration cannot be used; keeping the previous certificates, responding to requests with 500"
                    );
                }
                state.broken = Some(why);
            }
        }
    }

    /// Every change is a plain assignment, so a poisoned lock holds a consistent state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebConfig")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

async fn read_within_limit(slot: &ReadSlot, file: &Path) -> Result<Settings, String> {
    within_limit(slot, file, Settings::read).await
}

/// Reads the file and passes its text and folder to `use_text`.
async fn within_limit<T: Send + 'static>(
    slot: &ReadSlot,
    file: &Path,
    use_text: fn(&str, &Path) -> Result<T, String>,
) -> Result<T, String> {
    let path = file.to_owned();
    let used = slot.run(READ_TIMEOUT, move || read(&path, use_text)).await;
    used.unwrap_or_else(|error| Err(format!("{}: {error}", visible_path(file))))
}

fn read<T>(file: &Path, use_text: fn(&str, &Path) -> Result<T, String>) -> Result<T, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", visible_path(file));
    if files::is_descriptor(file) {
        return Err(at(
            &"a pipe can be read only once, and this file is read again while the exporter runs; name a regular file",
        ));
    }
    let contents = files::read(file, MAX_BYTES).map_err(|error| at(&error))?;
    let text = contents.text().map_err(|error| at(&error))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    use_text(text, folder).map_err(|error| at(&error))
}
