//! The file and what lies beside it: the lock, the file that is being written, and damaged ones
//! that are kept. Everything here waits for the disk, so nothing here runs on the runtime's
//! threads.

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
use crate::files::{self, Presence, ReadError, presence};
use crate::replace::{Destination, Mode, folder_of, replace, resolve};

/// So many damaged files are kept; the oldest goes first.
const KEPT_ASIDE: usize = 5;

/// A state file shows what an account's audit trail looks like: nobody else needs to read it.
const OWNER_ONLY: u32 = 0o600;

/// A state file's path, and the lock on it where this process holds it.
#[derive(Debug)]
pub(super) struct StatePath {
    path: PathBuf,
    /// On a file of its own: the state file is replaced by renaming, and a lock on it would go with
    /// the old one. Closing it ends the lock, in whatever way the process ends.
    lock: Option<File>,
}

impl StatePath {
    /// The path that a path names, not yet claimed.
    pub(super) fn new(path: PathBuf) -> Self {
        // Renaming over a symbolic link, a dangling one too, would put the file where the link was.
        let path = match resolve(&path) {
            Ok(Destination::File(file)) => file,
            // The lock, and with it each write, refuses it.
            _ => path,
        };
        Self { path, lock: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this process may write here.
    pub(super) fn is_claimed(&self) -> bool {
        self.lock.is_some()
    }

    /// The lock, where no other process has it.
    pub(super) fn lock(&self) -> Result<File, String> {
        // Neither `/dev/null` nor somebody's folder is ever to be renamed.
        match presence(&self.path).map_err(|error| error.to_string())? {
            Presence::Absent | Presence::File => {}
            Presence::Folder | Presence::Other(_) => return Err(NOT_A_FILE.to_owned()),
        }
        let path = self.beside(".lock");
        let at = |why: &dyn Display| {
            let path = path.display();
            format!("cannot open {path}: {why}; remove it")
        };
        // A link may lead anywhere, and opening a FIFO would wait for its other end.
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
                _ => format!("cannot open {}: {error}", path.display()),
            })?;
        let found = lock.metadata().map_err(|error| at(&error))?;
        if !found.is_file() {
            return Err(at(&NOT_REGULAR));
        }
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(format!(
                "another process holds the lock {}; give each process a file of its own",
                path.display()
            )),
            Err(TryLockError::Error(error)) => {
                Err(format!("cannot lock {}: {error}", path.display()))
            }
        }
    }

    /// What the file holds; none where there is no file; else what is wrong with it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, String> {
        let content = match files::read(&self.path, MAX_BYTES) {
            Ok(content) => content.bytes,
            // Reading fails if a link on the path leads nowhere; such a file is not absent.
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
            .map_err(|error| format!("its payload is not what it should be: {error}"))
    }

    /// Makes the path ours. What a killed process left half-written goes; a file that cannot be
    /// used is put aside, and its new path given.
    pub(super) fn claim(
        &mut self,
        lock: File,
        usable: bool,
        now: SystemTime,
    ) -> Result<Option<PathBuf>, String> {
        remove_if_there(&self.new_file())
            .map_err(|error| format!("a temporary file of a killed process stays: {error}"))?;
        let aside = if usable {
            None
        } else {
            Some(self.put_aside(now)?)
        };
        self.lock = Some(lock);
        Ok(aside)
    }

    /// Puts a new file in the path of the old one. Whoever reads, and whatever is killed when, one
    /// of the two is there, and whole.
    pub(super) fn replace(&self, content: &[u8]) -> io::Result<()> {
        let new = self.new_file();
        remove_if_there(&new)?;
        let mode = Mode::Always(OWNER_ONLY);
        replace(&self.path, &new, mode, |new| new.write_all(content))?;
        // Until the folder is on the disk, too, a power cut may bring the old file back.
        File::open(folder_of(&self.path))?.sync_all()
    }

    /// Renames the file to a name that says when, and removes the oldest of those names beyond a
    /// few.
    fn put_aside(&self, now: SystemTime) -> Result<PathBuf, String> {
        let cannot = |error: io::Error| format!("it cannot be put aside: {error}");
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

    /// The times in the names of the files that were put aside.
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
        self.beside(".tmp")
    }

    fn aside(&self, second: u64) -> PathBuf {
        self.beside(&format!(".corrupt-{second}"))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(suffix);
        path.into()
    }
}

impl Drop for StatePath {
    /// Closing alone would leave the lock to any process that is being started at the moment: it
    /// has our descriptors until it is the other program.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Closing is all that is left then.
            drop(lock.unlock());
        }
    }
}

const NOT_REGULAR: &str = "it is not a regular file";

const NOT_A_FILE: &str = "it is not a regular file; name another one";

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
