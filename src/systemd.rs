//! Notifies systemd, or another service manager with the same protocol, that the service is ready,
//! reloading or stopping, and feeds its watchdog.

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::{debug, warn};

/// The number of watchdog messages within the watchdog's timeout.
const PINGS_PER_TIMEOUT: u32 = 2;

/// How often an unsent message is retried if the watchdog is off.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The service manager that started the process, or a no-op if there is none.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// The message that the socket had no room for.
    unsent: Mutex<String>,
    /// The watchdog's timeout, or `None` if the watchdog is off.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Reads the environment variables `NOTIFY_SOCKET`, and `WATCHDOG_USEC` unless `WATCHDOG_PID`
    /// names another process.
    pub fn from_variables<'a>(variable: impl Fn(&str) -> Option<&'a String>) -> Self {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Self::default();
        };
        let socket = match connect(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                warn!(%error, socket = address, "cannot notify the service manager: cannot connect to its socket (NOTIFY_SOCKET)");
                None
            }
        };
        let process = std::process::id().to_string();
        let is_for_us = variable("WATCHDOG_PID").is_none_or(|pid| *pid == process);
        let watchdog = variable("WATCHDOG_USEC").and_then(|micros| micros.parse().ok());
        Self {
            socket,
            unsent: Mutex::default(),
            watchdog: watchdog
                .filter(|micros| is_for_us && *micros > 0)
                .map(Duration::from_micros),
        }
    }

    /// Notifies that the service is ready, after its start or a reload.
    pub fn ready(&self) {
        self.notify(&[NotifyState::Ready]);
    }

    /// Notifies that the service is reloading. [`Self::ready`] must follow.
    pub fn reloading(&self) {
        // From the time, the manager knows which reload a later `READY=1` ends.
        match NotifyState::monotonic_usec_now() {
            Ok(since) => self.notify(&[NotifyState::Reloading, since]),
            Err(error) => debug!(%error, "no monotonic clock"),
        }
    }

    /// Notifies that the service is stopping.
    pub fn stopping(&self) {
        self.notify(&[NotifyState::Stopping]);
    }

    /// Sends watchdog messages while `healthy` returns `Ok`, and retries unsent messages. Runs
    /// forever.
    pub async fn run_watchdog(&self, healthy: impl Fn() -> Result<(), String>) -> ! {
        let pause = self.watchdog.map(|watchdog| watchdog / PINGS_PER_TIMEOUT);
        let mut due = interval(pause.unwrap_or(RETRY_INTERVAL));
        let mut was_healthy = true;
        loop {
            due.tick().await;
            // `send` may take the lock, so it must be free.
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
                // Logged once, not for every missed message.
                Err(why) if was_healthy => {
                    warn!(
                        why,
                        "unhealthy: the service manager's watchdog gets no message"
                    );
                    was_healthy = false;
                }
                Err(_) => {}
            }
        }
    }

    fn notify(&self, states: &[NotifyState<'_>]) {
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        // An older message is out of date.
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
            // The next watchdog message follows anyway.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if message != NotifyState::Watchdog.to_string() {
                    *self.unsent() = message;
                }
            }
            // The exporter works without a service manager.
            Err(error) => debug!(%error, "cannot notify the service manager"),
        }
    }

    fn unsent(&self) -> MutexGuard<'_, String> {
        // A panic cannot leave the string half-changed.
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to a path, or to a name in the abstract namespace after `@`. `sd_notify` has no function
/// for this: it supports paths only and reads them from the environment.
fn connect(address: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A manager that reads slowly must not block the exporter.
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
