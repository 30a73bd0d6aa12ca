//! The file as it is now, and who it lets in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::ServerConfig;
use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::file::MAX_BYTES;
use super::passwords::{Doorkeeper, Verdict};
use super::settings::Settings;
use crate::files::{self, READ_TIMEOUT, ReadSlot};

/// The file is looked at with every connection and request, but not more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file that cannot be used is read again for this long before requests are refused: what writes
/// it, or a pair of certificate and key, may not be done yet.
const HALF_WRITTEN: Duration = Duration::from_secs(1);

/// How often it is read meanwhile.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// The listener's gate, which opens as the file says.
pub struct Gate {
    file: PathBuf,
    slot: ReadSlot,
    /// Whether TLS is spoken. This cannot change while the process runs.
    has_tls: bool,
    state: Mutex<State>,
    /// Held by whoever looks at the file.
    turn: tokio::sync::Mutex<()>,
    doorkeeper: Doorkeeper,
}

struct State {
    looked: Instant,
    /// What is in use: the last that was whole.
    settings: Arc<Settings>,
    /// Why the file cannot be used as it is now.
    broken: Option<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The file is broken.
    Broken,
    /// `rate_limit`.
    TooMany,
    /// No password, or a wrong one.
    Unauthorized,
    /// Too many wait for their password to be checked.
    Busy,
}

impl Gate {
    /// Reads the file, off the runtime and within a time limit.
    ///
    /// # Errors
    ///
    /// The errors of [`Gate::open`], or a timeout of the file or of one that it names.
    pub async fn open_in_time(file: &Path) -> Result<Self, String> {
        let path = file.to_owned();
        let slot = ReadSlot::default();
        let opened = slot.run(READ_TIMEOUT, move || Self::open(&path)).await;
        opened.unwrap_or_else(|error| Err(format!("{}: {error}", file.display())))
    }

    /// Reads the file. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// What cannot be read or taken, with the file's name; never a secret.
    pub fn open(file: &Path) -> Result<Self, String> {
        let settings = read(file)?;
        settings.users.warn_of_high_costs();
        Ok(Self {
            file: file.to_owned(),
            slot: ReadSlot::default(),
            has_tls: settings.certificates.is_some(),
            state: Mutex::new(State {
                looked: Instant::now(),
                settings: Arc::new(settings),
                broken: None,
            }),
            turn: tokio::sync::Mutex::default(),
            doorkeeper: Doorkeeper::default(),
        })
    }

    /// TLS as the file wants it now; none where it is not spoken.
    pub async fn tls(&self) -> Option<Arc<ServerConfig>> {
        if !self.has_tls {
            return None;
        }
        self.look().await;
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.map(|certificates| Arc::clone(&certificates.config))
    }

    /// Whether TLS is spoken.
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Whether every client has to show a certificate.
    pub fn wants_certificates(&self) -> bool {
        let settings = Arc::clone(&self.state().settings);
        let certificates = settings.certificates.as_ref();
        certificates.is_some_and(|it| it.clients_show_theirs)
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
    pub async fn admit(
        &self,
        path: &str,
        headers: &HeaderMap,
    ) -> (Vec<(HeaderName, HeaderValue)>, Result<(), Refused>) {
        self.look().await;
        let (settings, is_broken) = {
            let state = self.state();
            (Arc::clone(&state.settings), state.broken.is_some())
        };
        if is_broken {
            return (Vec::new(), Err(Refused::Broken));
        }
        let rate = settings.rate.as_ref();
        if rate.is_some_and(|rate| !rate.allows(Instant::now())) {
            return (Vec::new(), Err(Refused::TooMany));
        }
        let own = settings.headers.clone();
        let is_exempt = settings.exempt_paths.iter().any(|exempt| exempt == path);
        if settings.users.is_empty() || is_exempt {
            return (own, Ok(()));
        }
        let verdict = match self.doorkeeper.judge(&settings.users, headers).await {
            Verdict::Welcome => Ok(()),
            Verdict::Wrong => Err(Refused::Unauthorized),
            Verdict::Later => Err(Refused::Busy),
        };
        (own, verdict)
    }

    /// Takes up what the file says now.
    async fn look(&self) {
        if self.state().looked.elapsed() < LOOK_EVERY {
            return;
        }
        let Ok(_turn) = self.turn.try_lock() else {
            // Somebody looks already; what was true a moment ago will do.
            return;
        };
        let began = Instant::now();
        let mut now = self.read().await;
        while let Err(why) = &now
            && self.state().broken.as_ref() != Some(why)
            && began.elapsed() < HALF_WRITTEN
        {
            sleep(READ_AGAIN).await;
            now = self.read().await;
        }
        self.enter(now);
    }

    /// What the file says now.
    async fn read(&self) -> Result<Settings, String> {
        let file = self.file.clone();
        let settings = self.slot.run(READ_TIMEOUT, move || read(&file)).await;
        let settings =
            settings.unwrap_or_else(|error| Err(format!("{}: {error}", self.file.display())));
        self.accept(settings?)
    }

    /// Whether settings may replace those in use.
    fn accept(&self, settings: Settings) -> Result<Settings, String> {
        // An editor that empties a file before it writes it must not open the door meanwhile.
        if settings.users.is_empty() && !self.state().settings.users.is_empty() {
            return Err("basic_auth_users is gone; it can only go with a restart".to_owned());
        }
        if self.has_tls && settings.certificates.is_none() {
            return Err("tls_server_config is gone; it can only go with a restart".to_owned());
        }
        Ok(settings)
    }

    fn enter(&self, read: Result<Settings, String>) {
        let mut state = self.state();
        state.looked = Instant::now();
        match read {
            Ok(mut settings) => {
                // The bucket of a limit that stays the same goes on.
                if let (Some(new), Some(old)) = (&settings.rate, &state.settings.rate)
                    && new.is(old)
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

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
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
