//! The signals that ask the process to end or to reload.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// SIGTERM, as service managers send it, SIGINT by Ctrl-C, or SIGQUIT.
    Stop,
    /// SIGHUP.
    Hangup,
}

/// Signals that are caught from its creation on, so that none is lost that arrives while the
/// program is still starting. Without a handler the kernel does not even deliver them to process 1.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches them in the current runtime.
    ///
    /// # Errors
    ///
    /// The system takes no handler.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop,
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.quit.recv() => Request::Stop,
            _ = self.hangup.recv() => Request::Hangup,
        }
    }
}
