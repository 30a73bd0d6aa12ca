//! What systemd, or another service manager with its protocol, wants to know: that the service is
//! ready, reloading or stopping, and from time to time that it is well.

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::{debug, warn};

/// A sign of life is sent so many times in the time after which one is missed.
const PINGS_PER_TIMEOUT: u32 = 2;

/// How often a message that the manager has not taken is sent again if it wants no signs of life.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The service manager that started the process, if one did.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// The message that could not be sent yet because the manager reads slowly.
    unsent: Mutex<String>,
    /// How long it waits for a sign of life, where it wants any.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the variables of the process name: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` unless
    /// `WATCHDOG_PID` says that it is meant for another process.
    pub fn of<'a>(variable: impl Fn(&str) -> Option<&'a String>) -> Self {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Self::default();
        };
        let socket = match connect(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                warn!(%error, socket = address, "the service manager cannot be told anything");
                None
            }
        };
        let process = std::process::id().to_string();
        let is_meant = variable("WATCHDOG_PID").is_none_or(|pid| *pid == process);
        let watchdog = variable("WATCHDOG_USEC").and_then(|micros| micros.parse().ok());
        Self {
            socket,
            unsent: Mutex::default(),
            watchdog: watchdog
                .filter(|micros| is_meant && *micros > 0)
                .map(Duration::from_micros),
        }
    }

    /// It serves, or serves again.
    pub fn ready(&self) {
        self.notify(&[NotifyState::Ready]);
    }

    /// It is reading its configuration; [`Self::ready`] follows.
    pub fn reloading(&self) {
        // Since when, so that the manager can tell this reload's end from an earlier one's.
        match NotifyState::monotonic_usec_now() {
            Ok(since) => self.notify(&[NotifyState::Reloading, since]),
            Err(error) => debug!(%error, "no monotonic clock"),
        }
    }

    /// It is on its way out.
    pub fn stopping(&self) {
        self.notify(&[NotifyState::Stopping]);
    }

    /// Gives a sign of life as often as one is wanted, while `healthy` says that there is life, and
    /// repeats what a slow manager has not taken.
    pub async fn run_watchdog(&self, healthy: impl Fn() -> Result<(), String>) -> ! {
        let wanted = self.watchdog.map(|watchdog| watchdog / PINGS_PER_TIMEOUT);
        let mut due = interval(wanted.unwrap_or(RETRY_INTERVAL));
        let mut was_healthy = true;
        loop {
            due.tick().await;
            // The lock is free again before the socket is tried, which may take it.
            let unsent = std::mem::take(&mut *self.unsent());
            self.send(unsent);
            if self.watchdog.is_none() {
                continue;
            }
            match healthy() {
                Ok(()) => {
                    self.send(NotifyState::Watchdog.to_string());
                    was_healthy = true;
                }
                // Once, and not for each sign that is not given.
                Err(why) if was_healthy => {
                    warn!(why, "no sign of life for the service manager's watchdog");
                    was_healthy = false;
                }
                Err(_) => {}
            }
        }
    }

    fn notify(&self, states: &[NotifyState<'_>]) {
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        // What was said before is out of date.
        self.unsent().clear();
        self.send(lines.join("\n"));
    }

    fn send(&self, message: String) {
        let Some(socket) = &self.socket else { return };
        if message.is_empty() {
            return;
        }
        match socket.send(message.as_bytes()) {
            Ok(_) => {}
            // A sign of life is repeated anyway.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if message != NotifyState::Watchdog.to_string() {
                    *self.unsent() = message;
                }
            }
            // A manager that does not listen is no reason to stop.
            Err(error) => debug!(%error, "cannot notify the service manager"),
        }
    }

    fn unsent(&self) -> MutexGuard<'_, String> {
        // It is replaced as a whole.
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path, or a name in the abstract namespace after an `@`. The crate takes paths only, and from
/// the environment.
fn connect(address: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A manager that is slow to read must not hold anything up.
    socket.set_nonblocking(true)?;
    match address.strip_prefix('@') {
        Some(name) => socket.connect_addr(&abstract_address(name)?)?,
        None => socket.connect(address)?,
    }
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
