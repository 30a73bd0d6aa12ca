//! Standard output and standard error: pipes that may be stuck, closed, or set to be non-blocking
//! by another process that shares them.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;

/// How long a non-blocking pipe that is full is left alone.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// Prints to standard output, away from the runtime's threads. A reader that has read enough, such
/// as `head`, is no error.
///
/// # Errors
///
/// Why not everything was written.
pub async fn print(pieces: Vec<Bytes>) -> io::Result<()> {
    let written = spawn_blocking(move || {
        // Without the buffer of `Stdout`, whose lock would be held for as long as a pipe is stuck.
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

/// Writes all of `bytes`, and waits if a non-blocking pipe is full. After an error, `bytes` is what
/// was not written.
///
/// # Errors
///
/// The errors of `out`.
#[expect(
    clippy::disallowed_methods,
    reason = "it waits on threads that may wait for a pipe"
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
