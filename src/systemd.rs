//! What systemd, or another service manager with its protocol, wants to know: that the service is
//! ready, reloading or stopping, and from time to time that it is well.

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::{debug, warn};

/// A sign of life is sent so many times in the time after which one is missed.
const SIGNS_OF_LIFE: u32 = 2;

/// The service manager that started the process, if one did.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
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
            watchdog: watchdog
                .filter(|micros| is_meant && *micros > 0)
                .map(Duration::from_micros),
        }
    }

    /// It serves, or serves again.
    pub fn ready(&self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// It is reading its configuration; [`Self::ready`] follows.
    pub fn reloading(&self) {
        // Since when, so that the manager can tell this reload's end from an earlier one's.
        match NotifyState::monotonic_usec_now() {
            Ok(since) => self.tell(&[NotifyState::Reloading, since]),
            Err(error) => debug!(%error, "no monotonic clock"),
        }
    }

    /// It is on its way out.
    pub fn stopping(&self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// Gives a sign of life as often as one is wanted, while `healthy` says that there is life.
    pub async fn reassure(&self, healthy: impl Fn() -> Result<(), String>) -> ! {
        let Some(watchdog) = self.watchdog else {
            std::future::pending().await
        };
        let mut due = interval(watchdog / SIGNS_OF_LIFE);
        loop {
            due.tick().await;
            match healthy() {
                Ok(()) => self.tell(&[NotifyState::Watchdog]),
                Err(why) => warn!(why, "no sign of life for the service manager's watchdog"),
            }
        }
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        // A manager that does not listen is no reason to stop.
        if let Err(error) = socket.send(lines.join("\n").as_bytes()) {
            debug!(%error, "the service manager was not told");
        }
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
