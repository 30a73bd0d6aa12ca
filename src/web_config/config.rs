//! The current content of the file, and which requests it allows.

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
use crate::files::{self, READ_TIMEOUT, ReadSlot};

/// Every connection and request checks the file, but not more often than this.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// A file that cannot be used is read again for this long before requests are refused: what writes
/// it, or a pair of certificate and key, may not be done yet.
const WRITE_GRACE: Duration = Duration::from_secs(1);

/// How often it is read meanwhile.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The web configuration, read again while the process runs.
pub struct WebConfig {
    file: PathBuf,
    slot: ReadSlot,
    /// Whether TLS is spoken. This cannot change while the process runs.
    has_tls: bool,
    state: Mutex<State>,
    /// Held by whoever looks at the file.
    refreshing: tokio::sync::Mutex<()>,
    basic_auth: BasicAuth,
}

struct State {
    checked: Instant,
    /// What is in use: the last that was whole.
    settings: Arc<Settings>,
    /// Why the file cannot be used as it is now.
    broken: Option<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The file is broken.
    Broken,
    /// `rate_limit`.
    TooMany,
    /// No password, or a wrong one.
    Unauthorized,
    /// Too many wait for their password to be checked.
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

    /// TLS as the file wants it now; none where it is not spoken.
    pub async fn tls(&self) -> Option<Arc<ServerConfig>> {
        if !self.has_tls {
            return None;
        }
        self.refresh().await;
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.map(|certificates| Arc::clone(&certificates.config))
    }

    /// Whether TLS is spoken.
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Whether every client has to show a certificate.
    pub fn requires_client_certificates(&self) -> bool {
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.is_some_and(|it| it.requires_clients)
    }

    /// When the certificate in use ends.
    pub fn certificate_expires(&self) -> Option<SystemTime> {
        self.state().settings.certificates.as_ref()?.expires
    }

    /// Whether a request for this path may come in, and the headers that its response gets. `path`
    /// is as it is without a prefix.
    ///
    /// # Errors
    ///
    /// Why it may not.
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

    /// Takes up what the file says now.
    async fn refresh(&self) {
        if self.state().checked.elapsed() < REFRESH_INTERVAL {
            return;
        }
        let Ok(_guard) = self.refreshing.try_lock() else {
            // Somebody looks already; what was true a moment ago will do.
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

    /// Whether settings may replace those in use.
    fn check_replacement(&self, settings: Settings) -> Result<Settings, String> {
        // An editor that empties a file before it writes it must not open the door meanwhile.
        if settings.users.is_empty() && !self.state().settings.users.is_empty() {
            return Err("basic_auth_users is gone; it can only go with a restart".to_owned());
        }
        if self.has_tls && settings.certificates.is_none() {
            return Err("tls_server_config is gone; it can only go with a restart".to_owned());
        }
        Ok(settings)
    }

    fn replace(&self, read: Result<Settings, String>) {
        let mut state = self.state();
        state.checked = Instant::now();
        match read {
            Ok(mut settings) => {
                // The bucket of a limit that stays the same goes on.
                if let (Some(new), Some(old)) = (&settings.rate, &state.settings.rate)
                    && new.same_as(old)
                {
                    settings.rate = Some(old.clone());
                }
                // The file is read again and again.
                if !settings.users.same_as(&state.settings.users) {
                    settings.users.warn_of_high_costs();
                }
                if state.broken.take().is_some() {
                    info!("the web configuration is whole again");
                }
                state.settings = Arc::new(settings);
            }
            Err(why) => {
                if state.broken.as_ref() != Some(&why) {
                    error!(
                        error = why,
                        "the web configuration cannot be used; certificates stay, requests are answered with 500"
                    );
                }
                state.broken = Some(why);
            }
        }
    }

    /// Changed by assignments that cannot panic half-way.
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
    let path = file.to_owned();
    let settings = slot.run(READ_TIMEOUT, move || read(&path)).await;
    settings.unwrap_or_else(|error| Err(format!("{}: {error}", file.display())))
}

fn read(file: &Path) -> Result<Settings, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    if files::is_descriptor(file) {
        return Err(at(
            &"a pipe can be read only once, and this file is read again while the exporter runs; name a regular file",
        ));
    }
    let contents = files::read(file, MAX_BYTES).map_err(|error| at(&error))?;
    let text = contents.text().map_err(|error| at(&error))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Settings::read(text, folder).map_err(|error| at(&error))
}
