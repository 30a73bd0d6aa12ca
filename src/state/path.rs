//! The file and the files next to it: the lock, the temporary file, and damaged files that are kept.
//! Everything here waits for the disk, so it must not run on a thread of the runtime.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;

use super::encoding::{MAX_BYTES, decode};
use crate::clock::unix_seconds;
use crate::escape::visible_path;
use crate::files::{self, Presence, ReadError, presence};
use crate::replace::{Destination, Mode, folder_of, replace, resolve};

/// This many damaged files are kept; the oldest is removed first.
const KEPT_ASIDE: usize = 5;

/// A state file describes an account's audit trail, so only its owner may read it.
const OWNER_ONLY: u32 = 0o600;

/// The path of a state file, and the lock if this process holds it.
#[derive(Debug)]
pub(super) struct StatePath {
    path: PathBuf,
    /// The lock is on a file of its own, because a lock on the state file would go away with each
    /// renaming. Closing the file ends the lock, however the process ends.
    lock: Option<File>,
}

impl StatePath {
    /// Creates a path that is not claimed yet.
    pub(super) fn new(path: PathBuf) -> Self {
        // Renaming over a symbolic link, even a dangling one, would replace the link.
        let path = match resolve(&path) {
            Ok(Destination::File(file)) => file,
            // `lock` refuses it, and with it every write.
            _ => path,
        };
        Self { path, lock: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether this process may write.
    pub(super) fn is_claimed(&self) -> bool {
        self.lock.is_some()
    }

    /// Checks that nothing but a regular file would be replaced. Devices such as `/dev/null` and
    /// directories must never be renamed.
    fn check(&self) -> Result<(), String> {
        match presence(&self.path).map_err(|error| error.to_string())? {
            Presence::Absent | Presence::File => Ok(()),
            Presence::Folder | Presence::Other(_) => Err(NOT_A_FILE.to_owned()),
        }
    }

    /// Locks the file, unless another process holds the lock.
    pub(super) fn lock(&self) -> Result<File, String> {
        self.check()?;
        let path = self.with_suffix(".lock");
        let at = |why: &dyn Display| {
            let path = visible_path(&path);
            format!("cannot open {path}: {why}; remove it")
        };
        // A link may lead anywhere, and opening a FIFO would block.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWNER_ONLY)
            .custom_flags(flags)
            .open(&path)
            .map_err(|error| match error.raw_os_error() {
                Some(libc::ELOOP) => at(&"it is a symbolic link"),
                Some(libc::ENXIO | libc::EISDIR) => at(&NOT_REGULAR),
                _ => format!("cannot open {}: {error}", visible_path(&path)),
            })?;
        let found = lock.metadata().map_err(|error| at(&error))?;
        if !found.is_file() {
            return Err(at(&NOT_REGULAR));
        }
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(format!(
                "another process holds the lock {}; give each process its own state.file",
                visible_path(&path)
            )),
            Err(TryLockError::Error(error)) => {
                Err(format!("cannot lock {}: {error}", visible_path(&path)))
            }
        }
    }

    /// Returns the value in the file. `None` if there is no file.
    ///
    /// # Errors
    ///
    /// Why the file cannot be used.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        let content = match files::read(&self.path, MAX_BYTES) {
            Ok(content) => content.bytes,
            // A dangling link on the path is an error, not an absent file.
            Err(error) if error.is_absent() => {
                return match presence(&self.path) {
                    Err(error) => Err(error.to_string()),
                    Ok(_) => Ok(None),
                };
            }
            Err(ReadError::NotRegular(_)) => return Err(NOT_A_FILE.to_owned()),
            Err(error) => return Err(format!("it cannot be read: {error}")),
        };
        let value = serde_json::from_slice(decode(&content)?);
        value
            .map(Some)
            .map_err(|error| format!("its payload is invalid: {error}"))
    }

    /// Claims the path: removes the temporary file of a killed process, and renames a file that cannot
    /// be used. Returns the new path of that file.
    pub(super) fn claim(
        &mut self,
        lock: File,
        usable: bool,
        now: SystemTime,
    ) -> Result<Option<PathBuf>, String> {
        remove_if_there(&self.new_file()).map_err(|error| {
            format!("cannot remove the temporary file of a killed process: {error}")
        })?;
        let aside = if usable {
            None
        } else {
            Some(self.put_aside(now)?)
        };
        self.lock = Some(lock);
        Ok(aside)
    }

    /// Replaces the file. A reader sees the old or the new file as a whole, even if this process is
    /// killed.
    pub(super) fn replace(&self, content: &[u8]) -> io::Result<()> {
        let new = self.new_file();
        remove_if_there(&new)?;
        let mode = Mode::Always(OWNER_ONLY);
        replace(&self.path, &new, mode, |new| new.write_all(content))?;
        // Until the directory is on the disk, a power failure may bring the old file back.
        File::open(folder_of(&self.path))?.sync_all()
    }

    /// Renames the file to a name with the time, and removes the oldest of such files beyond a few.
    fn put_aside(&self, now: SystemTime) -> Result<PathBuf, String> {
        let cannot = |error: io::Error| format!("it cannot be renamed: {error}");
        let mut kept = self.kept_aside().map_err(cannot)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time before 1970 becomes 0"
        )]
        let mut second = unix_seconds(now) as u64;
        while kept.contains(&second) {
            second += 1;
        }
        let aside = self.aside(second);
        fs::rename(&self.path, &aside).map_err(cannot)?;
        kept.push(second);
        kept.sort_unstable();
        for old in &kept[..kept.len().saturating_sub(KEPT_ASIDE)] {
            remove_if_there(&self.aside(*old)).map_err(cannot)?;
        }
        Ok(aside)
    }

    /// Returns the times in the names of the renamed files.
    fn kept_aside(&self) -> io::Result<Vec<u64>> {
        let mut times = Vec::new();
        let folder = folder_of(&self.path);
        for entry in fs::read_dir(folder)? {
            let path = folder.join(entry?.file_name());
            let number = |time: &str| time.parse().ok().filter(|time| self.aside(*time) == path);
            let name = path.to_string_lossy();
            times.extend(name.rsplit('-').next().and_then(number));
        }
        Ok(times)
    }

    fn new_file(&self) -> PathBuf {
        self.with_suffix(".tmp")
    }

    fn aside(&self, second: u64) -> PathBuf {
        self.with_suffix(&format!(".corrupt-{second}"))
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(suffix);
        path.into()
    }
}

impl Drop for StatePath {
    /// Unlocks explicitly, because a child process that is just being started holds a copy of the
    /// descriptor until it executes its program.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // An error needs no handling: closing the file unlocks it too.
            drop(lock.unlock());
        }
    }
}

const NOT_REGULAR: &str = "it is not a regular file";

/// Checks whether a path can be the path of a state file. Blocks the thread.
///
/// # Errors
///
/// Why it cannot.
pub fn check_path(path: &Path) -> Result<(), String> {
    StatePath::new(path.to_owned()).check()
}

const NOT_A_FILE: &str = "it is not a regular file; name another one";

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
