//! The file of `once --output`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::replace::{Destination, Mode, folder_of, replace, resolve};
use crate::stdio::{print, write_all};

/// The path that means standard output.
const STDOUT: &str = "-";

/// The mode of a new file: the textfile collector runs as another user.
const WORLD_READABLE: u32 = 0o644;

/// Writes to a device or pipe, or replaces a file atomically. If the future is dropped, the file has
/// either the old or the new content, and the temporary file is removed.
pub(super) async fn write(path: &Path, content: Vec<Bytes>) -> io::Result<()> {
    if path.as_os_str() == STDOUT {
        return print(content).await;
    }
    let path = path.to_owned();
    let destination = spawn_blocking(move || resolve(&path));
    match destination.await?? {
        Destination::Stdout => print(content).await,
        Destination::Stream(path) => spawn_blocking(move || write_into(&path, &content)).await?,
        Destination::File(file) => {
            let temporary = Temporary::next_to(&file);
            let kept = temporary.clone();
            let written = spawn_blocking(move || temporary.replace(&file, &content));
            let _remove = RemoveOnDrop(kept);
            written.await?
        }
    }
}

/// Appends: the path may be the descriptor of a regular file, which must not be truncated.
fn write_into(path: &Path, content: &[Bytes]) -> io::Result<()> {
    let mut stream = File::options().append(true).open(path)?;
    content
        .iter()
        .try_for_each(|piece| write_all(&mut stream, &mut &**piece))
}

/// A temporary file, and whether the write was abandoned.
#[derive(Clone)]
struct Temporary {
    path: PathBuf,
    is_abandoned: Arc<AtomicBool>,
}

impl Temporary {
    /// Returns a unique name in the folder of `file`, so that the rename stays within the file system.
    /// The textfile collector ignores the extension.
    fn next_to(file: &Path) -> Self {
        let (process, number) = (std::process::id(), fastrand::u32(..));
        let name = format!(".cloudaudit-exporter-{process}-{number:08x}.tmp");
        Self {
            path: folder_of(file).join(name),
            is_abandoned: Arc::default(),
        }
    }

    fn replace(&self, file: &Path, content: &[Bytes]) -> io::Result<()> {
        replace(file, &self.path, Mode::PreserveOr(WORLD_READABLE), |new| {
            content.iter().try_for_each(|piece| new.write_all(piece))?;
            if self.is_abandoned.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(())
        })
    }
}

/// Removes the temporary file when it is dropped, unless it was renamed.
struct RemoveOnDrop(Temporary);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        self.0.is_abandoned.store(true, Ordering::SeqCst);
        // After the rename, the file does not exist.
        drop(fs::remove_file(&self.0.path));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use bytes::Bytes;
    use tempfile::TempDir;
    use tokio::time::{Instant, sleep, timeout};

    use super::write;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A signal drops the write at any moment.
    #[tokio::test]
    async fn a_write_that_is_dropped_leaves_the_old_file_or_the_new_and_no_other() {
        const PIECES: usize = 20;
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("metrics.prom");
        fs::write(&file, "old").unwrap();
        let piece = Bytes::from(vec![b'x'; 100_000]);
        let (mut old, mut new) = (0, 0);
        for step in 0..100 {
            let content = vec![piece.clone(); PIECES];
            let time = Duration::from_micros(step * 100);
            drop(timeout(time, write(&file, content)).await);
            // A rename that has started may still complete.
            let began = Instant::now();
            while fs::read_dir(folder.path()).unwrap().count() > 1 {
                assert!(began.elapsed() < PATIENCE, "a temporary file is left");
                sleep(Duration::from_millis(1)).await;
            }
            match fs::metadata(&file).unwrap().len() {
                3 => old += 1,
                length => {
                    assert_eq!(length, (PIECES * piece.len()) as u64, "it is whole");
                    new += 1;
                    fs::write(&file, "old").unwrap();
                }
            }
        }
        assert_eq!(old + new, 100);
        assert!(old > 0, "no write was dropped");
    }
}
