//! Writes to standard output and standard error. Their pipes may be full or closed, and another
//! process that shares them may have made them non-blocking.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;

/// The pause before the next attempt to write to a full, non-blocking pipe.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// Prints to standard output on a blocking thread. A reader that closes the pipe early, such as
/// `head`, is not an error.
///
/// # Errors
///
/// Returns an error if not everything was written.
pub async fn print(pieces: Vec<Bytes>) -> io::Result<()> {
    let written = spawn_blocking(move || {
        // `Stdout` would hold its lock for as long as the pipe is full.
        let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        pieces
            .iter()
            .try_for_each(|piece| write_all(&mut stdout, &mut &**piece))
    });
    match written.await.unwrap_or_else(|error| Err(error.into())) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes all of `bytes`, and waits while a non-blocking pipe is full. After an error, `bytes` has
/// the rest.
///
/// # Errors
///
/// Returns the errors of `out`.
#[expect(
    clippy::disallowed_methods,
    reason = "it runs on threads that may wait for a pipe"
)]
pub fn write_all(out: &mut impl Write, bytes: &mut &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => *bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(FULL_PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
