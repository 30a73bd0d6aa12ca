//! Replaces files atomically, so that a reader sees either the old or the new content. Owner, group
//! and symbolic links stay.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::escape::visible_path;

/// The most symbolic links that are followed, the same as Linux.
const MAX_LINKS: usize = 40;

/// The permissions of a file while it is written.
const OWNER_ONLY: u32 = 0o600;

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o777;

/// What a path resolves to.
#[derive(Debug, PartialEq, Eq)]
pub enum Destination {
    /// A regular file that exists or can be created. The last part of this path is not a link.
    File(PathBuf),
    /// A device or a pipe, which is written to and never replaced.
    Stream(PathBuf),
    /// The standard output of this process.
    Stdout,
}

/// The permissions of the new file.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// The permissions of the old file. A new file gets this mode, whatever the umask is.
    PreserveOr(u32),
    /// Always this mode.
    Always(u32),
}

/// Follows the symbolic links of `path`.
///
/// # Errors
///
/// Returns an error if the path can neither be replaced nor written to.
pub fn resolve(path: &Path) -> io::Result<Destination> {
    let mut path = path.to_owned();
    for _ in 0..=MAX_LINKS {
        if is_descriptor(&path) {
            let own = format!("/proc/{}/fd/1", std::process::id());
            let folder = fs::canonicalize(folder_of(&path))?;
            let is_stdout = folder.join(path.file_name().unwrap_or_default()) == Path::new(&own);
            return Ok(if is_stdout {
                Destination::Stdout
            } else {
                Destination::Stream(path)
            });
        }
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match path.as_os_str().as_encoded_bytes().last() {
                    Some(b'/') => Err(ErrorKind::IsADirectory.into()),
                    _ => Ok(Destination::File(path)),
                };
            }
            found => found?.file_type(),
        };
        if found.is_symlink() {
            path = folder_of(&path).join(fs::read_link(&path)?);
        } else if found.is_file() {
            return Ok(Destination::File(path));
        } else if found.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        } else if found.is_socket() {
            return Err(io::Error::other("it is a socket; name a file"));
        } else {
            return Ok(Destination::Stream(path));
        }
    }
    Err(io::Error::other("it has too many symbolic links"))
}

/// Returns whether the path names an open file descriptor. Even if the descriptor is a regular file,
/// it is written to and not replaced.
fn is_descriptor(path: &Path) -> bool {
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
    folder.starts_with("/proc") && folder.ends_with("fd")
}

/// Writes a new file to `temporary`, which must be in the same folder and not exist, and renames it
/// to `file`. If a step fails, `file` is unchanged and `temporary` is removed. Blocks the thread.
///
/// # Errors
///
/// Returns the first error. The message names the folder if the file cannot be created in it.
pub fn replace(
    file: &Path,
    temporary: &Path,
    mode: Mode,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(temporary)
        .map_err(|error| {
            let folder = visible_path(folder_of(temporary));
            let message = format!("cannot create a file in the folder {folder}: {error}");
            io::Error::new(error.kind(), message)
        })?;
    let replaced = write(&mut new)
        .and_then(|()| copy_ownership(&new, file, mode))
        .and_then(|()| new.sync_all())
        .and_then(|()| fs::rename(temporary, file));
    if replaced.is_err() {
        // The first error is the one to report.
        drop(fs::remove_file(temporary));
    }
    replaced
}

/// Gives the new file the owner and the group of the old file, and sets its mode.
fn copy_ownership(new: &File, old: &Path, mode: Mode) -> io::Result<()> {
    let old = fs::metadata(old).ok();
    if let Some(old) = &old {
        // Only root may change the owner, and only a member of a group may set the group. If this
        // fails, the new file has the owner and group of the process.
        drop(fchown(new, None, Some(old.gid())));
        drop(fchown(new, Some(old.uid()), None));
    }
    let mode = match (mode, old) {
        (Mode::Always(mode), _) | (Mode::PreserveOr(mode), None) => mode,
        (Mode::PreserveOr(_), Some(old)) => old.mode() & PERMISSIONS,
    };
    new.set_permissions(Permissions::from_mode(mode))
}

/// Returns the folder of a path.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
